"""Calendar arithmetic on integers: it has a value for every input, valid or not, and never raises."""

from __future__ import annotations

import polars as pl

_EPOCH = 719_468
"""Days from 0000-03-01 to 1970-01-01."""

DAY = 86_400_000_000
"""Microseconds of a day."""

_ERA = 400
_DAYS_PER_ERA = 146_097


def days_of(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Return days since 1970 of a date of the Gregorian calendar, all 64-bit integers.

    Counts years from March, so that leap days come last: Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    """
    shifted = pl.when(month > 2).then(month - 3).otherwise(month + 9)  # noqa: PLR2004 - February is the last month
    year = pl.when(month > 2).then(year).otherwise(year - 1)  # noqa: PLR2004 - the same
    era = year.floordiv(_ERA)
    in_era = year - era * _ERA
    in_year = (153 * shifted + 2).floordiv(5) + day - 1
    return era * _DAYS_PER_ERA + in_era * 365 + in_era.floordiv(4) - in_era.floordiv(100) + in_year - _EPOCH


def days_in_month(year: pl.Expr, month: pl.Expr) -> pl.Expr:
    """Return the number of days of a month, 1 to 12."""
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % _ERA == 0)
    february = pl.when(leap).then(29).otherwise(28)
    return pl.when(month == 2).then(february).when(month.is_in([4, 6, 9, 11])).then(30).otherwise(31)  # noqa: PLR2004


def is_date(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Return whether there is such a day."""
    return month.is_between(1, 12) & (day >= 1) & (day <= days_in_month(year, month))
