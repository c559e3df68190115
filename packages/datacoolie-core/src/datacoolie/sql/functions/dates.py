"""Functions of dates and timestamps, in UTC."""

from __future__ import annotations

from datacoolie.core.types import DateType, IntegerType, LongType, StringType, TimestampType
from datacoolie.sql.functions.model import (
    DATE,
    DAY,
    DAYS,
    INT,
    LONG,
    MOMENT,
    POINT,
    TEXT,
    TIMESTAMP,
    Function,
    Takes,
)

_DATE = DateType()
_INT = IntegerType()
_LONG = LongType()
_TIMESTAMP = TimestampType()
_UNIT = TEXT("unit").fixed


def _part(name: str, doc: str, *aliases: str) -> Function:
    return Function(name=name, signature=Takes((DATE,), _INT), doc=doc, aliases=aliases)


def _time_part(name: str, doc: str) -> Function:
    return Function(name=name, signature=Takes((TIMESTAMP,), _INT), doc=doc)


DATES: tuple[Function, ...] = (
    _part("year", "The year."),
    _part("quarter", "The quarter, 1 to 4."),
    _part("month", "The month, 1 to 12."),
    _part("day", "The day of the month.", "dayofmonth"),
    _part("dayofweek", "The day of the week, Sunday being 1."),
    _part("weekday", "The day of the week, Monday being 0."),
    _part("dayofyear", "The day of the year, from 1."),
    _part("weekofyear", "The ISO week of the year."),
    _time_part("hour", "The hour, 0 to 23."),
    _time_part("minute", "The minute."),
    _time_part("second", "The second, without fraction."),
    Function(
        name="date_add",
        signature=Takes((DATE, DAYS), _DATE),
        doc="The date some days later.",
        aliases=("dateadd",),
    ),
    Function(name="date_sub", signature=Takes((DATE, DAYS), _DATE), doc="The date some days earlier."),
    Function(
        name="datediff",
        signature=Takes((DATE("end"), DATE("start")), _INT),
        doc="Days from the start to the end.",
        aliases=("date_diff",),
    ),
    Function(
        name="add_months",
        signature=Takes((DATE, INT("months")), _DATE),
        doc="The date some months later, on the last day of the month if it has no such day.",
    ),
    Function(name="last_day", signature=Takes((DATE,), _DATE), doc="The last day of the date's month."),
    Function(
        name="trunc",
        signature=Takes((DATE, _UNIT), _DATE),
        doc="The first day of the year, quarter, month or week (Monday).",
    ),
    Function(
        name="date_trunc",
        signature=Takes((_UNIT, TIMESTAMP), _TIMESTAMP),
        doc="The start of the year, quarter, month, week, day, hour, minute, second or millisecond.",
    ),
    Function(
        name="make_date",
        signature=Takes((INT("year"), INT("month"), INT("day")), _DATE),
        doc="The date of a year, a month and a day; one that does not exist is an error.",
    ),
    Function(
        name="unix_timestamp",
        signature=Takes((MOMENT,), _LONG),
        doc="Seconds since 1970, without the fraction.",
        aliases=("to_unix_timestamp",),
    ),
    Function(name="unix_seconds", signature=Takes((POINT,), _LONG), doc="Seconds since 1970, rounded down."),
    Function(name="unix_date", signature=Takes((DAY,), _INT), doc="Days since 1970."),
    Function(name="unix_millis", signature=Takes((POINT,), _LONG), doc="Milliseconds since 1970, rounded down."),
    Function(name="unix_micros", signature=Takes((POINT,), _LONG), doc="Microseconds since 1970."),
    Function(name="date_from_unix_date", signature=Takes((INT("days"),), _DATE), doc="The date of days since 1970."),
    Function(
        name="timestamp_seconds", signature=Takes((LONG("seconds"),), _TIMESTAMP), doc="The time of seconds since 1970."
    ),
    Function(
        name="timestamp_millis",
        signature=Takes((LONG("milliseconds"),), _TIMESTAMP),
        doc="The time of milliseconds since 1970.",
    ),
    Function(
        name="timestamp_micros",
        signature=Takes((LONG("microseconds"),), _TIMESTAMP),
        doc="The time of microseconds since 1970.",
    ),
    Function(
        name="from_unixtime",
        signature=Takes((LONG("seconds"),), StringType()),
        doc="The time of seconds since 1970 as `yyyy-MM-dd HH:mm:ss`.",
    ),
)
"""`unix_timestamp` of text with a pattern is `unix_timestamp(to_timestamp(text, pattern))`."""
