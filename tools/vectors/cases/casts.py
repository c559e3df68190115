"""Conversions: `cast`, `try_cast`, `::`."""

from __future__ import annotations

from tools.vectors.cases.values import BINARIES, BOOLEANS, BYTES, DATES, DECIMALS, DOUBLES, FLOATS, INTS, LONGS, TIMESTAMPS
from tools.vectors.model import column

NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal(10,2)", "decimal(5,0)", "decimal(38,18)", "boolean", "string")
NUMBER_TEXTS = (
    "", " ", "12", " 12 ", "\t12\n", "+12", "-12", "0012", "127", "128", "-129", "32768", "2147483648", "9223372036854775807", "9223372036854775808", "12.0", "12.5", ".5", "5.", "-.5", "1e3", "1E-2", "1e400", "-0", "NaN", "nan", "Infinity", "-Infinity", "inf", "+inf", "1_000", "1,000", "0x10", "12a", "1.5d", "1.5f", "12L", "٣", "\u00a012", "99999999.995", "0.005", "1234567890123456789012345678901234567.89", "--1", "+", "-", "+ 1", "1e", None,
)  # fmt: skip
BOOLEAN_TEXTS = ("true", "TRUE", " true ", "t", "T", "yes", "Y", "y", "1", "on", "false", "f", "no", "n", "N", "0", "off", "", "2", "x", None)
DATE_TEXTS = (
    "2024-02-29", "2024-2-9", "2024-02", "2024", "2024-02-29 ", " 2024-02-29", "2024-02-29T01:02:03", "2024-02-29 x", "2024-02-30", "2023-02-29", "24-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "+2024-01-01", "-0001-01-01", "2024/01/01", "20240101", "2024-13-01", "2024-00-01", "2024-01-001", "", "x", "2024-01-01Z", "epoch", "2024-", "2024-01-", None,
)  # fmt: skip
TIME_TEXTS = (
    "2024-02-29 01:02:03", "2024-02-29T01:02:03", "2024-02-29 01:02:03.4", "2024-02-29 01:02:03.456789", "2024-02-29 01:02:03.4567891", "2024-02-29 1:2:3", "2024-02-29 01:02", "2024-02-29 01", "2024-02-29T01:02:03Z", "2024-02-29 01:02:03+02:00", "2024-02-29 01:02:03 +02:00", "2024-02-29 01:02:03+0200", "2024-02-29 01:02:03-8", "2024-02-29 01:02:03 UTC", "2024-02-29 01:02:03 Europe/Paris", "2024-02-29 24:00:00", "2024-02-29 23:60:00", "2024-02-29 01:02:03.", "2024-02-29 01:02:03 x", " 2024-02-29 01:02:03 ", "01:02:03", "2024-02-29 01:02:03.123Z", "2024-02-29  01:02:03", "2024-02-30 00:00:00",
)  # fmt: skip


def _casts(*kinds: str) -> tuple[str, ...]:
    return tuple(f"{name}(a as {kind})" for kind in kinds for name in ("cast", "try_cast"))


CASES = (
    column("string", NUMBER_TEXTS, *_casts(*NUMBERS[:-2])),
    column("string", BOOLEAN_TEXTS, *_casts("boolean"), "a::boolean", "boolean(a)"),
    column("string", DATE_TEXTS, *_casts("date", "timestamp", "timestamp_ntz")),
    column("string", TIME_TEXTS, *_casts("date", "timestamp", "timestamp_ntz")),
    column("string", ("", "a", "é", None), *_casts("binary", "string")),
    column("boolean", BOOLEANS, *_casts(*NUMBERS), "a::int"),
    column("tinyint", BYTES, *_casts(*NUMBERS)),
    column("int", INTS, *_casts(*NUMBERS), "a::string", "int(a)", "string(a)", "cast(null as int)"),
    column("bigint", LONGS, *_casts(*NUMBERS)),
    column("bigint", ("-1", "0", "1709251199"), *_casts("timestamp")),
    column("int", INTS, *_casts("timestamp")),
    column("float", FLOATS, *_casts(*NUMBERS)),
    column("float", ("0.1", "1.1", "100.5", "0.3", "1e-5", "123456.79", "3.3e7", "9999999", "1e7", "0.001", "9.999e-4", "1.4e-45", None), *_casts("string", "double", "decimal(10,2)", "decimal(38,18)")),
    column("double", DOUBLES, *_casts(*NUMBERS)),
    column("double", ("127.9", "-128.9", "128", "2147483647.5", "2147483648", "9.2e18", "9.3e18", "0.005", "0.015", "1.005", "99999999.99", "99999999.999", "123456789.123", "4.9e-324", "2.2250738585072014e-308", "1e-3", "9.999e-4", "1e6", "1.0E7", "100", "1e22", "1e23", "0.30000000000000004"), *_casts(*NUMBERS)),
    column("double", ("-1.5", "0", "1709251199.123456"), *_casts("timestamp")),
    column("decimal(10,2)", DECIMALS, *_casts(*NUMBERS), *_casts("decimal(12,4)", "decimal(9,1)", "decimal(3,2)")),
    column("decimal(38,18)", ("0.000000000000000001", "-12345678901234567890.123456789012345678", "127.500000000000000000", "0", "1.5", None), *_casts(*NUMBERS)),
    column("decimal(20,0)", ("9223372036854775807", "9223372036854775808", "-9223372036854775808", "0", None), *_casts("bigint", "int", "double", "string", "decimal(38,2)")),
    column("date", DATES, *_casts("string", "timestamp", "timestamp_ntz", "date")),
    column("timestamp", TIMESTAMPS, *_casts("string", "date", "timestamp_ntz", "bigint", "int", "double", "decimal(20,6)", "tinyint")),
    column("timestamp_ntz", TIMESTAMPS, *_casts("string", "date", "timestamp")),
    column("binary", BINARIES[:3], *_casts("string")),
    column("int", ("1",), "cast(a as date)", "cast('1' as int) + 1", "cast(1.5 as int)", "cast(-1.5 as int)", "cast('2024-01-01' as date)", "cast(date '2024-01-01' as timestamp)", "cast(a as decimal(1,1))", "try_cast('x' as int)", "cast(null as date)"),
)  # fmt: skip
