"""Dates and timestamps."""

from __future__ import annotations

from tools.vectors.cases.values import DATES, TIMESTAMPS
from tools.vectors.model import column, pairs

PARTS = tuple(
    f"{name}(a)"
    for name in (
        "year",
        "quarter",
        "month",
        "day",
        "dayofmonth",
        "dayofweek",
        "weekday",
        "dayofyear",
        "weekofyear",
        "hour",
        "minute",
        "second",
        "last_day",
        "unix_date",
        "unix_timestamp",
        "to_unix_timestamp",
        "unix_seconds",
        "unix_millis",
        "unix_micros",
    )
)
TRUNC = tuple(f"trunc(a, '{unit}')" for unit in ("year", "YYYY", "yy", "quarter", "month", "MON", "mm", "week"))
DATE_TRUNC = tuple(
    f"date_trunc('{unit}', a)"
    for unit in (
        "year",
        "yyyy",
        "yy",
        "QUARTER",
        "month",
        "mon",
        "mm",
        "week",
        "day",
        "dd",
        "HOUR",
        "minute",
        "second",
        "millisecond",
        "microsecond",
    )
)
SHIFTS = (
    "date_add(a, 1)",
    "date_sub(a, 1)",
    "dateadd(a, -30)",
    "add_months(a, 1)",
    "add_months(a, -1)",
    "add_months(a, 12)",
    "datediff(a, date '2000-01-01')",
    "date_diff(date '2000-01-01', a)",
)
FORMATS = tuple(
    f"date_format(a, '{pattern}')"
    for pattern in (
        "yyyy-MM-dd",
        "yyyyMMdd",
        "dd/MM/yyyy",
        "yyyy-MM-dd HH:mm:ss",
        "HH:mm:ss.SSS",
        "HH:mm:ss.SSSSSS",
        "yy",
        "M/d/yyyy h:mm a",
        "MMM d, yyyy",
        "MMMM",
        "EEE",
        "EEEE",
        "H",
        "y",
        "yyyy\\'T\\'HH",
        "HHmmss",
        "X",
        "XXX",
        "S",
        "SSSS",
        "yyyy.MM.dd",
    )
)

