"""Where in its text each key and value of a document stands. Built only when something is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Position = tuple[int, int]
"""Line and column, from 1, in characters; in a workbook the row and column of a cell."""

Path = tuple[str | int, ...]
"""Keys and indexes that lead to a value."""

_JSON_CHARACTER = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value stands, and what is in it.

    Attributes:
        start: the value's first character.
        children: place of each value inside, with the position of its key (of the value itself in lists).
        verbatim: of a text that stands in the document as it is: where its first line begins, and the column at which
            its further lines do.
        escaped: of a JSON text with escapes: what stands between its quotes.
        sheet: of a workbook: in which sheet it stands.
    """

    start: Position
    children: dict[str | int, tuple[Position, Place]] = field(default_factory=dict)
    verbatim: tuple[Position, int] | None = None
    escaped: str | None = None
    sheet: str | None = None

    def find(self, path: Sequence[str | int]) -> tuple[Position, Place, bool]:
        """Follow `path` as deep as it goes.

        Returns:
            Position of the last key that is there, its value's place, and whether the whole path is there.
        """
        key, place = self.start, self
        for part in path:
            if part not in place.children:
                if part == 0 and place.children:
                    continue  # one object may stand for a list of it
                return key, place, False
            key, place = place.children[part]
        return key, place, True

    def inside(self, line: int, column: int, offset: int) -> Position:
        """Return where a character of this text stands; the text's start when that can't be told.

        Args:
            line: the character's line in the text, from 1.
            column: its column there, from 1.
            offset: its index in the text, from 0.
        """
        if self.escaped is not None:
            before = [match[0] for match in _JSON_CHARACTER.finditer(self.escaped)][:offset]
            return self.start[0], self.start[1] + 1 + sum(map(len, before))
        if self.verbatim is None:
            return self.start
        (first_line, first_column), next_column = self.verbatim
        return first_line + line - 1, (first_column if line == 1 else next_column) + column - 1


def cell_name(row: int, column: int) -> str:
    """Return `C4` for row 4 and column 3."""
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row}"


def where(file: str, line: int | None, column: int | None, sheet: str | None = None) -> str:
    """Return `file:line:column`, or `file:sheet!C4` in a workbook."""
    if sheet is not None:
        return f"{file}:{sheet}!{cell_name(line or 1, column or 1)}"
    return ":".join(str(part) for part in (file, line, column) if part is not None)


def child(data: object, part: str | int) -> object:
    """Return what a map or list holds at a key or index; `None` when nothing is there."""
    if isinstance(data, dict):
        return data.get(part)
    return data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None


def follow(data: object, path: Sequence[str | int]) -> object:
    """Return what `path` leads to; `None` when nothing is there."""
    for part in path:
        data = child(data, part)
    return data


def dotted(path: Sequence[str | int]) -> str:
    """Return `dataflows[0].source.table`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
