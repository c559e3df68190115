"""The range of a replay: its ends in the type of a column, and the calendar-aligned chunks in between."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import TYPE_CHECKING, TypeAlias

from datacoolie.core import types
from datacoolie.core.exceptions import ConfigurationError
from datacoolie.sources.lookback import months_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from datacoolie.core.models import ChunkInterval
    from datacoolie.core.models.rules import Scalar
    from datacoolie.core.types import DataType

Value: TypeAlias = "date | int | float | Decimal | str"
"""A value that a range can begin or end with; datetimes are dates."""

_MONDAY = date(1970, 1, 5)
_DAYS = {"weeks": 7, "days": 1}
_MONTHS = {"years": 12, "months": 1}


def _point_in_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _wall_clock(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment
    message = "it has a zone"
    raise ValueError(message)


_READERS: dict[type[DataType], Callable[[str], Value]] = {
    types.ByteType: int,
    types.ShortType: int,
    types.IntegerType: int,
    types.LongType: int,
    types.DecimalType: Decimal,
    types.FloatType: float,
    types.DoubleType: float,
    types.StringType: str,
    types.TimestampType: _point_in_time,
    types.TimestampNtzType: _wall_clock,
    types.DateType: date.fromisoformat,
}


def read_value(written: Scalar, kind: DataType, what: str) -> Value:
    """Return an end of a range in the type of its column; a time without zone is in UTC where the column has one.

    Raises:
        ConfigurationError: it is no value of that type; `what` names it in the message.
    """
    try:
        return _READERS[type(kind)](str(written))
    except (ValueError, InvalidOperation) as error:
        message = f"{what} is {written!r}, which is no {kind}, the type of the column"
        raise ConfigurationError(message, {"value": written}) from error


def chunks(start: Value, end: Value, interval: ChunkInterval | None) -> Iterator[tuple[Value, Value]]:
    """Yield the chunks of a range, first value and the value before which each ends, without gap or overlap.

    Chunks begin where the calendar does: months at their first day, quarters in January, April, ..., weeks on Monday,
    hours at the full hour; steps of numbers at their multiples. The first and the last one may be shorter.

    Raises:
        ConfigurationError: values of this type have no such interval.
    """
    while start < end:  # type: ignore[operator] # both are of the column's type
        try:
            following = end if interval is None else _next(start, interval)
        except OverflowError:
            following = end
        stop = following if start < following < end else end  # type: ignore[operator] # as above
        yield start, stop
        start = stop


def _next(value: Value, interval: ChunkInterval) -> Value:
    """Return the first aligned value after `value`.

    Raises:
        OverflowError: the calendar ends before.
    """
    unit, size = interval.unit
    match value:
        case datetime() if unit != "step":
            return _next_moment(value, unit, size)
        case date() if unit in _DAYS or unit in _MONTHS:
            return _next_day(value, unit, size)
        case int() | float() | Decimal() if unit == "step":
            return _next_number(value, size)
        case _:
            message = f"chunk_interval {unit} doesn't fit {value!r}: {_possible(value)}"
            raise ConfigurationError(message, {"chunk_interval": unit})


def _possible(value: Value) -> str:
    match value:
        case date():
            return "dates have years, months, weeks or days; times hours and minutes too"
        case str():
            return "text has no intervals; leave chunk_interval out"
        case _:
            return "numbers have a step"


def _next_moment(value: datetime, unit: str, size: float) -> datetime:
    if unit in _DAYS or unit in _MONTHS:
        return datetime.combine(_next_day(value.date(), unit, size), datetime.min.time(), value.tzinfo)
    origin = datetime(1970, 1, 1, tzinfo=value.tzinfo)
    span = timedelta(**{unit: size})
    return origin + ((value - origin) // span + 1) * span


def _next_day(value: date, unit: str, size: float) -> date:
    if unit in _MONTHS:
        months = int(size) * _MONTHS[unit]
        number = 12 * value.year + value.month - 1
        return months_after(value.replace(day=1), (number // months + 1) * months - number)
    days = int(size) * _DAYS[unit]
    return _MONDAY + timedelta(days=((value - _MONDAY).days // days + 1) * days)


def _next_number(value: float | Decimal, size: float) -> float | Decimal:
    if isinstance(value, Decimal):
        step = Decimal(str(size))
        return ((value / step).to_integral_value(ROUND_FLOOR) + 1) * step
    if isinstance(value, int) and size != int(size):
        message = f"chunk_interval step {size} doesn't fit {value!r}, which is a whole number"
        raise ConfigurationError(message, {"chunk_interval": size})
    following = (value // size + 1) * size
    return int(following) if isinstance(value, int) else following
