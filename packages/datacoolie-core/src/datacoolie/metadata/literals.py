"""Secrets that stand in documents: each is masked from then on, and those that are written out are remarked on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from datacoolie.core.models.masking import Suspicion, suspicion
from datacoolie.core.redaction import register_secret_values
from datacoolie.metadata.environment import has_reference
from datacoolie.metadata.positions import dotted, follow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacoolie.metadata.entries import Entry
    from datacoolie.metadata.positions import Path

_ADVICE = "take it from the environment: ${NAME}"
_WHY = {
    Suspicion.NAME: "a field of this name holds a secret, which stands in the document",
    Suspicion.PART: "a password stands in this text",
    Suspicion.LOOKS: "this looks like a secret, which stands in the document",
}


def find_literals(entry: Entry, path: Path = ()) -> None:
    """Have the secrets in settings of an entry masked; what the document itself says is remarked on.

    Args:
        entry: a connection, a dataflow or a project file.
        path: which settings of it; by default every `configure` in it.
    """
    places = [path] if path else list(_settings(entry.data))
    advice = _ADVICE if path else f"name it in secrets_ref, or {_ADVICE}"
    for place in places:
        named = entry.secret_fields(place)
        for field, value in _texts(_parsed(follow(entry.data, place)), place):
            if dotted(field[len(place) :]) not in named:
                _look_at(entry, field, value, advice)


def _look_at(entry: Entry, path: Path, value: str, advice: str) -> None:
    name = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    found = suspicion(name, value)
    if found is None:
        return
    why, secrets = found
    register_secret_values(*secrets)
    if not has_reference(str(entry.written(path))):
        entry.remark(path, f"{_WHY[why]}: {advice}")


def _settings(data: object, path: Path = ()) -> Iterator[Path]:
    """Yield where settings are: `configure` of a connection, a source, a destination."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "configure":
                yield (*path, key)
            else:
                yield from _settings(value, (*path, key))


def _texts(data: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, (*path, key))
    elif isinstance(data, list):
        for at, value in enumerate(data):
            yield from _texts(value, (*path, at))


def _parsed(data: object) -> object:
    """Return settings that were written as JSON text as what they say."""
    if not isinstance(data, str):
        return data
    try:
        return json.loads(data)
    except ValueError:
        return data