CASES = (
    column("date", DATES, *PARTS, *TRUNC, *DATE_TRUNC, *SHIFTS, *FORMATS),
    column("timestamp", TIMESTAMPS, *PARTS, *TRUNC, *DATE_TRUNC, *SHIFTS, *FORMATS),
    column("timestamp_ntz", TIMESTAMPS, *PARTS, *TRUNC[:2], *DATE_TRUNC[:3], *SHIFTS, *FORMATS[:6]),
    column(
        "string",
        ("2024-02-29", "2024-2-9", "2024-02", " 2024-02-29 12:34:56.7 ", "2023-02-29", "x", "", None),
        "year(a)",
        "hour(a)",
        "date_add(a, 1)",
        "trunc(a, 'month')",
        "date_trunc('day', a)",
        "datediff(a, '2024-01-01')",
        "add_months(a, 1)",
        "last_day(a)",
        "dayofweek(a)",
    ),
    pairs(("date", "int"), ("0001-01-01", "9999-12-31"), ("-2147483648", "2147483647"), "add_months(a, b)"),
    pairs(("date", "int"), ("1970-01-01", "2000-02-29"), ("2147483647",), "date_add(a, b)"),
    pairs(
        ("date", "int"),
        ("0001-01-01", "2000-02-29", "2023-01-31", "2024-12-31", "9999-12-31", None),
        ("-1200", "-13", "-1", "0", "1", "13", None),
        "date_add(a, b)",
        "date_sub(a, b)",
        "add_months(a, b)",
    ),
    pairs(
        ("date", "date"),
        ("0001-01-01", "2000-02-29", "9999-12-31", None),
        ("0001-01-01", "2024-01-01", None),
        "datediff(a, b)",
    ),
    pairs(
        ("timestamp", "date"),
        ("2024-01-01 23:59:59", "1969-12-31 23:00:00", None),
        ("2024-01-01", None),
        "datediff(a, b)",
        "datediff(b, a)",
    ),
    pairs(
        ("int", "int"),
        ("0", "1", "2023", "2024", "9999", "10000", None),
        ("0", "1", "2", "13", None),
        "make_date(a, b, 1)",
        "make_date(a, b, 29)",
        "make_date(a, 1, b)",
        "make_date(2024, 2, 29)",
    ),
    column(
        "bigint",
        ("-62135596800", "-1", "0", "1", "1709251199", "253402300799", None),
        "timestamp_seconds(a)",
        "timestamp_millis(a)",
        "timestamp_micros(a)",
        "from_unixtime(a)",
        "cast(a as timestamp)",
    ),
    column(
        "bigint",
        ("9223372036854775807", "-9223372036854775808"),
        "timestamp_micros(0)",
        "timestamp_seconds(a)",
        "timestamp_millis(a)",
    ),
    column(
        "int",
        ("-719162", "-1", "0", "19782", "2932896", None),
        "date_from_unix_date(a)",
        "date_add(date '1970-01-01', a)",
    ),
    column(
        "string",
        ("20240229", "20230229", "2024022", "", "x", " 20240229", "20240229 ", None),
        "to_date(a, 'yyyyMMdd')",
        "try_to_date(a, 'yyyyMMdd')",
        "try_to_timestamp(a, 'yyyyMMdd')",
        "to_timestamp(a, 'yyyyMMdd')",
    ),
    column(
        "string",
        ("29/02/2024", "1/2/2024", "31/04/2024", None),
        "to_date(a, 'dd/MM/yyyy')",
        "to_date(a, 'd/M/yyyy')",
        "try_to_date(a, 'dd/MM/yyyy')",
    ),
    column(
        "string",
        (
            "2024-02-29 13:14:15",
            "2024-02-29 3:14:15",
            "2024-02-29",
            "2024-02-29 13:14:15.5",
            "2024-02-29T13:14:15",
            "2024-02-29 24:00:00",
            None,
        ),
        "to_timestamp(a, 'yyyy-MM-dd HH:mm:ss')",
        "to_timestamp_ntz(a, 'yyyy-MM-dd HH:mm:ss')",
        "to_date(a, 'yyyy-MM-dd HH:mm:ss')",
        "try_to_timestamp(a, 'yyyy-MM-dd HH:mm:ss')",
        "try_to_timestamp(a, 'yyyy-MM-dd H:mm:ss')",
        "try_to_timestamp(a, 'yyyy-MM-dd HH:mm:ss.SSS')",
        "try_to_timestamp(a, 'yyyy-MM-dd HH:mm:ss.S')",
        "to_date(a)",
        "to_timestamp(a)",
        "try_to_timestamp(a)",
        "to_timestamp_ntz(a)",
    ),
    column("string", ("02/29/24", "12/31/99", "1/2/3", None), "try_to_date(a, 'MM/dd/yy')", "try_to_date(a, 'M/d/yy')"),
    column(
        "string", ("Feb 29, 2024 1:05 PM", "Feb 9, 2024 12:00 AM", None), "try_to_timestamp(a, 'MMM d, yyyy h:mm a')"
    ),
    column(
        "string",
        ("2024-02-29T13:14:15Z", "2024-02-29T13:14:15+02:00", "2024-02-29T13:14:15+0200", None),
        "try_to_timestamp(a, \"yyyy-MM-dd'T'HH:mm:ssXXX\")",
        "try_to_timestamp(a, \"yyyy-MM-dd'T'HH:mm:ssX\")",
        "to_timestamp(a)",
    ),
    column(
        "int",
        ("20240229", "20241301", None),
        "to_date(a, 'yyyyMMdd')",
        "try_to_date(a, 'yyyyMMdd')",
        "to_date(cast(a as string), 'yyyyMMdd')",
    ),
    column(
        "date",
        ("2024-02-29", None),
        "to_date(a, 'yyyy')",
        "to_date(a)",
        "to_timestamp(a)",
        "to_timestamp(a, 'yyyy')",
        "date(a)",
    ),
)
