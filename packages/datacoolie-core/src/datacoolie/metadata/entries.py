"""The entries of documents: one connection, dataflow or set of hints each, as written."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import ValidationError

from datacoolie.core.models import Model
from datacoolie.metadata.positions import child, dotted, follow, where
from datacoolie.metadata.translate import findings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from datacoolie.metadata.documents import Document
    from datacoolie.metadata.positions import Path

AnyModel = TypeVar("AnyModel", bound=Model)


@dataclass(kw_only=True)
class Entry:
    """One object of a section.

    Attributes:
        document: where it stands.
        path: its place there, such as `("dataflows", 3)`.
        data: what it says; variables are replaced and targets overlaid.
        overlays: documents and places of fields that a target put over it.
        wrong: paths of the fields for which no model could be made of it.
    """

    document: Document
    path: Path
    data: object
    overlays: list[tuple[Document, Path]] = field(default_factory=list)
    wrong: list[Path] = field(default_factory=list)

    @property
    def name(self) -> str | None:
        """Its name, when it has one that is text."""
        name = self.data.get("name") if isinstance(self.data, dict) else None
        return name if isinstance(name, str) else None

    @property
    def where(self) -> str:
        """Its place, for messages: `file:line:column`, or `file:sheet!C4` in a workbook."""
        place = self.document.place.find(self.path)[1]
        return where(self.document.file, *place.start, place.sheet)

    def has(self, *path: str | int) -> bool:
        """Return whether a field is given."""
        data = self.data
        for part in path:
            if not isinstance(data, dict) or part not in data:
                return False
            data = data[part]
        return True

    def value(self, *path: str | int) -> object:
        """Return what a field holds; `None` when it is not given."""
        return follow(self.data, path)

    def fault(
        self, path: Path, message: str, *, value: object = ..., possible: Sequence[str] = (), of_key: bool = False
    ) -> None:
        """Note a fault at `path` inside of this entry; see `Document.fault`."""
        document, place = self._origin(path)
        if self.is_secret(path):
            value = ...
        document.fault(place, message, value=value, possible=possible, of_key=of_key)

    def fault_inside(self, path: Path, message: str, at: tuple[int, int, int] | None) -> None:
        """Note a fault inside of a text of this entry; see `Document.fault_inside`."""
        document, place = self._origin(path)
        document.fault_inside(place, message, at)

    def remark(self, path: Path, message: str) -> None:
        """Note what is better done otherwise at `path` inside of this entry."""
        document, place = self._origin(path)
        document.remark(place, message)

    def written(self, path: Path) -> object:
        """Return what a field holds as it was written, variables by their names; JSON text as a whole."""
        document, place = self._origin(path)
        data = document.data
        for part in place:
            if isinstance(data, str):
                return data
            data = child(data, part)
        return data

    def _origin(self, path: Path) -> tuple[Document, Path]:
        """Return where a field was written: in the entry, or in what was put over it."""
        for document, base in reversed(self.overlays):
            if document.place.find((*base, *path))[2]:
                return document, (*base, *path)
        return self.document, (*self.path, *path)

    def is_secret(self, path: Path) -> bool:
        """Return whether the entry's `secrets_ref` names this field of its `configure`."""
        if "configure" not in path[:-1]:
            return False
        at = path.index("configure")
        return dotted(path[at + 1 :]) in self.secret_fields(path[: at + 1])

    def secret_fields(self, configure: Path) -> frozenset[str]:
        """Return the fields, dotted, of a `configure` that the `secrets_ref` beside it names."""
        return frozenset(_strings(self.value(*configure[:-1], "secrets_ref")))


def _strings(data: object) -> Iterator[str]:
    """Yield the texts in lists and in values of dicts."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for each in data.values() if isinstance(data, dict) else data:
            yield from _strings(each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built(Generic[AnyModel]):
    """An entry and the model that was made of it."""

    entry: Entry
    model: AnyModel


def build(entry: Entry, kind: type[AnyModel]) -> Built[AnyModel] | None:
    """Make the model of an entry; what is wrong is noted in its document."""
    try:
        return Built(entry=entry, model=kind.model_validate(entry.data))
    except ValidationError as error:
        found = list(findings(error, kind, entry.data))
    for each in found:
        entry.fault(each.path, each.message, value=each.value, possible=each.possible, of_key=each.of_key)
    entry.wrong = [each.path for each in found]
    return None


def salvage(entry: Entry, kind: type[AnyModel]) -> Built[AnyModel] | None:
    """Make the model of an entry without its wrong fields, to look for further faults in the others."""
    data = copy.deepcopy(entry.data)
    for path in entry.wrong:
        # Without a list as a whole, for the others in it would move.
        *parents, last = list(takewhile(lambda part: isinstance(part, str), path)) or [""]
        holder = follow(data, parents)
        if isinstance(holder, dict):
            holder.pop(last, None)
    try:
        return Built(entry=entry, model=kind.model_validate(data))
    except ValidationError:
        return None


def build_all(entries: Iterable[Entry], kind: type[AnyModel]) -> list[Built[AnyModel]]:
    """Make the models of those entries that are valid by themselves."""
    return [built for entry in entries if (built := build(entry, kind)) is not None]
