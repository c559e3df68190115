"""Taking JSON apart that may be damaged: everything raises `ValueError` saying what is wrong."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.marks import Json

T = TypeVar("T")


def json_object(data: Json, what: str) -> dict[str, Json]:
    """Return data that must be an object; `what` names it in the error."""
    if isinstance(data, dict):
        return data
    message = f"{what} must be a JSON object, not {data!r}"
    raise ValueError(message)


def json_field(data: Mapping[str, Json], name: str) -> Json:
    """Return a field that must be there."""
    if name in data:
        return data[name]
    message = f"field {name!r} is missing"
    raise ValueError(message)


def json_typed(data: Mapping[str, Json], name: str, kind: type[T] | tuple[type[T], ...]) -> T:
    """Return a field that must be there and of a type."""
    value = json_field(data, name)
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    message = f"{name} is {value!r}, which has the wrong type"
    raise ValueError(message)


def json_time(data: Mapping[str, Json], name: str) -> datetime:
    """Return a field that must be a time with zone, as ISO 8601 text."""
    value = datetime.fromisoformat(json_typed(data, name, str))
    if value.tzinfo is not None:
        return value
    message = f"{name} is {value.isoformat()}, which has no zone"
    raise ValueError(message)
