"""Numbers as text and back, as Java writes and reads them."""

from __future__ import annotations

import polars as pl

from datacoolie_engine_polars.expressions import decimals

EXACT = 2.0**52
"""From here on a float has no fraction."""

MAX_ROUNDED_DIGITS = 20
"""Digits after the point to which floats can be rounded by their text, which has up to 17 before it."""


def float_text(value: pl.Expr) -> pl.Expr:
    """Return Java's text of a float: `1.0`, `1.0E7`, `1.0E-4`, `NaN`, `-Infinity`.

    Numbers from 0.001 up to ten million are written plainly, others with an exponent.
    """
    size = value.abs()
    plain = value.cast(pl.String)
    simple = (size == 0) | ((size >= 1e-3) & (size < 1e7))  # noqa: PLR2004 - Java's bounds
    sign = pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return (
        pl.when(value.is_nan())
        .then(pl.lit("NaN"))
        .when(value.is_infinite())
        .then(sign + "Infinity")
        .when(simple)
        .then(plain)
        .otherwise(sign + _scientific(pl.when(~simple).then(size)))
    )


def _scientific(size: pl.Expr) -> pl.Expr:
    """Return `d.dddEn` of a positive number from Polars' shortest text, which is `123.4` or `1.2e-7`."""
    pieces = size.cast(pl.String).str.splitn("e", 2)
    mantissa = pieces.struct.field("field_0").str.splitn(".", 2)
    whole = mantissa.struct.field("field_0")
    fraction = mantissa.struct.field("field_1").fill_null("")
    given = pieces.struct.field("field_1").cast(pl.Int32, strict=False).fill_null(0)
    digits = whole + fraction
    significant = digits.str.strip_chars_start("0")
    leading = digits.str.len_chars().cast(pl.Int32) - significant.str.len_chars().cast(pl.Int32)
    exponent = given + whole.str.len_chars().cast(pl.Int32) - 1 - leading
    rest = significant.str.slice(1).str.strip_chars_end("0")
    tail = pl.when(rest == "").then(pl.lit("0")).otherwise(rest)
    return significant.str.slice(0, 1) + "." + tail + "E" + exponent.cast(pl.String)


NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
"""A number as text."""

_PARTS = r"^(?<s>[+-]?)(?<w>[0-9]*)(?:\.(?<f>[0-9]*))?(?:[eE](?<e>[+-]?[0-9]{1,4}))?$"
_MOST = 10_000


def unscaled_text(text: pl.Expr, scale: int, *, to_even: bool = False) -> pl.Expr:
    """Return a number given as text times ten to the power of `scale`, rounded to a 128-bit integer.

    Halves are rounded away from zero, or to the even neighbour. What is no number, or too large, gives null.
    """
    parts = text.str.extract_groups(_PARTS).struct.with_fields(
        digits=pl.field("w") + pl.field("f").fill_null(""),
        point=pl.field("w").str.len_chars().cast(pl.Int64)
        + pl.field("e").cast(pl.Int64, strict=False).fill_null(0)
        + scale,
    )
    # Digits up to the point are kept; it may lie behind all digits or before them.
    at = pl.field("point").clip(0, _MOST)
    known = pl.field("digits") + pl.lit("0" * 76)
    parts = parts.struct.with_fields(
        kept=("0" + known.str.slice(0, at).str.strip_chars_start("0")).cast(pl.Int128, strict=False),
        rest=pl.when(pl.field("point") >= 0).then(pl.field("digits").str.slice(at)).otherwise(pl.lit("")),
    )
    number = pl.field("kept") + _rounded_up(to_even=to_even).cast(pl.Int128)
    signed = pl.when(pl.field("s") == "-").then(number * -1).otherwise(number)
    return parts.struct.with_fields(number=pl.when(pl.field("digits") != "").then(signed)).struct.field("number")


def _rounded_up(*, to_even: bool) -> pl.Expr:
    """Return whether the digits that are cut off make the last kept one larger."""
    up = pl.field("rest") >= "5"
    if not to_even:
        return up
    half = pl.field("rest").str.strip_chars_end("0") == "5"
    return up & (~half | (pl.field("kept") % 2 == 1))


def rounded_float(value: pl.Expr, digits: int, *, to_even: bool) -> pl.Expr:
    """Round a float as its shortest text says, as Java does: 1.005 is rounded to 1.01 although it is a little less.

    The text is looked at only where the binary fraction is so near to a half that it can't decide.
    """
    wide = value.cast(pl.Float64)
    unit = 10.0 ** abs(digits)
    shifted = wide * unit if digits >= 0 else wide / unit
    size = shifted.abs()
    near = ((size - size.floor() - 0.5).abs() < 1e-9 + size * 4e-16) | (size >= EXACT)
    near &= wide.abs() < (2.0**53 if digits >= 0 else 1e37)
    whole = shifted.round(0, mode="half_to_even" if to_even else "half_away_from_zero")
    quick = whole / unit if digits >= 0 else whole * unit
    exact = _rounded_text(pl.when(near).then(wide).cast(pl.String), digits, to_even=to_even)
    kept = pl.when(wide.is_finite() & (size < EXACT)).then(quick).otherwise(wide)
    rounded = pl.when(near).then(exact).otherwise(kept)
    return pl.when(rounded == 0).then(0.0).otherwise(rounded)  # without a sign


def _rounded_text(text: pl.Expr, digits: int, *, to_even: bool) -> pl.Expr:
    scale = min(digits, MAX_ROUNDED_DIGITS)
    number = unscaled_text(text, scale, to_even=to_even)
    if scale <= 0:
        return (number * decimals.power(-scale)).cast(pl.Float64)
    return number.reinterpret(dtype=pl.Decimal(decimals.MAX_DIGITS, scale)).cast(pl.String).cast(pl.Float64)
