"""Arithmetic, comparison and logic."""

from __future__ import annotations

from tools.vectors.cases.values import BOOLEANS, BYTES, DATES, DECIMALS, DOUBLES, FLOATS, INTS, LONGS, SHORTS, TEXTS, TIMESTAMPS
from tools.vectors.model import column, pairs

ARITHMETIC = ("a + b", "a - b", "a * b", "a / b", "a % b", "a div b", "pmod(a, b)", "mod(a, b)")
FLOATING = ("a + b", "a - b", "a * b", "a / b", "a % b", "pmod(a, b)")
COMPARISON = ("a = b", "a == b", "a != b", "a <> b", "a < b", "a <= b", "a > b", "a >= b", "a <=> b", "a is distinct from b", "a is not distinct from b", "a between b and b", "a in (b)")
FEW_DOUBLES = ("-Infinity", "-2.5", "-0.0", "0.0", "1.5", "Infinity", "NaN", None)
FEW_DECIMALS = ("-99999999.99", "-2.50", "0.00", "0.01", "3.00", "99999999.99", None)

CASES = (
    pairs(("int", "int"), INTS, INTS, *ARITHMETIC, *COMPARISON),
    pairs(("bigint", "bigint"), LONGS, LONGS, *ARITHMETIC, *COMPARISON),
    pairs(("tinyint", "tinyint"), BYTES, BYTES, *ARITHMETIC, "a < b"),
    pairs(("smallint", "smallint"), SHORTS, SHORTS, *ARITHMETIC, "a < b"),
    pairs(("int", "bigint"), ("-7", "0", "2147483647", None), ("-3", "0", "9223372036854775807", None), *ARITHMETIC, "a < b", "a = b"),
    pairs(("tinyint", "int"), ("-7", "0", "127", None), ("-3", "0", "2147483647", None), *ARITHMETIC, "a < b"),
    pairs(("double", "double"), FEW_DOUBLES, FEW_DOUBLES, *FLOATING, *COMPARISON),
    pairs(("float", "float"), FEW_DOUBLES, FEW_DOUBLES, *FLOATING, "a < b", "a = b", "a <=> b"),
    pairs(("int", "double"), ("-7", "0", "2", None), FEW_DOUBLES, *FLOATING, "a < b", "a = b"),
    pairs(("float", "double"), ("0.1", "2.5", "NaN", None), ("0.1", "2.5", None), *FLOATING, "a < b", "a = b"),
    pairs(("bigint", "float"), ("9007199254740993", "-7", None), ("0.1", "2.5", None), *FLOATING, "a < b"),
    pairs(("decimal(10,2)", "decimal(10,2)"), FEW_DECIMALS, FEW_DECIMALS, *ARITHMETIC, *COMPARISON),
    pairs(("decimal(10,2)", "decimal(5,4)"), ("-12345.67", "-2.50", "0.00", "7.00", None), ("-3.1415", "0.0000", "0.0001", "2.5000", None), *ARITHMETIC, "a < b", "a = b"),
    pairs(("decimal(38,10)", "decimal(38,10)"), ("-9999999999999999999999999999.9999999999", "1.5000000000", "0.0000000003", None), ("9999999999999999999999999999.9999999999", "-7.0000000000", "0", None), *ARITHMETIC),
    pairs(("decimal(38,0)", "decimal(38,0)"), ("99999999999999999999999999999999999999", "-7", "2", None), ("99999999999999999999999999999999999999", "-3", "0", None), *ARITHMETIC, "a < b"),
    pairs(("decimal(10,2)", "int"), FEW_DECIMALS, ("-3", "0", "7", None), *ARITHMETIC, "a < b", "a = b"),
    pairs(("bigint", "decimal(10,2)"), ("-7", "0", "9223372036854775807", None), FEW_DECIMALS, *ARITHMETIC, "a < b"),
    pairs(("decimal(10,2)", "double"), FEW_DECIMALS, FEW_DOUBLES, *FLOATING, "a < b", "a = b"),
    pairs(("string", "int"), ("12", " 12 ", "-3", "", "x", None), ("12", "0", None), "a + b", "a * b", "a / b", "a % b", "a = b", "a < b", "a in (b, 1)"),
    pairs(("string", "double"), ("12.5", "NaN", None), ("12.5", "0", None), "a + b", "a = b", "a < b"),
    pairs(("string", "string"), TEXTS, ("", "a", "B", "ÿ", "日", "👍", None), *COMPARISON),
    pairs(("string", "date"), ("2024-02-29", "2024-2-9", "2024", None), ("2024-02-29", "2024-01-01", None), "a = b", "a < b", "b >= a"),
    pairs(("boolean", "boolean"), BOOLEANS, BOOLEANS, "a and b", "a or b", "not a", "!a", "a = b", "a < b", "a <=> b", "not a = b", "a and not b or b"),
    pairs(("date", "date"), DATES, ("0001-01-01", "1970-01-01", "2024-02-29", None), *COMPARISON),
    pairs(("timestamp", "timestamp"), TIMESTAMPS, ("1970-01-01 00:00:00", "2024-02-29 23:59:59.5", None), *COMPARISON),
    pairs(("date", "timestamp"), ("1970-01-01", "2024-12-31", None), ("1970-01-01 00:00:00", "2024-12-31 00:00:00.123", None), "a = b", "a < b", "a >= b"),
    pairs(("timestamp_ntz", "timestamp"), ("1970-01-01 00:00:00", None), ("1970-01-01 00:00:00", "2024-12-31 00:00:00.123", None), "a = b", "a < b"),
    pairs(("date", "int"), ("0001-01-01", "1970-01-01", "2024-02-28", None), ("-1", "0", "2", None), "a + b", "a - b"),
    column("int", INTS, "-a", "- -a", "+a", "-7 % 3", "a % 3", "a + 1", "a * 2", "1 / a", "a / 2", "a div 2", "a between -1 and 3", "a not between -1 and 3", "a in (1, 3)", "a in (1, null)", "a not in (1, 3)", "a not in (1, null)", "a is null", "a is not null", "a = null", "a <=> null", "a + 1.5", "a * 1.5BD", "a / 3.0", "a + 1L", "a = '3'", "a < 2.5", "a > 1e0", "1", "-2147483648", "2147483648", "1.50", "1e3", "0.05", "null", "'x'", "a is null = false", "1 + 2 * 3 - 4", "7 div 2 * 2", "2 - 3 - 4", "a = 1 or a = 3 and a > 2", "not a > 1 and a < 3"),
    column("bigint", LONGS, "-a", "a + 1", "a - 1", "a * 2", "a * -1", "a div -1", "a % -1", "1 / a", "a + 0.5", "a % 10.5", "a = 2.0", "a in (2, 0.0)"),
    column("tinyint", BYTES, "-a", "a + 1Y", "a + 1"),
    column("smallint", SHORTS, "-a", "a + 1S"),
    column("decimal(10,2)", DECIMALS, "-a", "a + 1", "a * 3", "a / 3", "3 / a", "a % 2", "a div 2", "a * a", "a + 0.005", "a = 2.5", "a > 2", "a in (2.5, 1)", "a between 0 and 1", "a / 2.50", "a * 1.5D", "a + null"),
    column("double", DOUBLES, "-a", "a + 1", "a * 2", "a / 3", "a % 2", "a = a", "a > 1", "a < 'NaN'", "a >= double('NaN')", "a in (0.5, 1)", "a between 0 and 1", "a = 0", "a <=> double('NaN')"),
    column("float", FLOATS, "-a", "a + 1", "a * 2.5", "a + 0.1F", "a > 1", "a = 0.1", "a = 0.1F"),
    column("string", ("a", "B", "", None), "a = 'a'", "a || '!' || a", "a in ('a', 'b')", "a > 'a'", "'it\\'s'", "\"dq\"", "'a' 'b'", "r'\\d'", "'it''s'", "'\\u00e9\\101\\n\\%'"),
    column("boolean", BOOLEANS, "a is true", "a is not true", "a is false", "a is unknown", "a and null", "a or null", "not a", "a = true", "a = 'true'", "a in (true)"),
    column("date", DATES, "a = '2024-02-29'", "a > date '2020-01-01'", "a + 1", "a - 1", "a between '1970-01-01' and '2021-01-01'", "a in (date '1970-01-01')", "a < timestamp '2000-02-29 12:00:00'", "date '2024-1-5'"),
    column("timestamp", TIMESTAMPS, "a > '2000-01-01'", "a >= timestamp '1970-01-01 00:00:00'", "a < date '2000-03-01'", "a = timestamp '1970-01-01T02:00:00+02:00'", "a > timestamp_ntz '2000-01-01 00:00:00'"),
)  # fmt: skip
