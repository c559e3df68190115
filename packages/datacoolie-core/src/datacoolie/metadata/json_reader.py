"""JSON documents: duplicate keys are errors, and everything has a position."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NoReturn

from datacoolie.metadata.positions import Place
from datacoolie.metadata.text import MAX_DEPTH, Parsed, Slip, UnreadableError, too_deep, twice

if TYPE_CHECKING:
    from datacoolie.metadata.positions import Position

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+)', re.DOTALL)


def read_json(text: str) -> Parsed:
    """Read a JSON document.

    Raises:
        UnreadableError: the text is not JSON.
    """
    duplicates = False

    def make_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal duplicates
        made = dict(pairs)
        duplicates = duplicates or len(made) != len(pairs)
        return made

    try:
        data = json.loads(text, object_pairs_hook=make_object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        message = f"this is not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        raise UnreadableError(message, (error.lineno, error.colno)) from error
    except RecursionError as error:
        raise too_deep() from error
    except ValueError as error:
        message = f"this is not JSON: {error}"
        raise UnreadableError(message) from error
    _check_depth(data)
    _check_text(text, data)
    slips = _Scanner(text).slips_of_all() if duplicates else ()
    return Parsed(data=data, places=lambda: _Scanner(text).place(), slips=slips)


def _check_depth(data: object) -> None:
    level = [data]
    for _ in range(MAX_DEPTH + 1):
        holders = [holder for holder in level if isinstance(holder, dict | list)]
        if not holders:
            return
        level = [item for holder in holders for item in (holder.values() if isinstance(holder, dict) else holder)]
    raise too_deep()


def _check_text(text: str, data: object) -> None:
    r"""Refuse halves of surrogate pairs, which `\ud800` may spell and which can't be written anywhere."""
    if "\\u" in text:
        try:
            json.dumps(data, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            message = f"this is not JSON: {error.object[error.start : error.end]!r} is half of a character"
            raise UnreadableError(message) from error


def _refuse_constant(name: str) -> NoReturn:
    message = f"this is not JSON: it has no {name}"
    raise UnreadableError(message)


class _Scanner:
    """Finds where everything stands in a text that is known to be JSON."""

    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.finditer(text)
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.slips: list[Slip] = []

    def slips_of_all(self) -> tuple[Slip, ...]:
        """Return where keys are given twice."""
        self.place()
        return tuple(self.slips)

    def place(self) -> Place:
        """Return the place of the whole."""
        return self._value(*self._next())

    def _next(self) -> tuple[str, Position]:
        """Return the next token and where it stands."""
        match = next(self._tokens)
        at = match.start(1)
        line = bisect_right(self._line_starts, at)
        return match[1], (line, at - self._line_starts[line - 1] + 1)

    def _value(self, part: str, start: Position) -> Place:
        if part == "{":
            return self._object(start)
        if part == "[":
            return self._array(start)
        if not part.startswith('"'):
            return Place(start=start)
        if "\\" in part:
            return Place(start=start, escaped=part[1:-1])
        return Place(start=start, verbatim=((start[0], start[1] + 1), 1))

    def _object(self, start: Position) -> Place:
        children: dict[str | int, tuple[Position, Place]] = {}
        part, position = self._next()
        while part != "}":
            if part == ",":
                part, position = self._next()
            key = str(json.loads(part))
            self._next()
            if key in children:
                self.slips.append(twice(key, children[key][0], position))
            children[key] = position, self.place()
            part, position = self._next()
        return Place(start=start, children=children)

    def _array(self, start: Position) -> Place:
        children: dict[str | int, tuple[Position, Place]] = {}
        part, position = self._next()
        while part != "]":
            if part == ",":
                part, position = self._next()
            children[len(children)] = position, self._value(part, position)
            part, position = self._next()
        return Place(start=start, children=children)
