"""Conversions between types. Each gives null where a value has no counterpart; a strict one fails there."""

from __future__ import annotations

import polars as pl

from datacoolie.core.types import (
    INTEGRAL,
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    NullType,
    StringType,
    TimestampNtzType,
    TimestampType,
)
from datacoolie.sql import Cast, Typed
from datacoolie_engine_polars.expressions import decimals
from datacoolie_engine_polars.expressions.checks import checked, computed_once, fail_when
from datacoolie_engine_polars.expressions.formatting import formatted, timestamp_text
from datacoolie_engine_polars.expressions.numbers import EXACT, NUMBER, float_text, rounded_float, unscaled_text
from datacoolie_engine_polars.expressions.reading import (
    BLANKS,
    SECOND,
    or_else,
    read_by_pattern,
    read_date,
    read_timestamp,
)
from datacoolie_engine_polars.types import to_polars

UTC = pl.Datetime("us", "UTC")
NAIVE = pl.Datetime("us")
FLOATS = (FloatType, DoubleType)
TRUE_TEXTS = ("t", "true", "y", "yes", "1")
FALSE_TEXTS = ("f", "false", "n", "no", "0")


def lower_cast(typed: Typed, value: pl.Expr) -> pl.Expr:
    """Return a conversion of `value`, the lowered operand of `typed`."""
    cast, source = typed.node, typed.operands[0].type
    if not isinstance(cast, Cast):
        raise TypeError(cast)
    if cast.format is not None:
        converted = _by_pattern(value, source, cast.type, cast.format)
    elif source == cast.type:
        return value
    else:
        converted = converted_to(value, source, cast.type)
    if cast.safe or never_fails(source, cast.type):
        return converted
    if isinstance(source, (StringType, *FLOATS)):
        return computed_once(lambda *each: checked(each[1], *_failures(cast, source, *each)), value, converted)
    return checked(converted, *_failures(cast, source, value, converted))


def _failures(cast: Cast, source: DataType, value: pl.Expr, converted: pl.Expr) -> list[pl.Expr]:
    """Return what fails where a value that is not null became null."""
    lost = value.is_not_null() & converted.is_null()
    if cast.format is not None:
        return [fail_when(lost, "CANNOT_PARSE_TIMESTAMP", value)]
    if isinstance(source, StringType):
        failures = [fail_when(lost, "CAST_INVALID_INPUT", value)]
        if isinstance(cast.type, DecimalType):
            number = pl.when(lost).then(value).str.strip_chars(BLANKS).str.contains(NUMBER)
            failures.insert(0, fail_when(number, "NUMERIC_VALUE_OUT_OF_RANGE", value))
        return failures
    if isinstance(source, FLOATS) and isinstance(cast.type, DecimalType):
        lost &= value.is_finite()  # NaN and infinity become null, strict or not
    code = "NUMERIC_VALUE_OUT_OF_RANGE" if isinstance(cast.type, DecimalType) else "CAST_OVERFLOW"
    return [fail_when(lost, code, value.cast(pl.String))]


def never_fails(source: DataType, target: DataType) -> bool:
    """Return whether every value has a counterpart."""
    if isinstance(source, NullType) or isinstance(target, (StringType, BinaryType, *FLOATS)):
        return not isinstance(source, StringType) or isinstance(target, (StringType, BinaryType))
    if isinstance(source, INTEGRAL) and isinstance(target, INTEGRAL):
        return INTEGRAL.index(type(source)) <= INTEGRAL.index(type(target))
    if isinstance(target, BooleanType):
        return not isinstance(source, StringType)
    return isinstance(source, BooleanType) and not isinstance(target, DecimalType)


def converted_to(value: pl.Expr, source: DataType, target: DataType) -> pl.Expr:  # noqa: PLR0911 - one case per type
    """Return `value` as the target type, null where it has no counterpart there."""
    match target:
        case StringType():
            return to_text(value, source)
        case BooleanType():
            return _to_boolean(value, source)
        case DecimalType():
            return _to_decimal(value, source, target)
        case DateType() | TimestampType() | TimestampNtzType():
            return _to_moment(value, source, target)
        case _ if isinstance(target, INTEGRAL):
            return _to_integer(value, source, to_polars(target))
        case _ if isinstance(target, FLOATS):
            return _to_float(value, source, to_polars(target))
        case _:
            return value.cast(to_polars(target), strict=False)


def to_text(value: pl.Expr, source: DataType) -> pl.Expr:
    """Return Spark's text of a value."""
    match source:
        case FloatType() | DoubleType():
            return float_text(value)
        case DateType():
            return value.dt.to_string("%Y-%m-%d")
        case TimestampType() | TimestampNtzType():
            return timestamp_text(value)
        case _:
            return value.cast(pl.String)


def _to_boolean(value: pl.Expr, source: DataType) -> pl.Expr:
    if not isinstance(source, StringType):
        return value != 0 if not isinstance(source, NullType) else value.cast(pl.Boolean)
    text = value.str.strip_chars(BLANKS).str.to_lowercase()
    known = text.is_in([*TRUE_TEXTS, *FALSE_TEXTS])
    return pl.when(known).then(text.is_in(list(TRUE_TEXTS)))


def _to_integer(value: pl.Expr, source: DataType, target: pl.DataType) -> pl.Expr:
    match source:
        case StringType():
            quick = value.cast(target, strict=False)
            return or_else(quick, value, lambda text: text.str.strip_chars(BLANKS).cast(target, strict=False))
        case DecimalType():
            whole = decimals.unscaled(value, source).truncdiv(decimals.power(source.scale))
            return whole.cast(target, strict=False)
        case TimestampType():
            return value.to_physical().floordiv(SECOND).cast(target, strict=False)
        case _:
            return value.cast(target, strict=False)


