"""Checksums and encodings."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacoolie_engine_polars.expressions.checks import Operands


def _digest(algorithm: str) -> Callable[[Operands], pl.Expr]:
    """Return the lowering of a checksum. Polars has none, so Python's is applied to each batch."""

    def digests(values: pl.Series) -> pl.Series:
        made = [None if value is None else hashlib.new(algorithm, value).hexdigest() for value in values]
        return pl.Series(values.name, made, dtype=pl.String)

    return lambda operands: operands.exprs[0].map_batches(digests, return_dtype=pl.String, is_elementwise=True)


def _sha2(operands: Operands) -> pl.Expr:
    bits = operands.constant(1) or 256
    return _digest(f"sha{bits}")(operands)


def _crc32(operands: Operands) -> pl.Expr:
    def checksums(values: pl.Series) -> pl.Series:
        made = [None if value is None else zlib.crc32(value) for value in values]
        return pl.Series(values.name, made, dtype=pl.Int64)

    return operands.exprs[0].map_batches(checksums, return_dtype=pl.Int64, is_elementwise=True)


def _base64(operands: Operands) -> pl.Expr:
    """Encode with line ends after 76 characters, as MIME does."""
    encoded = operands.exprs[0].bin.encode("base64")
    return encoded.str.replace_all("(.{76})", "$1\r\n").str.strip_suffix("\r\n")


def _unbase64(operands: Operands) -> pl.Expr:
    """Decode, reading over other characters as MIME does; a text without `=` may lack them at the end."""
    text = operands.exprs[0].str.replace_all("[^A-Za-z0-9+/=]", "")
    missing = pl.when(text.str.contains("=", literal=True)).then(0).otherwise((4 - text.str.len_bytes() % 4) % 4)
    length = text.str.len_bytes() + missing
    return text.str.pad_end(length, "=").str.decode("base64")


LOWERINGS = {
    "md5": _digest("md5"),
    "sha1": _digest("sha1"),
    "sha2": _sha2,
    "crc32": _crc32,
    "hex": lambda o: o.exprs[0].bin.encode("hex").str.to_uppercase(),
    "base64": _base64,
    "unbase64": _unbase64,
}
