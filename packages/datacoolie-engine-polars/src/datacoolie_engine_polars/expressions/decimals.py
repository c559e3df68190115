"""Exact arithmetic of decimals on their unscaled values, in 128-bit integers, rounding halves away from zero.

Polars' own operators keep the larger scale of the operands and cut; Spark's types say how many digits a result has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from datacoolie.core.exceptions import EngineError
from datacoolie.core.types import DecimalType
from datacoolie_engine_polars.expressions.checks import Operands, checked, fail_when

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DIGITS = 38
LIMIT = 1.7e38
"""Unscaled values beyond this don't fit into 128 bits."""


def unscaled(value: pl.Expr, kind: DecimalType, scale: int | None = None) -> pl.Expr:
    """Return the decimal times ten to the power of `scale` (its own when it is `None`) as a 128-bit integer."""
    whole = value.to_physical().cast(pl.Int128)
    more = (kind.scale if scale is None else scale) - kind.scale
    return whole if more == 0 else times(whole, more)


def power(exponent: int) -> pl.Expr:
    """Return ten to the power of `exponent`, 0 to 38."""
    return pl.lit(10**exponent, dtype=pl.Int128)


def times(value: pl.Expr, exponent: int) -> pl.Expr:
    """Return an integer times ten to the power of `exponent`, failing on overflow."""
    if exponent == 0:
        return value
    return checked(value * power(exponent), _overflow(value.cast(pl.Float64).abs() * 10.0**exponent))


def _overflow(size: pl.Expr) -> pl.Expr:
    return fail_when(size > LIMIT, "NUMERIC_VALUE_OUT_OF_RANGE")


def scaled(value: pl.Expr, kind: DecimalType) -> pl.Expr:
    """Return the decimal of an unscaled value, failing when it has more digits than `kind`."""
    limit = power(kind.precision) if kind.precision < MAX_DIGITS else pl.lit(10**MAX_DIGITS - 1, dtype=pl.Int128) + 1
    excess = fail_when(value.abs() >= limit, "NUMERIC_VALUE_OUT_OF_RANGE", value.cast(pl.String))
    return checked(value.reinterpret(dtype=pl.Decimal(MAX_DIGITS, kind.scale)), excess).cast(
        pl.Decimal(kind.precision, kind.scale)
    )


def shortened(value: pl.Expr, digits: int, *, to_even: bool = False) -> pl.Expr:
    """Return an integer divided by ten to the power of `digits`, halves rounded away from zero."""
    if digits <= 0:
        return value
    if digits > MAX_DIGITS:
        return value * 0
    unit = power(digits)
    whole = value.truncdiv(unit)
    rest = (value - whole * unit).abs()
    up = rest >= unit - rest
    if to_even:
        odd = whole - whole.truncdiv(2) * 2 != 0
        up = (rest > unit - rest) | ((rest == unit - rest) & odd)
    return whole + pl.when(up).then(value.sign()).otherwise(0).cast(pl.Int128)


def rescaled(value: pl.Expr, kind: DecimalType, target: DecimalType) -> pl.Expr:
    """Return a decimal with the digits of `target`, halves rounded away from zero, failing when it is too large."""
    if target.scale >= kind.scale:
        return scaled(unscaled(value, kind, target.scale), target)
    return scaled(shortened(unscaled(value, kind), kind.scale - target.scale), target)


def _kinds(operands: Operands) -> tuple[DecimalType, DecimalType, DecimalType]:
    left, right, result = (*operands.types, operands.result)
    if not (isinstance(left, DecimalType) and isinstance(right, DecimalType) and isinstance(result, DecimalType)):
        message = f"{operands.typed.node} is not made of decimals"
        raise TypeError(message)
    return left, right, result


def added(operation: Callable[[pl.Expr, pl.Expr], pl.Expr], operands: Operands) -> pl.Expr:
    """Return a sum or a difference."""
    left, right, result = _kinds(operands)
    scale = max(left.scale, right.scale)
    one, other = operands.exprs
    exact = operation(unscaled(one, left, scale), unscaled(other, right, scale))
    size = operation(one.cast(pl.Float64), other.cast(pl.Float64)).abs() * 10.0**scale
    exact = checked(exact, _overflow(size)) if result.precision == MAX_DIGITS else exact
    return scaled(shortened(exact, scale - result.scale), result)


def multiplied(operands: Operands) -> pl.Expr:
    """Return a product. One with more than 38 digits before rounding fails, even where the rounded one would fit."""
    left, right, result = _kinds(operands)
    one, other = unscaled(operands.exprs[0], left), unscaled(operands.exprs[1], right)
    exact = one * other
    if left.precision + right.precision > MAX_DIGITS:
        exact = checked(exact, _overflow(one.cast(pl.Float64).abs() * other.cast(pl.Float64).abs()))
    return scaled(shortened(exact, left.scale + right.scale - result.scale), result)


def divided(operands: Operands) -> pl.Expr:
    """Return a quotient by long division: whole part first, then as many digits a step as 38 digits leave room for."""
    left, right, result = _kinds(operands)
    dividend, divisor = unscaled(operands.exprs[0], left), unscaled(operands.exprs[1], right)
    digits = result.scale - left.scale + right.scale
    if digits < 0:
        return scaled(shortened(_rounded_quotient(dividend, divisor), -digits), result)
    room = MAX_DIGITS - right.precision
    if room < digits and room == 0:
        message = f"The polars engine can't divide by a {right} ({operands.typed.node}); give the divisor fewer digits"
        raise EngineError(message)
    quotient = dividend.truncdiv(divisor)
    rest = dividend - quotient * divisor
    while digits:
        step = min(digits, room)
        digits -= step
        rest = rest * power(step)
        part = rest.truncdiv(divisor)
        rest = rest - part * divisor
        quotient = times(quotient, step) + part
    return scaled(quotient + _carry(rest, divisor, operands), result)


def _carry(rest: pl.Expr, divisor: pl.Expr, operands: Operands) -> pl.Expr:
    """Return 1, 0 or -1: what rounds a quotient whose remainder is `rest`."""
    sign = operands.exprs[0].to_physical().cast(pl.Int128).sign() * divisor.sign()
    return pl.when(rest.abs() >= divisor.abs() - rest.abs()).then(sign).otherwise(0).cast(pl.Int128)


def _rounded_quotient(dividend: pl.Expr, divisor: pl.Expr) -> pl.Expr:
    quotient = dividend.truncdiv(divisor)
    rest = (dividend - quotient * divisor).abs()
    up = pl.when(rest >= divisor.abs() - rest).then(dividend.sign() * divisor.sign()).otherwise(0)
    return quotient + up.cast(pl.Int128)


def aligned(operation: Callable[[pl.Expr, pl.Expr], pl.Expr], operands: Operands) -> pl.Expr:
    """Apply an operation to both unscaled values at one scale."""
    left, right, result = _kinds(operands)
    scale = max(left.scale, right.scale)
    exact = operation(unscaled(operands.exprs[0], left, scale), unscaled(operands.exprs[1], right, scale))
    return scaled(shortened(exact, scale - result.scale), result)
