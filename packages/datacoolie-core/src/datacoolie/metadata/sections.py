"""The sections of a document, its variables and its targets."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datacoolie.core.models import Connection
from datacoolie.metadata.entries import Entry
from datacoolie.metadata.environment import expand
from datacoolie.metadata.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.metadata.documents import Document
    from datacoolie.metadata.positions import Path

SECTIONS = ("connections", "dataflows", "schema_hints")
"""Sections of a document, each a list."""

WRAPPER = "metadata"
"""The key under which all sections may stand."""

BESIDE = ("$schema", "extensions", "targets")
"""What may stand beside the sections."""


@dataclass(kw_only=True)
class Sections:
    """The entries of all documents, joined."""

    connections: list[Entry] = field(default_factory=list)
    dataflows: list[Entry] = field(default_factory=list)
    schema_hints: list[Entry] = field(default_factory=list)
    targets: list[tuple[Document, Path, dict[str, object]]] = field(default_factory=list)

    def read(self, document: Document, environ: Mapping[str, str]) -> None:
        """Add what a document says."""
        if document.data is None:
            if not document.faults:
                document.faults.append(Fault(file=document.file, message="the document is empty"))
            return
        if not isinstance(document.data, dict):
            document.fault((), f"must be a map with {', '.join(SECTIONS)}", value=document.data)
            return
        self._check_keys(document, document.data)
        base: Path = (WRAPPER,) if WRAPPER in document.data else ()
        holder = document.data[WRAPPER] if base else document.data
        if not isinstance(holder, dict):
            document.fault(base, f"must be a map with {', '.join(SECTIONS)}", value=holder)
            return
        for section in SECTIONS:
            self._read_section(document, (*base, section), holder.get(section), environ)
        self.read_targets(document)

    def read_targets(self, document: Document) -> None:
        """Add the targets of a document, or of a project file."""
        targets = document.data.get("targets") if isinstance(document.data, dict) else None
        for name, connections in (targets if isinstance(targets, dict) else {}).items():
            if isinstance(connections, dict):
                self.targets.append((document, ("targets", name), connections))
            else:
                document.fault(("targets", name), "must be a map of connections", value=connections)
        if targets is not None and not isinstance(targets, dict):
            document.fault(("targets",), "must be a map of targets", value=targets)

    def _check_keys(self, document: Document, data: dict[str, object]) -> None:
        inside = data.get(WRAPPER)
        known = (*BESIDE, WRAPPER) if WRAPPER in data else (*BESIDE, *SECTIONS, WRAPPER)
        _refuse_unknown(document, (), data, known)
        if isinstance(inside, dict):
            _refuse_unknown(document, (WRAPPER,), inside, SECTIONS)
        holder = inside if isinstance(inside, dict) else data
        if not any(section in holder for section in (*SECTIONS, "targets")):
            document.fault((), f"needs at least one of {', '.join(SECTIONS)}")

    def _read_section(self, document: Document, path: Path, entries: object, environ: Mapping[str, str]) -> None:
        if entries is None:
            return
        if not isinstance(entries, list):
            document.fault(path, "must be a list", value=entries)
            return
        if document.has_variables:
            entries = expand(entries, environ, document.fault, path)
        for at, data in enumerate(entries if isinstance(entries, list) else []):
            getattr(self, str(path[-1])).append(Entry(document=document, path=(*path, at), data=data))


def _refuse_unknown(document: Document, path: Path, data: dict[str, object], known: tuple[str, ...]) -> None:
    for key in data:
        if key not in known:
            document.fault((*path, key), "is not a known field", possible=known, of_key=True)


def overlay(sections: Sections, target: str | None, environ: Mapping[str, str]) -> None:
    """Put the fields of the chosen target over those of connections; check the names in all targets."""
    by_name = {entry.name: entry for entry in sections.connections if entry.name is not None}
    for document, path, connections in sections.targets:
        for name, fields in connections.items():
            place = (*path, name)
            if not isinstance(fields, dict):
                document.fault(place, "must be a map of a connection's fields", value=fields)
            elif name not in by_name:
                document.fault(place, "is not a known connection", possible=tuple(by_name), of_key=True)
            elif path[-1] == target:
                _put_over(by_name[name], document, place, expand(fields, environ, document.fault, place))
            else:
                _refuse_unknown(document, place, fields, tuple(Connection.model_fields))


def _put_over(entry: Entry, document: Document, path: Path, fields: object) -> None:
    entry.data = _merged(entry.data, fields)
    entry.overlays.append((document, path))


def _merged(below: object, above: object) -> object:
    """Return `above` over `below`: maps are merged key by key, anything else is replaced."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return copy.deepcopy(above)
    return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}
