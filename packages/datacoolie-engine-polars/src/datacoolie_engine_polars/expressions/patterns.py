"""LIKE and regular expressions: Java's patterns as Rust's, in the subset that `datacoolie.sql` lets pass."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from datacoolie_engine_polars.expressions.checks import Operands

_LINE_END = r"\n\r\x{85}\x{2028}\x{2029}"
_END = rf"(\r\n|[{_LINE_END}])?\z"
"""Java's `$` is also before a last line end."""

_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)


def to_rust(pattern: str) -> str:
    """Return a pattern of Java's in Rust's words: `.` is no line end of Unicode, `$` may be before a last line end."""
    return "".join(_translated(piece[0]) for piece in _PIECE.finditer(pattern))


def _translated(piece: str) -> str:
    if piece == ".":
        return f"[^{_LINE_END}]"
    return "(?:" + _END[1:] if piece == "$" else piece


def _anchored(pattern: str) -> tuple[str, bool]:
    """Return the Rust pattern, without a `$` at its end, and whether there was one."""
    tokens = [piece[0] for piece in _PIECE.finditer(pattern)]
    ends = bool(tokens) and tokens[-1] == "$"
    return "".join(_translated(token) for token in (tokens[:-1] if ends else tokens)), ends


def groups(pattern: str) -> int:
    """Return how many groups a pattern captures."""
    return re.compile(pattern).groups


NULL_TEST = pl.lit(None, dtype=pl.Boolean)


def _constant(operands: Operands, at: int) -> str | None:
    value = operands.constant(at)
    return value if isinstance(value, str) else None


def _like(operands: Operands, *, fold: bool) -> pl.Expr:
    value, pattern = operands.exprs[0], _constant(operands, 1)
    escape = _constant(operands, 2) if len(operands.exprs) > 2 else "\\"  # noqa: PLR2004 - text, pattern, escape
    if pattern is None or escape is None:
        return NULL_TEST
    if fold:
        value, pattern = value.str.to_lowercase(), pattern.lower()
    return _fits(value, like_parts(pattern, escape))


def like_parts(pattern: str, escape: str) -> list[str | None]:
    """Return literal texts and, for each wildcard, `None` (`%`) or an empty text (`_`)."""
    parts: list[str | None] = []
    literal = ""
    chars = iter(pattern)
    for char in chars:
        if char == escape:
            literal += next(chars, "")
        elif char in "%_":
            parts += [literal] * bool(literal) + [None if char == "%" else ""]
            literal = ""
        else:
            literal += char
    return parts + [literal] * bool(literal)


def _fits(value: pl.Expr, parts: list[str | None]) -> pl.Expr:
    """Return whether the whole text fits, by plain search where that will do."""
    match parts:
        case []:
            return value == ""
        case [str(text)] if text:
            return value == text
        case [str(text), None] if text:
            return value.str.starts_with(text)
        case [None, str(text)] if text:
            return value.str.ends_with(text)
        case [None, str(text), None] if text:
            return value.str.contains(text, literal=True)
        case _:
            inner = "".join(".*" if part is None else pl.escape_regex(part) or "." for part in parts)
            return value.str.contains(rf"(?s)\A{inner}\z")


def _regex_like(operands: Operands) -> pl.Expr:
    pattern = _constant(operands, 1)
    return NULL_TEST if pattern is None else operands.exprs[0].str.contains(to_rust(pattern))


def _regex_replace(operands: Operands) -> pl.Expr:
    pattern, replacement = _constant(operands, 1), _constant(operands, 2)
    if pattern is None or replacement is None:
        return pl.lit(None, dtype=pl.String)
    rust, ends = _anchored(pattern)
    target = rust_replacement(replacement, groups(pattern))
    if ends:
        # What `$` looks past is matched here, so it is put back.
        rust, target = f"(?:{rust}){_END}", f"{target}${{{groups(pattern) + 1}}}"
    return operands.exprs[0].str.replace_all(rust, target)


def rust_replacement(text: str, count: int) -> str:
    r"""Return Java's replacement (`$1`, `\$`) as Rust's; a group's number takes digits while there is such a group."""
    result, at = "", 0
    while at < len(text):
        char = text[at]
        if char == "\\" and at + 1 < len(text):
            result += text[at + 1].replace("$", "$$")
            at += 2
        elif char == "$":
            digits = re.match(r"\d", text[at + 1 :])
            end = at + 1 + (len(digits[0]) if digits else 0)
            while end < len(text) and text[end].isdigit() and int(text[at + 1 : end + 1]) <= count:
                end += 1
            result += f"${{{text[at + 1 : end]}}}"
            at = end
        else:
            result += char
            at += 1
    return result


def _regex_extract(operands: Operands) -> pl.Expr:
    value, pattern = operands.exprs[0], _constant(operands, 1)
    group = operands.constant(2) if len(operands.exprs) > 2 else 1  # noqa: PLR2004 - text, pattern, group
    if pattern is None or not isinstance(group, int):
        return pl.lit(None, dtype=pl.String)
    rust, ends = _anchored(pattern)
    if group == 0:
        rust = f"({rust})"
    elif ends:
        rust = f"(?:{rust})"
    found = value.str.extract(rust + (_END if ends else ""), max(group, 1))
    return pl.when(value.is_not_null()).then(found.fill_null(""))


def _split(operands: Operands) -> pl.Expr:
    value, pattern = operands.exprs[0], _constant(operands, 1)
    if pattern is None:
        return pl.lit(None, dtype=pl.List(pl.String))
    if pattern == re.escape(pattern):
        return value.str.split(pattern)
    return value.str.split(to_rust(pattern), literal=False)


LOWERINGS = {
    "like": lambda o: _like(o, fold=False),
    "ilike": lambda o: _like(o, fold=True),
    "rlike": _regex_like,
    "regexp_replace": _regex_replace,
    "regexp_extract": _regex_extract,
    "split": _split,
}
