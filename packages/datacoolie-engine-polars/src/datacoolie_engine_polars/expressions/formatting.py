"""Dates and timestamps to text: Spark's own format, and datetime patterns."""

from __future__ import annotations

import polars as pl

from datacoolie.sql.datetimes import parse_pattern

_WRITE = {
    ("y", 1): "%-Y",
    ("y", 2): "%y",
    ("y", 4): "%Y",
    ("M", 1): "%-m",
    ("M", 2): "%m",
    ("M", 3): "%b",
    ("M", 4): "%B",
    ("d", 1): "%-d",
    ("d", 2): "%d",
    ("H", 1): "%-H",
    ("H", 2): "%H",
    ("h", 1): "%-I",
    ("h", 2): "%I",
    ("m", 1): "%-M",
    ("m", 2): "%M",
    ("s", 1): "%-S",
    ("s", 2): "%S",
    ("S", 3): "%3f",
    ("S", 6): "%6f",
    ("a", 1): "%p",
    ("E", 1): "%a",
    ("E", 2): "%a",
    ("E", 3): "%a",
    ("E", 4): "%A",
}


def formatted(moment: pl.Expr, pattern: str) -> pl.Expr:
    """Return a UTC timestamp written by a datetime pattern."""
    pieces: list[pl.Expr] = []
    directives = ""
    for part in parse_pattern(pattern, reading=False):
        if isinstance(part, str):
            directives += part.replace("%", "%%")
        elif part.letter == "S" and ("S", part.width) not in _WRITE:
            pieces += [moment.dt.to_string(directives or "%%").str.slice(0 if directives else 1)]
            pieces += [moment.dt.to_string("%6f").str.slice(0, part.width)]
            directives = ""
        else:
            directives += "Z" if part.letter == "X" else _WRITE[part.letter, part.width]
    if directives or not pieces:
        pieces.append(moment.dt.to_string(directives))
    return pieces[0] if len(pieces) == 1 else pl.concat_str(pieces)


def timestamp_text(moment: pl.Expr) -> pl.Expr:
    """Return Spark's text of a timestamp: a fraction of seconds only if there is one, without its last zeros."""
    return moment.dt.to_string("%Y-%m-%d %H:%M:%S%.6f").str.replace(r"\.?0+$", "")
