"""Functions of text."""

from __future__ import annotations

import polars as pl

from datacoolie.core.types import BinaryType
from datacoolie_engine_polars.expressions.checks import Operands, checked, fail_when

INT = pl.Int32
MAX_INT = 2**31 - 1


def _trimmed(operands: Operands) -> pl.Expr:
    value, *characters = operands.exprs
    if not characters:
        return value.str.strip_chars(" ")
    return pl.when(characters[0].is_not_null()).then(value.str.strip_chars(characters[0]))


def _length(operands: Operands) -> pl.Expr:
    (value,) = operands.exprs
    return (value.bin.size() if isinstance(operands.types[0], BinaryType) else value.str.len_chars()).cast(INT)


def _initcap(operands: Operands) -> pl.Expr:
    word = pl.element()
    capital = word.str.slice(0, 1).str.to_titlecase() + word.str.slice(1)
    return operands.exprs[0].str.to_lowercase().str.split(" ").list.eval(capital).list.join(" ")


def reversed_text(value: pl.Expr) -> pl.Expr:
    """Return the code points in reverse order; Polars' own keeps those that make one visible sign together."""
    characters = value.str.split("").list.reverse().list.join("")
    return pl.when(value.is_not_null()).then(characters)


def repeated(value: pl.Expr, times: pl.Expr) -> pl.Expr:
    """Return a text a number of times, not at all when it is negative."""
    known = value.is_not_null() & times.is_not_null()
    count = times.clip(lower_bound=0).cast(pl.UInt32)
    return pl.when(known).then(value.repeat_by(count).list.join(""))


def _substring(operands: Operands) -> pl.Expr:
    value, position = operands.exprs[:2]
    length = operands.exprs[2].cast(pl.Int64) if len(operands.exprs) > 2 else None  # noqa: PLR2004 - text, position, length
    start = operands.constant(1)
    if isinstance(start, int) and start >= 0:
        first = max(start - 1, 0)
        return value.str.slice(first) if length is None else _sliced(value, pl.lit(first, dtype=pl.Int64), length)
    position = position.cast(pl.Int64)
    length = pl.lit(MAX_INT, dtype=pl.Int64) if length is None else length
    from_end = value.str.len_chars().cast(pl.Int64) + position
    begin = pl.when(position > 0).then(position - 1).when(position < 0).then(from_end).otherwise(position)
    return _sliced(value, begin, length)


def _sliced(value: pl.Expr, begin: pl.Expr, length: pl.Expr) -> pl.Expr:
    """Return the part from a position (counted from 0, possibly before the text) with a length, none when negative."""
    start = begin.clip(lower_bound=0)
    rest = (begin + length - start).clip(lower_bound=0)
    return pl.when(rest.is_not_null()).then(value.str.slice(start, rest))


def _left(operands: Operands) -> pl.Expr:
    value, length = operands.exprs
    return _sliced(value, pl.lit(0, dtype=pl.Int64), length.cast(pl.Int64))


def _right(operands: Operands) -> pl.Expr:
    value, length = operands.exprs
    known = length.cast(pl.Int64).clip(lower_bound=0)
    size = value.str.len_chars().cast(pl.Int64)
    return _sliced(value, (size - known).clip(lower_bound=0), known)


def _replace(operands: Operands) -> pl.Expr:
    value, search = operands.exprs[:2]
    replacement = operands.exprs[2] if len(operands.exprs) > 2 else pl.lit("")  # noqa: PLR2004 - text, search, replacement
    searched, replaced = operands.constant(1), operands.constant(2)
    if isinstance(searched, str) and isinstance(replaced, str):
        return value.str.replace_all(searched, replaced, literal=True) if searched else value
    known = value.is_not_null() & search.is_not_null() & replacement.is_not_null()
    parts = value.str.split(pl.when(search != "").then(search))
    return pl.when(known).then(pl.when(search == "").then(value).otherwise(parts.list.join(replacement)))


def _translate(operands: Operands) -> pl.Expr:
    value = operands.exprs[0]
    source, target = operands.constant(1), operands.constant(2)
    if not isinstance(source, str) or not isinstance(target, str):
        return pl.when(value.is_null() & value.is_not_null()).then(value)
    mapping: dict[str, str] = {}
    for at, char in enumerate(source):
        mapping.setdefault(char, target[at] if at < len(target) else "")
    return value.str.replace_many(list(mapping), list(mapping.values())) if mapping else value


