"""Spark's datetime patterns (`yyyy-MM-dd HH:mm:ss`), as far as every engine can do them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from datacoolie.core.suggest import listed
from datacoolie.sql.errors import ExpressionError, Position

_WIDTHS: dict[str, tuple[int, ...]] = {
    "y": (1, 2, 4),
    "M": (1, 2, 3, 4),
    "d": (1, 2),
    "H": (1, 2),
    "h": (1, 2),
    "m": (1, 2),
    "s": (1, 2),
    "S": (1, 2, 3, 4, 5, 6),
    "a": (1,),
    "E": (1, 2, 3, 4),
    "X": (1, 3),
}
_FORMAT_ONLY = "E"
_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z']+)")


@dataclass(frozen=True, slots=True)
class Field:
    """Some equal letters of a pattern.

    Attributes:
        letter: what is meant: `y` year, `M` month, `d` day, `H` hour, `m` minute, `s` second, ...
        width: how many there are.
    """

    letter: str
    width: int


def parse_pattern(pattern: str, *, reading: bool, at: Position | None = None) -> tuple[Field | str, ...]:
    """Return the fields of a pattern and the text between them.

    Args:
        pattern: for example `yyyy-MM-dd'T'HH:mm`.
        reading: text is read by it; otherwise it is written.
        at: where it stands, for the message.

    Raises:
        ExpressionError: it has letters that not every engine can do.
    """
    parts: list[Field | str] = []
    offset = 0
    while offset < len(pattern):
        match = _PIECE.match(pattern, offset)
        if match is None:
            message = f"The quote in the datetime pattern {pattern!r} is not closed"
            raise ExpressionError(message, at)
        parts.append(_part(match, pattern, reading=reading, at=at))
        offset = match.end()
    return tuple(parts)


def _part(match: re.Match[str], pattern: str, *, reading: bool, at: Position | None) -> Field | str:
    quoted, letter, other = match.groups()
    if letter is None:
        return other if quoted is None else quoted.replace("''", "'") or "'"
    width = len(match[0])
    if width not in _WIDTHS.get(letter, ()) or (reading and letter in _FORMAT_ONLY):
        known = listed(
            name * width for name, widths in _WIDTHS.items() for width in widths if not reading or name != "E"
        )
        message = f"{match[0]!r} in the datetime pattern {pattern!r} is not supported; possible: {known}"
        raise ExpressionError(message, at)
    return Field(letter, width)
