"""Arithmetic that raises where Spark's ANSI mode does.

Integers are computed in a wider type and converted back strictly; decimals as their unscaled 128-bit integers.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from datacoolie.core.types import (
    INTEGRAL,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    IntegerType,
    LongType,
    ShortType,
)
from datacoolie_engine_polars.expressions import decimals
from datacoolie_engine_polars.expressions.checks import Operands, checked, fail_when
from datacoolie_engine_polars.types import to_polars

Operation = Callable[[pl.Expr, pl.Expr], pl.Expr]

WIDER: dict[type[DataType], pl.DataType] = {
    ByteType: pl.Int16(),
    ShortType: pl.Int32(),
    IntegerType: pl.Int64(),
    LongType: pl.Int128(),
}
"""Types in which no sum, difference or product of two values overflows."""


def _sum(operation: Operation) -> Callable[[Operands], pl.Expr]:
    def lower(operands: Operands) -> pl.Expr:
        left, right = operands.exprs
        kind = operands.types[0]
        if isinstance(kind, DateType):
            days = left.to_physical().cast(pl.Int64)
            return operation(days, right.cast(pl.Int64)).cast(pl.Int32).cast(pl.Date)
        if isinstance(kind, DecimalType):
            return decimals.added(operation, operands)
        return _in_wider(operation, operands)

    return lower


def _in_wider(operation: Operation, operands: Operands) -> pl.Expr:
    left, right = operands.exprs
    wide = WIDER.get(type(operands.result))
    if wide is None:
        return operation(left, right)
    return operation(left.cast(wide), right.cast(wide)).cast(to_polars(operands.result))


def _product(operands: Operands) -> pl.Expr:
    if isinstance(operands.types[0], DecimalType):
        return decimals.multiplied(operands)
    return _in_wider(lambda left, right: left * right, operands)


def _by_zero(operands: Operands, result: pl.Expr, code: str) -> pl.Expr:
    """Return `result`, failing where the right side is zero and the left is not null."""
    if operands.constant(1):
        return result
    left, right = operands.exprs
    return checked(result, fail_when((right == 0) & left.is_not_null(), code))


def _quotient(operands: Operands) -> pl.Expr:
    left, right = operands.exprs
    result = decimals.divided(operands) if isinstance(operands.types[0], DecimalType) else left / right
    return _by_zero(operands, result, "DIVIDE_BY_ZERO")


def _whole_quotient(operands: Operands) -> pl.Expr:
    left, right = operands.exprs
    result = left.cast(pl.Int128).truncdiv(right.cast(pl.Int128)).cast(pl.Int64)
    return _by_zero(operands, result, "DIVIDE_BY_ZERO")


def _remainder(operands: Operands) -> pl.Expr:
    return _by_zero(operands, _on_integers(operands, remainder), "REMAINDER_BY_ZERO")


def _positive_remainder(operands: Operands) -> pl.Expr:
    bits = {IntegerType: 32, LongType: 64}.get(type(operands.result))

    def positive(left: pl.Expr, right: pl.Expr) -> pl.Expr:
        rest = remainder(left, right)
        moved = rest + right
        if bits:
            # Java's sum wraps, which shows where the divisor is near the least integer.
            half, whole = (pl.lit(2**each, dtype=WIDER[type(operands.result)]) for each in (bits - 1, bits))
            moved = (moved + half) % whole - half
        return pl.when(rest < 0).then(remainder(moved, right)).otherwise(rest)

    return _by_zero(operands, _on_integers(operands, positive), "REMAINDER_BY_ZERO")


def remainder(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Return what is left of a division that rounds toward zero: it has the sign of the left side."""
    return left - left.truncdiv(right) * right


def _on_integers(operands: Operands, operation: Operation) -> pl.Expr:
    if isinstance(operands.types[0], DecimalType):
        return decimals.aligned(operation, operands)
    return _in_wider(operation, operands)


def negated(value: pl.Expr, kind: DataType) -> pl.Expr:
    """Return the number with the other sign; the least integer has none."""
    if isinstance(kind, INTEGRAL):
        wide = WIDER[type(kind)]
        return (pl.lit(0, dtype=wide) - value.cast(wide)).cast(to_polars(kind))
    return -value


LOWERINGS = {
    "+": _sum(lambda left, right: left + right),
    "-": _sum(lambda left, right: left - right),
    "*": _product,
    "/": _quotient,
    "div": _whole_quotient,
    "%": _remainder,
    "pmod": _positive_remainder,
    "negative": lambda o: negated(o.exprs[0], o.result),
}
