"""What reading a document gives, whatever it is written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacoolie.metadata.positions import Place, Position


MAX_DEPTH = 100
"""Levels of nesting in a document; far more than any needs, and less than Python's stack allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """Something wrong with a text itself.

    Attributes:
        position: where, if that is known.
        message: what.
        sheet: the sheet of a workbook.
    """

    position: Position | None
    message: str
    sheet: str | None = None


class UnreadableError(Exception):
    """A text is so wrong that there is no data in it.

    Attributes:
        slip: what is wrong.
    """

    def __init__(self, message: str, position: Position | None = None) -> None:
        """Keep what is wrong and where."""
        super().__init__(message)
        self.slip = Slip(position=position, message=message)


def too_deep() -> UnreadableError:
    """Return the error for a text with too many levels."""
    return UnreadableError(f"the document is nested too deeply; possible: {MAX_DEPTH} levels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """Data of a text.

    Attributes:
        data: dicts with text keys, lists, text, numbers, booleans and None.
        places: finds out where everything stands.
        slips: what is wrong with the text, though it can be read.
        has_variables: there may be `${...}` in it.
    """

    data: object
    places: Callable[[], Place]
    slips: tuple[Slip, ...] = ()
    has_variables: bool = False


def twice(key: str, first: Position, second: Position) -> Slip:
    """Return the fault that a map has a key twice."""
    return Slip(
        position=second, message=f"the key {key!r} is here a second time; the first is at {first[0]}:{first[1]}"
    )
