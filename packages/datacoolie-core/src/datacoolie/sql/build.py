"""Expressions made by programs instead of by text."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Literal as OneOf

from datacoolie.core.types import (
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    NullType,
    StringType,
    TimestampNtzType,
    TimestampType,
)
from datacoolie.sql.errors import ExpressionError
from datacoolie.sql.functions import check_arity, find
from datacoolie.sql.nodes import Aggregate, AggregateFunction, Call, Case, Cast, Column, Expr, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie.sql.errors import Position
    from datacoolie.sql.text import Value

INT_LIMIT = 2**31
LONG_LIMIT = 2**63
MAX_PRECISION = 38


def col(name: str) -> Column:
    """Return the column called `name`, which is found in any case."""
    return Column(name)


def lit(value: Value) -> Expr:
    """Return a constant: an aware datetime is a timestamp, a naive one a timestamp without zone.

    An integer is an `int` or, if too large, a `bigint` or a decimal. A float is a double.

    Raises:
        ExpressionError: no type of the language holds the value.
    """
    if isinstance(value, float) and not math.isfinite(value):
        # No constant of Spark SQL is NaN or infinite, so they are read from text there too.
        return Cast(Literal(str(value), StringType()), DoubleType())
    if isinstance(value, Decimal):
        return decimal_literal(value)
    if isinstance(value, int) and not isinstance(value, bool) and not -LONG_LIMIT <= value < LONG_LIMIT:
        return decimal_literal(Decimal(value))
    return Literal(value, _type_of(value))


def decimal_literal(value: Decimal) -> Literal:
    """Return a decimal constant with just the digits that are written.

    Raises:
        ExpressionError: more than 38 digits, NaN or infinite.
    """
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        message = f"{value} is not a decimal"
        raise ExpressionError(message)
    scale = max(-exponent, 0)
    digits = len(value.as_tuple().digits) + max(exponent, 0)
    if max(digits, scale) > MAX_PRECISION:
        message = f"{value} has more than {MAX_PRECISION} digits, the most a decimal holds"
        raise ExpressionError(message)
    return Literal(Decimal(f"{value:f}"), DecimalType(max(digits, scale), scale))


def _type_of(value: Value) -> DataType:  # noqa: PLR0911 - one line per type
    match value:
        case None:
            return NullType()
        case bool():
            return BooleanType()
        case int():
            return IntegerType() if -INT_LIMIT <= value < INT_LIMIT else LongType()
        case float():
            return DoubleType()
        case str():
            return StringType()
        case bytes():
            return BinaryType()
        case datetime():
            return TimestampType() if value.tzinfo else TimestampNtzType()
        case date():
            return DateType()
        case _:
            possible = "None, bool, int, float, Decimal, str, bytes, date, datetime"
            message = f"{value!r} ({type(value).__name__}) is no constant; possible are {possible}"
            raise ExpressionError(message)


def call(name: str, *arguments: Expr) -> Expr:
    """Return a call of a function or operator of the catalogue.

    Raises:
        ExpressionError: there is no such function, or it takes another number of arguments.
    """
    function = find(name)
    check_arity(function, len(arguments))
    return Call(function.name, arguments)


def cast(operand: Expr, kind: DataType, *, safe: bool = False, format: str | None = None) -> Cast:  # noqa: A002 - the word users know
    """Return a conversion to `kind`; see `Cast`."""
    return Cast(operand, kind, safe, format)


def case(*branches: tuple[Expr, Expr], default: Expr | None = None) -> Case:
    """Return the value of the first of `branches` (condition, value) whose condition is true, else `default`.

    Raises:
        ExpressionError: there is no branch.
    """
    if not branches:
        message = "CASE needs at least one branch"
        raise ExpressionError(message)
    return Case(branches, default)


def and_(*conditions: Expr) -> Expr:
    """Return whether all conditions are true; of none, true."""
    return joined("and", conditions) if conditions else lit(value=True)


def or_(*conditions: Expr) -> Expr:
    """Return whether any condition is true; of none, false."""
    return joined("or", conditions) if conditions else lit(value=False)


def joined(name: OneOf["and", "or"], conditions: Sequence[Expr], at: Position | None = None) -> Expr:
    """Return conditions joined in their order, as a balanced tree: a thousand of them are only ten levels deep."""
    if len(conditions) == 1:
        return conditions[0]
    middle = (len(conditions) + 1) // 2
    return Call(name, (joined(name, conditions[:middle], at), joined(name, conditions[middle:], at)), at)


def not_(condition: Expr) -> Expr:
    """Return whether the condition is false."""
    return Call("not", (condition,))


def count() -> Aggregate:
    """Return the number of rows."""
    return Aggregate("count")


def agg(function: AggregateFunction, operand: Expr) -> Aggregate:
    """Return an aggregate over the values of `operand`; `count` counts those that are not null."""
    return Aggregate(function, operand)
