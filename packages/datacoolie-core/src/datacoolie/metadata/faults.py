"""Faults of documents: each says file, line, column, field, value, what is possible and what was probably meant."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import MetadataError
from datacoolie.metadata.positions import where

if TYPE_CHECKING:
    from collections.abc import Iterable

_MANY = 15
"""More possible names than these are not listed when a near one is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in a document.

    Attributes:
        file: the document, as it was named.
        line: from 1; `None` when the document as a whole is meant; the row of a cell.
        column: from 1, in characters; the column of a cell.
        path: the field, such as `dataflows[0].source.table`; empty for the document as a whole.
        message: what is wrong, continuing the path.
        value: the wrong value as it may be printed; `None` when there is none or it may be a secret.
        possible: what could stand there.
        near: which of these was probably meant.
        sheet: of a workbook: where line and column are.
    """

    file: str
    line: int | None = None
    column: int | None = None
    path: str = ""
    message: str
    value: str | None = None
    possible: tuple[str, ...] = ()
    near: str | None = None
    sheet: str | None = None

    def __str__(self) -> str:
        """Return `file:line:column: path: message (value ...; possible: ...; did you mean ...?)`."""
        place = where(self.file, self.line, self.column, self.sheet)
        notes = "; ".join(self._notes())
        return ": ".join(part for part in (place, self.path, self.message) if part) + (f" ({notes})" if notes else "")

    def _notes(self) -> Iterable[str]:
        if self.value is not None:
            yield f"value {self.value}"
        if self.possible and not (self.near and len(self.possible) > _MANY):
            yield f"possible: {', '.join(self.possible)}"
        if self.near:
            yield f"did you mean {self.near!r}?"


def nearest(value: object, possible: Iterable[str]) -> str | None:
    """Return the one of `possible` that is closest to `value` in any case; `None` when none is close."""
    by_folded = {name.casefold(): name for name in possible}
    close = get_close_matches(str(value).casefold(), by_folded, n=1)
    return by_folded[close[0]] if close else None


class DocumentError(MetadataError):
    """Documents are invalid; the message lists all their faults.

    Attributes:
        faults: all of them, in the order of the documents.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Keep the faults, and as plain data in `details`."""
        self.faults = tuple(faults)
        count = f"{len(self.faults)} faults" if len(self.faults) != 1 else "1 fault"
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"The metadata has {count}:\n{lines}", {"faults": [asdict(fault) for fault in self.faults]})
