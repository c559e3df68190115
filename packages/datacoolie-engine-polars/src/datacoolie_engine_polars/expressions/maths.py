"""Functions of numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl

from datacoolie.core.types import (
    INTEGRAL,
    DecimalType,
)
from datacoolie_engine_polars.expressions import decimals
from datacoolie_engine_polars.expressions.arithmetic import WIDER
from datacoolie_engine_polars.expressions.numbers import rounded_float
from datacoolie_engine_polars.types import to_polars

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacoolie_engine_polars.expressions.checks import Operands


def _abs(operands: Operands) -> pl.Expr:
    (value,) = operands.exprs
    if isinstance(operands.result, INTEGRAL):
        return value.cast(WIDER[type(operands.result)]).abs().cast(to_polars(operands.result))
    return value.abs()


def _whole(direction: Callable[[pl.Expr], pl.Expr], rounds_up: int) -> Callable[[Operands], pl.Expr]:
    """Return the lowering of `ceil` (`rounds_up` 1) or `floor` (-1)."""

    def lower(operands: Operands) -> pl.Expr:
        (value,) = operands.exprs
        kind, result = operands.types[0], operands.result
        if isinstance(kind, DecimalType) and isinstance(result, DecimalType):
            unit = decimals.power(kind.scale)
            number = decimals.unscaled(value, kind)
            cut = number.truncdiv(unit)
            outward = (cut * unit < number) if rounds_up > 0 else (cut * unit > number)
            return decimals.scaled(cut + pl.when(outward).then(rounds_up).otherwise(0).cast(pl.Int128), result)
        if isinstance(kind, INTEGRAL):
            return value.cast(pl.Int64)
        return saturated(direction(value))

    return lower


def saturated(value: pl.Expr) -> pl.Expr:
    """Return a float as a 64-bit integer as Java converts: NaN is 0, what is too large the largest."""
    limit = 2.0**63
    inside = pl.when((value > -limit) & (value < limit)).then(value)
    ends = pl.when(value.is_nan()).then(0).when(value > 0).then(2**63 - 1).when(value < 0).then(-(2**63))
    return inside.cast(pl.Int64).fill_null(ends.cast(pl.Int64))


def _round(operands: Operands, *, to_even: bool) -> pl.Expr:
    value = operands.exprs[0]
    digits = operands.constant(1) if len(operands.exprs) > 1 else 0
    kind, result = operands.types[0], operands.result
    if not isinstance(digits, int):
        raise TypeError(digits)
    if isinstance(kind, DecimalType) and isinstance(result, DecimalType):
        number = decimals.shortened(decimals.unscaled(value, kind), kind.scale - digits, to_even=to_even)
        return decimals.scaled(decimals.times(number, result.scale - digits if digits < 0 else 0), result)
    if isinstance(kind, INTEGRAL):
        number = value if digits >= 0 else _rounded_integer(value, -digits, to_even=to_even)
        return number.cast(to_polars(kind))
    return rounded_float(value, digits, to_even=to_even).cast(to_polars(kind))


def _rounded_integer(value: pl.Expr, digits: int, *, to_even: bool) -> pl.Expr:
    if digits >= decimals.MAX_DIGITS // 2 + 1:
        return value * 0
    return decimals.shortened(value.cast(pl.Int128), digits, to_even=to_even) * decimals.power(digits)


def _logarithm(base: float) -> Callable[[Operands], pl.Expr]:
    def lower(operands: Operands) -> pl.Expr:
        (value,) = operands.exprs
        positive = pl.when(value > 0).then(value)
        return positive.log10() if base == 10.0 else positive.log(base)  # noqa: PLR2004 - exact for powers of ten

    return lower


def _sign(operands: Operands) -> pl.Expr:
    (value,) = operands.exprs
    return value.sign()


def _power(operands: Operands) -> pl.Expr:
    base, exponent = operands.exprs
    # Not a constant: Polars would make a square root of a power of one half, which differs at -0.0 and -Infinity.
    return base.pow(pl.when(base.is_not_null()).then(exponent))


LOWERINGS = {
    "abs": _abs,
    "ceil": _whole(lambda value: value.ceil(), 1),
    "floor": _whole(lambda value: value.floor(), -1),
    "round": lambda o: _round(o, to_even=False),
    "bround": lambda o: _round(o, to_even=True),
    "sign": _sign,
    "sqrt": lambda o: o.exprs[0].sqrt(),
    "exp": lambda o: o.exprs[0].exp(),
    "ln": _logarithm(math.e),
    "log10": _logarithm(10.0),
    "log2": _logarithm(2.0),
    "power": _power,
}
