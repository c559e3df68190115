"""Floats as text, as Java writes them."""

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
