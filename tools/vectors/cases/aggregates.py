"""Aggregates over a whole column; the results are one value per expression."""

from __future__ import annotations

from tools.vectors.cases.values import BOOLEANS, DATES, DECIMALS, INTS, TEXTS, TIMESTAMPS
from tools.vectors.model import column

ALL = ("count(*)", "count(a)", "max(a)", "min(a)")

CASES = (
    column("int", INTS, *ALL, "sum(a)", "count_if(a > 0)", "sum(a + 0L)"),
    column("bigint", ("9223372036854775807", "1", None), *ALL, "sum(a)"),
    column("bigint", ("9223372036854775807", "-1", "1"), "sum(a)"),
    column("int", (None, None), *ALL, "sum(a)", "count_if(a > 0)"),
    column("int", (), *ALL, "sum(a)", "count_if(a > 0)"),
    column("double", ("1.5", "NaN", "-Infinity", None), *ALL, "sum(a)"),
    column("double", ("1.5", "-0.0", "0.0", None), *ALL, "sum(a)"),
    column("double", ("NaN", None), *ALL, "sum(a)"),
    column("float", ("1.5", "NaN", "0.1", None), *ALL, "sum(a)"),
    column("decimal(10,2)", DECIMALS, *ALL, "sum(a)"),
    column(
        "decimal(38,2)",
        ("999999999999999999999999999999999999.99", "999999999999999999999999999999999999.99"),
        *ALL,
        "sum(a)",
    ),
    column("string", TEXTS, *ALL),
    column("boolean", BOOLEANS, *ALL, "count_if(a)"),
    column("date", DATES, *ALL),
    column("timestamp", TIMESTAMPS, *ALL),
    column("tinyint", ("127", "1", None), *ALL, "sum(a)"),
)