def _padded(operands: Operands, *, left: bool) -> pl.Expr:
    value, length = operands.exprs[0], operands.exprs[1].cast(pl.Int64)
    pad = operands.exprs[2] if len(operands.exprs) > 2 else pl.lit(" ")  # noqa: PLR2004 - text, length, pad
    missing = (length - value.str.len_chars().cast(pl.Int64)).clip(lower_bound=0)
    size = pad.str.len_chars().cast(pl.Int64)
    times = pl.when(size > 0).then((missing + size - 1).floordiv(size)).when(size == 0).then(0)
    filler = _sliced(repeated(pad, times), pl.lit(0, dtype=pl.Int64), missing)
    kept = _sliced(value, pl.lit(0, dtype=pl.Int64), length)
    return filler + kept if left else kept + filler


def _split_part(operands: Operands) -> pl.Expr:
    value, delimiter, part = operands.exprs
    known = value.is_not_null() & delimiter.is_not_null() & part.is_not_null()
    at = part.cast(pl.Int64)
    found = value.str.split(pl.when(delimiter != "").then(delimiter))
    whole = pl.when(at.abs() == 1).then(value)
    index = pl.when(at > 0).then(at - 1).otherwise(at)
    piece = pl.when(delimiter == "").then(whole).otherwise(found.list.get(index, null_on_oob=True))
    result = pl.when(known).then(piece.fill_null(""))
    return checked(result, fail_when(known & (at == 0), "INVALID_INDEX_OF_ZERO"))


def position(value: pl.Expr, search: pl.Expr) -> pl.Expr:
    """Return where `search` first is in `value`, counted from 1; 0 when it is not."""
    before = value.str.split(pl.when(search != "").then(search)).list.first().str.len_chars().cast(INT)
    found = pl.when(value.str.contains(search, literal=True)).then(before + 1).otherwise(0)
    known = value.is_not_null() & search.is_not_null()
    return pl.when(known).then(pl.when(search == "").then(1).otherwise(found)).cast(INT)


def _locate(operands: Operands) -> pl.Expr:
    search, value = operands.exprs[:2]
    start = operands.constant(2) if len(operands.exprs) > 2 else 1  # noqa: PLR2004 - search, text, start
    if not isinstance(start, int):
        return pl.lit(0, dtype=INT)
    if start < 1:
        return (position(value, search) * 0).cast(INT)
    rest = position(value.str.slice(start - 1), search)
    found = pl.when((rest > 0) & (search != "")).then(rest + start - 1).otherwise(rest)
    return found.cast(INT)


def _concat_ws(operands: Operands) -> pl.Expr:
    separator, *values = operands.exprs
    constant = operands.constant(0)
    if not values:
        return pl.when(separator.is_not_null()).then(pl.lit(""))
    if isinstance(constant, str):
        return pl.concat_str(values, separator=constant, ignore_nulls=True)
    return pl.when(separator.is_not_null()).then(pl.concat_list(values).list.drop_nulls().list.join(separator))


LOWERINGS = {
    "upper": lambda o: o.exprs[0].str.to_uppercase(),
    "lower": lambda o: o.exprs[0].str.to_lowercase(),
    "initcap": _initcap,
    "trim": lambda o: o.exprs[0].str.strip_chars(" "),
    "ltrim": lambda o: o.exprs[0].str.strip_chars_start(" "),
    "rtrim": lambda o: o.exprs[0].str.strip_chars_end(" "),
    "btrim": _trimmed,
    "reverse": lambda o: reversed_text(o.exprs[0]),
    "repeat": lambda o: repeated(o.exprs[0], o.exprs[1]),
    "left": _left,
    "right": _right,
    "substring": _substring,
    "replace": _replace,
    "translate": _translate,
    "lpad": lambda o: _padded(o, left=True),
    "rpad": lambda o: _padded(o, left=False),
    "split_part": _split_part,
    "length": _length,
    "concat": lambda o: pl.concat_str(o.exprs),
    "concat_ws": _concat_ws,
    "instr": lambda o: position(o.exprs[0], o.exprs[1]),
    "locate": _locate,
    "startswith": lambda o: o.exprs[0].str.starts_with(o.exprs[1]),
    "endswith": lambda o: o.exprs[0].str.ends_with(o.exprs[1]),
    "contains": lambda o: o.exprs[0].str.contains(o.exprs[1], literal=True),
}
