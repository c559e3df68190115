"""Folders by date: which of them can hold rows of a window, told by their names alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING

from datacoolie.sources.lookback import months_after

if TYPE_CHECKING:
    from datacoolie.sources.base import Bound

_FIRST = {"year": "1", "month": "1", "day": "1", "hour": "0"}

_ZONES = timedelta(hours=12)
"""How far behind UTC a folder's day may end: nothing says which zone its name is in."""


@dataclass(frozen=True, slots=True)
class DateFolders:
    """Folders that begin as a template such as `{year}/{month}/{day}` says.

    What a folder of a day holds is of that day or older; so a folder that ends before a window begins is not read.
    """

    template: str

    def may_hold(self, relative: str, low: Bound) -> bool:
        """Whether a file, by its path below the table, can have rows above a low bound.

        A path that the template doesn't fit, and a bound that is no date or time, exclude nothing.
        """
        end = self._end(relative)
        return end is None or any(_reaches(end, value, inclusive=low.inclusive) for value in low.values.values())

    def _end(self, relative: str) -> datetime | None:
        """Return where the smallest part of the folder's date ends."""
        found = re.match(_pattern(self.template), relative)
        if found is None:
            return None
        parts = found.groupdict()
        year, month, day, hour = (int(parts.get(name, first)) for name, first in _FIRST.items())
        try:
            begin = datetime(year, month, day, hour)  # noqa: DTZ001 - a wall clock's time, as the folder's name
            return _after(begin, list(parts)[-1])
        except (ValueError, OverflowError):
            return None


@cache
def _pattern(template: str) -> str:
    """Return the regular expression of a template: four digits of a year, one or two of any other part."""
    pieces = re.split(r"\{(\w+)\}", template.strip("/"))
    texts = [re.escape(piece) for piece in pieces[::2]]
    parts = [rf"(?P<{name}>\d{{4}})" if name == "year" else rf"(?P<{name}>\d{{1,2}})" for name in pieces[1::2]]
    return "".join(text + part for text, part in zip(texts, [*parts, "/"], strict=True))


def _after(begin: datetime, part: str) -> datetime:
    match part:
        case "year":
            return months_after(begin, 12)
        case "month":
            return months_after(begin, 1)
        case _:
            return begin + timedelta(**{f"{part}s": 1})


def _reaches(end: datetime, value: object, *, inclusive: bool) -> bool:
    """Whether a folder that ends at `end` can have rows above a value."""
    match value:
        case datetime():
            if value.tzinfo is None:
                return end > value
            return end + _ZONES > value.astimezone(UTC).replace(tzinfo=None)
        case date():
            return end > datetime.combine(value, time.min) + timedelta(days=0 if inclusive else 1)
        case _:
            return True