def _to_float(value: pl.Expr, source: DataType, target: pl.DataType) -> pl.Expr:
    match source:
        case StringType():
            return _text_to_float(value.str.strip_chars(BLANKS), target)
        case TimestampType():
            return (value.to_physical().cast(pl.Float64) / SECOND).cast(target)
        case DecimalType():
            # Through text: dividing the unscaled number would round twice.
            return value.cast(pl.String).cast(target)
        case _:
            return value.cast(target)


def _text_to_float(text: pl.Expr, target: pl.DataType) -> pl.Expr:
    """Read a float; what is none at first sight may have blanks around it, or a suffix of Java's: `1.5d`, `1.5f`."""

    def bare(rest: pl.Expr) -> pl.Expr:
        stripped = rest.str.strip_chars(BLANKS)
        number = stripped.str.extract(r"^(.*[0-9.])[dDfF]$").fill_null(stripped)
        return number.cast(target, strict=False)

    return or_else(text.cast(target, strict=False), text, bare)


def _to_decimal(value: pl.Expr, source: DataType, target: DecimalType) -> pl.Expr:
    match source:
        case DecimalType():
            return _fitting_rescaled(value, source, target)
        case StringType():
            return _text_to_decimal(value, target)
        case FloatType() | DoubleType():
            return _float_to_decimal(value.cast(pl.Float64), target)
        case TimestampType():
            return _fitting(decimals.shortened(value.to_physical().cast(pl.Int128), 6 - target.scale), target)
        case _:
            whole = value.cast(pl.Int128)
            small = whole.abs() < decimals.power(target.precision - target.scale)
            return _fitting(pl.when(small).then(whole) * decimals.power(target.scale), target)


def _fitting(whole: pl.Expr, target: DecimalType) -> pl.Expr:
    """Return the decimal of an unscaled value, null when it has too many digits."""
    fits = whole.abs() < decimals.power(target.precision)
    decimal = pl.when(fits).then(whole).reinterpret(dtype=pl.Decimal(38, target.scale))
    return decimal.cast(pl.Decimal(target.precision, target.scale))


def _fitting_rescaled(value: pl.Expr, source: DecimalType, target: DecimalType) -> pl.Expr:
    dtype = pl.Decimal(target.precision, target.scale)
    if target.scale >= source.scale:
        return value.cast(dtype, strict=False)
    if source.precision < decimals.MAX_DIGITS:  # rounding may need one digit more
        return value.round(target.scale, mode="half_away_from_zero").cast(dtype, strict=False)
    return _fitting(decimals.shortened(decimals.unscaled(value, source), source.scale - target.scale), target)


def _text_to_decimal(text: pl.Expr, target: DecimalType) -> pl.Expr:
    """Read a decimal: Polars reads what has no more digits than a decimal holds."""
    exact = DecimalType(37, min(max(19, target.scale), 36))
    shape = rf"^[+-]?[0-9]{{1,{37 - exact.scale}}}(?:\.[0-9]{{0,{exact.scale}}})?$"
    number = pl.when(text.str.contains(shape)).then(text).cast(to_polars(exact), strict=False)
    quick = _fitting_rescaled(number, exact, target)
    return or_else(
        quick, text, lambda rest: _fitting(unscaled_text(rest.str.strip_chars(BLANKS), target.scale), target)
    )


def _float_to_decimal(value: pl.Expr, target: DecimalType) -> pl.Expr:
    """Return the decimal that the float's shortest text is rounded to."""
    size = value.abs() * 10.0**target.scale
    small = pl.when(size < EXACT).then(value)
    quick = (
        (rounded_float(small, target.scale, to_even=False) * 10.0**target.scale).round().cast(pl.Int128, strict=False)
    )
    whole = or_else(quick, value.cast(pl.String), lambda rest: unscaled_text(rest, target.scale))
    return _fitting(whole, target)


def _to_moment(value: pl.Expr, source: DataType, target: DataType) -> pl.Expr:  # noqa: PLR0911 - one case per type
    dtype = to_polars(target)
    match source, target:
        case StringType(), DateType():
            return read_date(value)
        case StringType(), _:
            return read_timestamp(value, zoned=isinstance(target, TimestampType)).cast(dtype)
        case (DateType(), _) | (NullType(), _):
            return value.cast(NAIVE).cast(pl.Int64).cast(dtype)
        case ((TimestampType() | TimestampNtzType()), DateType()):
            return value.dt.date()
        case ((TimestampType() | TimestampNtzType()), _):
            return value.cast(pl.Int64).cast(dtype)
        case DecimalType(), _:
            micros = decimals.shortened(
                decimals.unscaled(value, source, max(source.scale, 6)), max(source.scale - 6, 0)
            )
            return micros.cast(pl.Int64, strict=False).cast(dtype)
        case ((FloatType() | DoubleType()), _):
            return (value.cast(pl.Float64) * SECOND).cast(pl.Int64, strict=False).cast(dtype)
        case _:
            return (value.cast(pl.Int128) * SECOND).cast(pl.Int64, strict=False).cast(dtype)


def _by_pattern(value: pl.Expr, source: DataType, target: DataType, pattern: str) -> pl.Expr:
    if isinstance(target, StringType):
        return formatted(value, pattern)
    if isinstance(source, NullType):
        return value.cast(to_polars(target))
    moment = read_by_pattern(value, pattern).cast(NAIVE)
    return moment.dt.date() if isinstance(target, DateType) else moment.cast(pl.Int64).cast(to_polars(target))
