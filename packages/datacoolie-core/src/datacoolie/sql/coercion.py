"""Spark's implicit conversions in ANSI mode: what a type may stand for, and what two types have in common."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from datacoolie.core.types import (
    INTEGRAL,
    NUMERIC,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NullType,
    ShortType,
    StringType,
    TimestampNtzType,
    TimestampType,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PRECISION = 38
MIN_ADJUSTED_SCALE = 6
FRACTIONAL = (DecimalType, FloatType, DoubleType)
TEMPORAL = (DateType, TimestampType, TimestampNtzType)
ATOMIC = (BooleanType, *NUMERIC, StringType, BinaryType, *TEMPORAL)

_DIGITS: dict[type[DataType], int] = {ByteType: 3, ShortType: 5, IntegerType: 10, LongType: 20}


def decimal_for(kind: DataType) -> DecimalType | None:
    """Return the decimal that holds every value of an integral type; a decimal is its own; else `None`."""
    if isinstance(kind, DecimalType):
        return kind
    return DecimalType(_DIGITS[type(kind)], 0) if type(kind) in _DIGITS else None


def bounded(precision: int, scale: int) -> DecimalType:
    """Return a decimal of at most 38 digits, cutting digits after the point first but leaving six of them.

    Spark's `DecimalType.adjustPrecisionScale`.
    """
    if precision <= MAX_PRECISION:
        return DecimalType(precision, scale)
    whole = precision - scale
    return DecimalType(MAX_PRECISION, max(MAX_PRECISION - whole, min(scale, MIN_ADJUSTED_SCALE)))


def wider(left: DataType, right: DataType) -> DataType | None:
    """Return the type that values of both types are brought to, `None` when there is none."""
    match left, right:
        case _ if left == right:
            return left
        case (NullType(), other) | (other, NullType()):
            return other
        case (StringType(), other) | (other, StringType()):
            return _with_text(other)
        case _ if isinstance(left, NUMERIC) and isinstance(right, NUMERIC):
            return _wider_number(left, right)
        case _ if isinstance(left, TEMPORAL) and isinstance(right, TEMPORAL):
            return TimestampType() if TimestampType() in (left, right) else TimestampNtzType()
        case _:
            return None


def _with_text(other: DataType) -> DataType | None:
    if isinstance(other, INTEGRAL):
        return LongType()
    if isinstance(other, FRACTIONAL):
        return DoubleType()
    return other if isinstance(other, ATOMIC) else None


def _wider_number(left: DataType, right: DataType) -> DataType:
    if isinstance(left, INTEGRAL) and isinstance(right, INTEGRAL):
        return max(left, right, key=lambda kind: INTEGRAL.index(type(kind)))
    one, other = decimal_for(left), decimal_for(right)
    if one is None or other is None:
        # Only two floats stay float: an integer or a decimal would lose digits.
        return DoubleType()
    scale = max(one.scale, other.scale)
    whole = max(one.precision - one.scale, other.precision - other.scale)
    precision = min(whole + scale, MAX_PRECISION)
    return DecimalType(precision, min(scale, MAX_PRECISION - whole) if whole < MAX_PRECISION else 0)


def widest(kinds: Sequence[DataType]) -> DataType | None:
    """Return the type that values of all types are brought to, `None` when there is none."""
    # Text is brought to the type of the others, so the others decide first.
    ordered = sorted(kinds, key=lambda kind: isinstance(kind, StringType))
    start: DataType | None = NullType()
    return reduce(lambda common, kind: None if common is None else wider(common, kind), ordered, start)


def implicit(kind: DataType, target: DataType) -> DataType | None:
    """Return `target` when a value of type `kind` may be given where `target` is asked for, else `None`."""
    accepted: tuple[type[DataType], ...]
    match target:
        case StringType():
            accepted = ATOMIC
        case BinaryType():
            accepted = (BinaryType, StringType)
        case BooleanType():
            accepted = (BooleanType, StringType)
        case DateType() | TimestampType() | TimestampNtzType():
            accepted = (*TEMPORAL, StringType)
        case _ if isinstance(target, NUMERIC):
            accepted = (*NUMERIC, StringType)
        case _:
            accepted = (type(target),)
    return target if isinstance(kind, (NullType, *accepted)) else None


def castable(kind: DataType, target: DataType) -> bool:  # noqa: PLR0911 - one case per group of types
    """Return whether Spark converts between the types in ANSI mode at all."""
    match kind, target:
        case (NullType(), _) | (_, StringType()):
            return isinstance(kind, (NullType, *ATOMIC))
        case _, NullType():
            return False
        case StringType(), _:
            return isinstance(target, ATOMIC)
        case _ if kind == target:
            return True
        case _ if isinstance(kind, (BooleanType, *NUMERIC)):
            timestamp = isinstance(target, TimestampType) and not isinstance(kind, BooleanType)
            return isinstance(target, (BooleanType, *NUMERIC)) or timestamp
        case TimestampType(), _:
            return isinstance(target, (*NUMERIC, *TEMPORAL))
        case _:
            return isinstance(kind, TEMPORAL) and isinstance(target, TEMPORAL)
