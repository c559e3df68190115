"""Functions of dates and timestamps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from datacoolie.sql.patterns import DATE_UNITS, TIME_UNITS
from datacoolie_engine_polars.expressions.calendar import days_in_month, days_of, is_date
from datacoolie_engine_polars.expressions.checks import Operands, checked, fail_when
from datacoolie_engine_polars.expressions.formatting import formatted

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000
UTC = pl.Datetime("us", "UTC")
INT = pl.Int32

_EVERY = {
    "year": "1y",
    "quarter": "1q",
    "month": "1mo",
    "week": "1w",
    "day": "1d",
    "hour": "1h",
    "minute": "1m",
    "second": "1s",
    "millisecond": "1ms",
    "microsecond": "1us",
}


def _part(read: Callable[[pl.Expr], pl.Expr]) -> Callable[[Operands], pl.Expr]:
    return lambda operands: read(operands.exprs[0]).cast(INT)


def _shifted(sign: int) -> Callable[[Operands], pl.Expr]:
    def lower(operands: Operands) -> pl.Expr:
        date, days = operands.exprs
        moved = date.to_physical().cast(pl.Int64) + days.cast(pl.Int64) * sign
        return moved.cast(INT).cast(pl.Date)

    return lower


def _days_between(operands: Operands) -> pl.Expr:
    end, start = operands.exprs
    return end.to_physical() - start.to_physical()


def _months_later(operands: Operands) -> pl.Expr:
    date, months = operands.exprs
    total = date.dt.year().cast(pl.Int64) * 12 + date.dt.month().cast(pl.Int64) - 1 + months.cast(pl.Int64)
    year, month = total.floordiv(12), total % 12 + 1
    day = pl.min_horizontal(date.dt.day().cast(pl.Int64), days_in_month(year, month).cast(pl.Int64))
    moved = days_of(year, month, day).cast(INT).cast(pl.Date)
    return pl.when(date.is_not_null() & months.is_not_null()).then(moved)


def _truncated(at: int, units: dict[str, str]) -> Callable[[Operands], pl.Expr]:
    def lower(operands: Operands) -> pl.Expr:
        unit = operands.constant(at)
        return operands.exprs[1 - at].dt.truncate(_EVERY[units[str(unit).lower()]])

    return lower


def _made(operands: Operands) -> pl.Expr:
    year, month, day = (part.cast(pl.Int64) for part in operands.exprs)
    bad = ~is_date(year, month, day)
    days = days_of(year, month, day).cast(INT).cast(pl.Date)
    known = pl.all_horizontal(part.is_not_null() for part in operands.exprs)
    return checked(pl.when(known).then(days), fail_when(known & bad, "DATETIME_FIELD_OUT_OF_BOUNDS"))


def _since_epoch(unit: int) -> Callable[[Operands], pl.Expr]:
    return lambda operands: operands.exprs[0].to_physical().floordiv(unit)


def _at(unit: int) -> Callable[[Operands], pl.Expr]:
    def lower(operands: Operands) -> pl.Expr:
        (count,) = operands.exprs
        return (count.cast(pl.Int128) * unit).cast(pl.Int64).cast(UTC)

    return lower


def _from_unixtime(operands: Operands) -> pl.Expr:
    return formatted(_at(SECOND)(operands), "yyyy-MM-dd HH:mm:ss")


_FROM_EPOCH = {"timestamp_seconds": SECOND, "timestamp_millis": 1000, "timestamp_micros": 1}

FAIL = frozenset({*("date_add", "date_sub", "add_months", "make_date", "from_unixtime"), *_FROM_EPOCH})
"""Functions that can raise."""

LOWERINGS = {
    "year": _part(lambda date: date.dt.year()),
    "quarter": _part(lambda date: date.dt.quarter()),
    "month": _part(lambda date: date.dt.month()),
    "day": _part(lambda date: date.dt.day()),
    "dayofweek": _part(lambda date: date.dt.weekday() % 7 + 1),
    "weekday": _part(lambda date: date.dt.weekday() - 1),
    "dayofyear": _part(lambda date: date.dt.ordinal_day()),
    "weekofyear": _part(lambda date: date.dt.week()),
    "hour": _part(lambda time: time.dt.hour()),
    "minute": _part(lambda time: time.dt.minute()),
    "second": _part(lambda time: time.dt.second()),
    "date_add": _shifted(1),
    "date_sub": _shifted(-1),
    "datediff": _days_between,
    "add_months": _months_later,
    "last_day": lambda o: o.exprs[0].dt.month_end(),
    "trunc": _truncated(1, DATE_UNITS),
    "date_trunc": _truncated(0, TIME_UNITS),
    "make_date": _made,
    "unix_timestamp": lambda o: o.exprs[0].to_physical().truncdiv(SECOND),
    "unix_seconds": _since_epoch(SECOND),
    "unix_millis": _since_epoch(1000),
    "unix_micros": _since_epoch(1),
    "unix_date": lambda o: o.exprs[0].to_physical(),
    "date_from_unix_date": lambda o: o.exprs[0].cast(pl.Date),
    **{name: _at(unit) for name, unit in _FROM_EPOCH.items()},
    "from_unixtime": _from_unixtime,
}
