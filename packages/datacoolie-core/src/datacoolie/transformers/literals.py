"""Values of the metadata, which are text, numbers or booleans, as constants of a column's type."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import TYPE_CHECKING, TypeAlias

from datacoolie.core.types import (
    BooleanType,
    ByteType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    TimestampNtzType,
    TimestampType,
)
from datacoolie.sql import cast, infer, lit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.types import DataType
    from datacoolie.sql import Expr

Scalar: TypeAlias = str | bool | int | float
"""A value as a document writes it."""

_EXACT = Context(prec=80)
"""More digits than any decimal has."""

_BITS: Mapping[type[DataType], int] = {ByteType: 8, ShortType: 16, IntegerType: 32, LongType: 64}


def literal(value: Scalar | None, kind: DataType) -> Expr:
    """Return a constant of type `kind`. Dates and times are written as ISO 8601, timestamps without zone are UTC.

    Raises:
        ValueError: the type has no such value.
    """
    if value is None:
        return lit(None)
    try:
        expr = lit(_value(value, kind))
    except (ValueError, ArithmeticError) as error:
        message = f"{value!r} is no value of type {kind}"
        raise ValueError(message) from error
    return expr if infer(expr, {}) == kind else cast(expr, kind)


def _value(value: Scalar, kind: DataType) -> bool | int | float | Decimal | str | date:  # noqa: PLR0911 - one line per type
    """Return the Python value for `kind`."""
    text = _text(value)
    match kind:
        case StringType():
            return text
        case BooleanType():
            return _boolean(text)
        case ByteType() | ShortType() | IntegerType() | LongType():
            return _integer(text, _BITS[type(kind)])
        case DecimalType():
            return _decimal(text, kind)
        case FloatType() | DoubleType():
            return float(text)
        case DateType():
            return date.fromisoformat(text)
        case TimestampType():
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case TimestampNtzType():
            return _without_zone(text)
        case _:
            message = f"values of type {kind} can't be written in metadata"
            raise ValueError(message)


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _integer(text: str, bits: int) -> int:
    number = Decimal(text)
    if number != int(number) or not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise ValueError(text)
    return int(number)


def _decimal(text: str, kind: DecimalType) -> Decimal:
    number = Decimal(text)
    fitting = _EXACT.quantize(number, Decimal(1).scaleb(-kind.scale))
    if number != fitting or fitting.copy_abs() >= 10 ** (kind.precision - kind.scale):
        raise ValueError(text)
    return fitting


def _without_zone(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo:
        raise ValueError(text)
    return moment
