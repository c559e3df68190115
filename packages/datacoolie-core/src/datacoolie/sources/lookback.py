"""Values before a mark: fixed spans of a lag, and the calendar steps of a look-back."""

from __future__ import annotations

import calendar
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from datacoolie.core.exceptions import ErrorClass, WatermarkError
from datacoolie.core.marks import type_name

if TYPE_CHECKING:
    from datacoolie.core.models import Backward

Moment: TypeAlias = date | datetime
"""A value that can be shifted in time."""

AnyMoment = TypeVar("AnyMoment", date, datetime)


def as_moment(value: object, column: str, asked: str) -> Moment:
    """Return the value of a watermark column, which must be a date or datetime for what is `asked`.

    Raises:
        WatermarkError: it is of another type.
    """
    if isinstance(value, date):
        return value
    message = f"Watermark column {column!r} holds {value!r} ({type_name(value)}), but {asked} needs a date or time"
    raise WatermarkError(message, {"column": column}).classed(ErrorClass.CONFIGURATION)


def before(value: Moment, span: timedelta) -> Moment:
    """Return the value that is at least `span` earlier; at most as early as the calendar goes."""
    try:
        if isinstance(value, datetime):
            return value - span
        return (datetime.combine(value, time.min) - span).date()
    except OverflowError:
        return value.replace(year=1, month=1, day=1)


def look_back(value: Moment, backward: Backward) -> Moment:
    """Return where a load begins to read whose mark is `value`.

    Months and years are calendar steps that end at the last day of a shorter month, days and hours fixed spans. With a
    closing day that is the first of the value's month, or of the month before until that day.
    """
    if backward.closing_day is not None:
        return _first_of_month(months_after(value, -int(value.day <= backward.closing_day)))
    shifted = months_after(value, -12 * backward.years - backward.months)
    return before(shifted, timedelta(days=backward.days, hours=backward.hours))


def _first_of_month(value: Moment) -> Moment:
    first = value.replace(day=1)
    return first.replace(hour=0, minute=0, second=0, microsecond=0) if isinstance(first, datetime) else first


def months_after(value: AnyMoment, months: int) -> AnyMoment:
    """Return the value calendar months later (or earlier), on the last day of a shorter month.

    Before the first year is the first day of it.

    Raises:
        OverflowError: after the last year that the calendar has.
    """
    year, month = divmod(12 * value.year + value.month - 1 + months, 12)
    if year < 1:
        return value.replace(year=1, month=1, day=1)
    if year > date.max.year:
        message = f"{months} months after {value} is no year of the calendar"
        raise OverflowError(message)
    last = calendar.monthrange(year, month + 1)[1]
    return value.replace(year=year, month=month + 1, day=min(value.day, last))
