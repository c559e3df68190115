"""Validates YAML of pages: whole documents and project files, and parts of them, which are completed."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import yaml

from datacoolie.core.models import Connection, DataFlow, ProjectFile
from datacoolie.metadata import load_project
from datacoolie.metadata.sections import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Map: TypeAlias = "dict[str, object]"

_CONNECTION: Map = {"format": "delta"}
_FLOW: Map = {
    "name": "flow",
    "source": {"connection_name": "lake", "table": "rows"},
    "destination": {"connection_name": "lake", "table": "others"},
}
"""What a part of a dataflow is put into."""


def check_yaml(text: str, folder: Path, connections: dict[str, Map]) -> None:
    """Validate a block as the loader would, completed where it is a part.

    Args:
        text: the block.
        folder: where files may be made.
        connections: those that the page has defined so far, by name; those of the block are added.

    Raises:
        DocumentError: the document or project file has faults.
        ValueError: it is no part of anything.
        YAMLError: it is no YAML.
    """
    content = yaml.safe_load(re.sub(r"\$\{(\w+)\}", r"${\1:-\1}", text))
    if not isinstance(content, dict):
        message = "is no map"
        raise ValueError(message)  # noqa: TRY004 - what is wrong is the text
    with tempfile.TemporaryDirectory(dir=folder) as place:
        load_project(_written(content, Path(place), connections))


def _written(content: Map, folder: Path, connections: dict[str, Map]) -> Path:
    """Write a block as a document, or as a project with a document, and return what to load."""
    document = folder / "document.yaml"
    if content.keys() <= _fields(ProjectFile) and not isinstance(content.get("metadata"), dict):
        _write(folder / "datacoolie.yaml", {**content, "metadata": ["document.yaml"]})
        targets = content.get("targets")
        named = {name for target in targets.values() for name in target} if isinstance(targets, dict) else set()
        _write(document, {"dataflows": [], "connections": _known(named, connections)})
        return folder
    _write(document, _completed(content, connections))
    return document


def _completed(content: Map, connections: dict[str, Map]) -> Map:
    """Return the document that a part of a dataflow or connection stands in, with all connections that it names."""
    if content.keys() & {*SECTIONS, "metadata"}:
        document = dict(content)
    elif content.keys() <= _fields(DataFlow):
        document = {"dataflows": [_merged(_FLOW, content)]}
    elif content.keys() <= _fields(Connection):
        document = {"connections": [{"name": "connection", **content}]}
    else:
        message = f"is no document, project file or part of them: {', '.join(content)}"
        raise ValueError(message)
    if isinstance(given := document.get("connections"), list):
        connections.update({connection["name"]: connection for connection in given})
    elif "dataflows" in document:
        document["connections"] = _known(_named(document["dataflows"]), connections)
    return document


def _known(names: Iterable[str], connections: dict[str, Map]) -> list[Map]:
    return [connections.get(name, {**_CONNECTION, "name": name}) for name in sorted(set(names))]


def _named(value: object) -> Iterator[str]:
    """Yield the names of connections in a list of flows."""
    if isinstance(value, dict):
        if isinstance(name := value.get("connection_name"), str):
            yield name
        for item in value.values():
            yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)


def _merged(base: Map, over: Map) -> Map:
    merged = {**base, **over}
    for name, value in over.items():
        below = base.get(name)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[name] = _merged(below, value)
    return merged


def _fields(model: type[Connection | DataFlow | ProjectFile]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def _write(path: Path, content: Map) -> None:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
