"""The entries of documents: one connection, dataflow or set of hints each, as written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import ValidationError

from datacoolie.core.models import Model
from datacoolie.metadata.positions import dotted
from datacoolie.metadata.translate import findings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    """

    document: Document
    path: Path
    data: object
    overlays: list[tuple[Document, Path]] = field(default_factory=list)

    @property
    def name(self) -> str | None:
        """Its name, when it has one that is text."""
        name = self.data.get("name") if isinstance(self.data, dict) else None
        return name if isinstance(name, str) else None

    @property
    def where(self) -> str:
        """Its place, for messages: `file:line:column`."""
        line, column = self.document.place.find(self.path)[1].start
        return f"{self.document.file}:{line}:{column}"

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
        data = self.data
        for part in path:
            data = data.get(part) if isinstance(data, dict) else None
        return data

    def fault(
        self, path: Path, message: str, *, value: object = ..., possible: Sequence[str] = (), of_key: bool = False
    ) -> None:
        """Note a fault at `path` inside of this entry; see `Document.fault`."""
        document, place = self._origin(path)
        if self._is_secret(path):
            value = ...
        document.fault(place, message, value=value, possible=possible, of_key=of_key)

    def fault_inside(self, path: Path, message: str, at: tuple[int, int, int] | None) -> None:
        """Note a fault inside of a text of this entry; see `Document.fault_inside`."""
        document, place = self._origin(path)
        document.fault_inside(place, message, at)

    def _origin(self, path: Path) -> tuple[Document, Path]:
        """Return where a field was written: in the entry, or in what was put over it."""
        for document, base in reversed(self.overlays):
            if document.place.find((*base, *path))[2]:
                return document, (*base, *path)
        return self.document, (*self.path, *path)

    def _is_secret(self, path: Path) -> bool:
        """Return whether the entry's `secrets_ref` names this field of its `configure`."""
        references = self.data.get("secrets_ref") if isinstance(self.data, dict) else None
        return path[:1] == ("configure",) and references is not None and dotted(path[1:]) in str(references)


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
        for found in findings(error, kind, entry.data):
            entry.fault(found.path, found.message, value=found.value, possible=found.possible, of_key=found.of_key)
        return None


def build_all(entries: Iterable[Entry], kind: type[AnyModel]) -> list[Built[AnyModel]]:
    """Make the models of those entries that are valid by themselves."""
    return [built for entry in entries if (built := build(entry, kind)) is not None]
