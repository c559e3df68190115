"""Functions of numbers."""

from __future__ import annotations

from tools.vectors.cases.values import BYTES, DECIMALS, DOUBLES, FLOATS, INTS, LONGS
from tools.vectors.model import column, pairs

ROUNDING = ("round(a)", "round(a, 1)", "round(a, 2)", "round(a, -1)", "bround(a)", "bround(a, 1)", "bround(a, -1)", "ceil(a)", "ceiling(a)", "floor(a)", "abs(a)", "sign(a)", "signum(a)", "negative(a)")
FLOATING = ("sqrt(a)", "exp(a)", "ln(a)", "log(a)", "log10(a)", "log2(a)", "power(a, 2)", "pow(a, 0.5)", "pow(2, a)")
HALVES = ("-2.5", "-1.5", "-0.5", "-0.45", "0.15", "0.25", "0.35", "0.5", "1.5", "2.5", "2.675", "1.005", "1.45", "15", "25", "-15", "149.5", "9007199254740993", "123456.789", "1e300", "1e15", "4503599627370497.5", "0.285", "1.115", "5e-324", "NaN", "Infinity", "-Infinity", "-0.0", None)

CASES = (
    column("double", HALVES, "round(a)", "round(a, 1)", "round(a, 2)", "round(a, -1)", "bround(a)", "bround(a, 1)", "bround(a, 2)", "bround(a, -1)", "round(a, 20)"),
    column("double", ("-2.5", "-1.0", "-0.0", "0.0", "0.5", "1.0", "2.5", "9.99", "1e15", "NaN", None), *FLOATING, "ceil(a)", "floor(a)", "abs(a)", "sign(a)", "negative(a)", "pmod(a, 3)"),
    column("double", ("1e18", "9.3e18", "-9.3e18", "Infinity", "NaN", "709.9", "-745.2"), "ceil(a)", "floor(a)", "exp(a)", "sqrt(a)"),
    column("float", FLOATS, "round(a)", "round(a, 1)", "bround(a, 1)", "abs(a)", "sign(a)", "sqrt(a)", "negative(a)", "pmod(a, 3)"),
    column("float", ("-2.5", "0.1", "1.5", "2.55", "16777216", None), "ceil(a)", "floor(a)", "round(a, 1)", "round(a, 2)", "bround(a, 1)", "exp(a)"),
    column("int", INTS, *ROUNDING, "pmod(a, 3)", "pmod(a, -3)", "sqrt(a)", "power(a, 2)"),
    column("int", ("15", "25", "-15", "-25", "14", "2147483647", "0", None), "round(a, -1)", "bround(a, -1)", "round(a, -10)"),
    column("bigint", LONGS, *ROUNDING, "sqrt(a)"),
    column("tinyint", BYTES, "abs(a)", "negative(a)", "round(a, -1)", "round(a)", "ceil(a)", "sign(a)"),
    column("decimal(10,2)", DECIMALS, *ROUNDING, "round(a, 0)", "round(a, 3)", "bround(a, 2)", "sqrt(a)", "exp(a)", "round(a, -3)", "pmod(a, 3)", "power(a, 2)"),
    column("decimal(38,2)", ("999999999999999999999999999999999999.99", "-999999999999999999999999999999999999.99", "1.45", None), "round(a)", "round(a, 1)", "ceil(a)", "floor(a)", "abs(a)", "bround(a)"),
    column("string", ("12.5", " -3 ", "x", None), "abs(a)", "round(a)", "ceil(a)", "sqrt(a)", "negative(a)", "sign(a)"),
    pairs(("double", "double"), ("-8.0", "-0.0", "0.0", "2.0", "Infinity", "NaN", None), ("-1.0", "0.0", "0.5", "3.0", "NaN", None), "power(a, b)", "pow(a, b)", "pmod(a, b)"),
    pairs(("int", "int"), ("-7", "0", "7", "-2147483648", None), ("-3", "3", "2147483647", None), "pmod(a, b)"),
    column("int", ("1",), "abs(null)", "round(2.5)", "round(-2.5)", "bround(2.5)", "bround(3.5)", "round(25, -1)", "ceil(-0.1)", "floor(-0.1)", "ceil(1.0)", "round(0.5D)", "1.0 / 3", "2.0 * 3.14", "10 % 3.5", "sqrt(2)", "exp(1)", "abs(-1)", "1 div 0", "1 / 0", "1 % 0", "mod(7, 0)", "pmod(1, 0)", "round(1.5, 1 + 1)"),
)  # fmt: skip
