"""Numbers as text and back, as Java writes and reads them."""

from __future__ import annotations

import polars as pl


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
    groups = text.str.extract_groups(_PARTS)
    whole, fraction = groups.struct.field("w"), groups.struct.field("f").fill_null("")
    exponent = groups.struct.field("e").cast(pl.Int64, strict=False).fill_null(0)
    digits = pl.when(whole + fraction != "").then(whole + fraction)
    point = whole.str.len_chars().cast(pl.Int64) + exponent + scale
    # Digits up to the point are kept; it may lie behind all digits or before them.
    known = digits + pl.lit("0" * 76)
    at = point.clip(0, _MOST)
    kept = known.str.slice(0, at)
    rest = pl.when(point >= 0).then(known.str.slice(at)).otherwise(pl.lit("0"))
    number = ("0" + kept.str.strip_chars_start("0")).cast(pl.Int128, strict=False)
    up = rest >= "5"
    if to_even:
        half = rest.str.strip_chars_end("0") == "5"
        up = up & (~half | (number % 2 == 1))
    number = pl.when(digits.is_not_null()).then(number + up.cast(pl.Int128))
    return pl.when(groups.struct.field("s") == "-").then(number * -1).otherwise(number)
