"""The forms in which a document may write lists and maps, and the annotated types that read them."""

from __future__ import annotations

import json
import re
from typing import Annotated, TypeAlias, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from datacoolie.core.models.durations import parse_duration

Item = TypeVar("Item")


def as_list(value: object) -> object:
    """Return the list that a list field means: a list, JSON text, comma-separated text, one scalar, or null."""
    if isinstance(value, list):
        return value
    if value is None:
        return []
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    if not isinstance(value, str):
        return [value]
    text = value.strip()
    if text[:1] in ("[", "{"):
        parsed = _parse_json(text)
        return parsed if isinstance(parsed, list) else [parsed]
    return [part for item in text.split(",") if (part := item.strip())]


def as_map(value: object) -> object:
    """Return the map that a map field means: a map, JSON text, or null."""
    if value is None:
        return {}
    if not isinstance(value, str):
        return value
    return _parse_json(value) if value.strip() else {}


def _parse_json(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        message = f"is text that is not JSON: {error.msg} at its character {error.pos + 1}"
        raise ValueError(message) from error


def _as_text(value: object) -> object:
    """Read a number or boolean where only text makes sense: documents need no quotes there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _check_duration(value: str) -> str:
    parse_duration(value)
    return value


def _check_expression(value: object) -> object:
    texts = list(value.values()) if isinstance(value, dict) else [value]
    if texts and all(isinstance(text, str) and text.strip() for text in texts):
        return value
    message = "is not an expression; write text, or native texts by engine such as {spark: ..., polars: ...}"
    raise ValueError(message)


def _stays_below(value: str) -> str:
    """Refuse a name that leads out of where tables are."""
    if ".." in re.split(r"[/\\]", value) or "\0" in value:
        message = "leads out of the place where tables are; leave out '..', or give another base_path"
        raise ValueError(message)
    return value


ListForm: TypeAlias = list[Item] | Item | str | None
"""How a list may be written, for the JSON Schema."""

Text: TypeAlias = Annotated[str, Field(min_length=1)]
"""Text that is not empty."""

Below: TypeAlias = Annotated[Text, AfterValidator(_stays_below)]
"""The name of something below a folder or in a schema."""

AsText: TypeAlias = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | float | bool)]
"""Text, for which a document may write a number or boolean."""

Names: TypeAlias = Annotated[list[Text], BeforeValidator(as_list, json_schema_input_type=list[str] | str | None)]
"""A list of names, in any of the list forms."""

OpenMap: TypeAlias = Annotated[
    dict[str, object], BeforeValidator(as_map, json_schema_input_type=dict[str, object] | str | None)
]
"""A map of which the keys are not ours to know."""

TextMap: TypeAlias = Annotated[
    dict[str, AsText], BeforeValidator(as_map, json_schema_input_type=dict[str, str | float | bool] | str | None)
]
"""A map of text to text."""

SecretsRef: TypeAlias = Annotated[
    dict[str, Names], BeforeValidator(as_map, json_schema_input_type=dict[str, list[str] | str] | str | None)
]
"""Fields of `configure` by the source of their secrets."""

Expression: TypeAlias = Annotated[
    str | dict[str, str], BeforeValidator(_check_expression, json_schema_input_type=str | dict[str, str])
]
"""A portable expression, or native expressions by the engine's name."""

Duration: TypeAlias = Annotated[str, AfterValidator(_check_duration)]
"""A span of time, such as `1s`, `15m`, `1h 30m`."""
