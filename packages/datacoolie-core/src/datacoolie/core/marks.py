"""Values of watermarks: how they are written as JSON, and how they compare.

A value is a datetime with or without zone, a date, a time, an integer, a decimal, a float, text or bytes; null where no
row had a value yet.
"""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from datacoolie.core.exceptions import WatermarkError
from datacoolie.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Callable

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What JSON can hold."""


def encode_value(value: object) -> Json:
    """Return a watermark's value as JSON data: tagged where JSON has no such type, else as it is.

    Tags are `__datetime__`, `__date__`, `__time__` (ISO 8601; a datetime with zone in UTC), `__decimal__`,
    `__binary__` (base64) and `__float__` (`nan`, `inf`, `-inf`).

    Raises:
        WatermarkError: the value is of another type.
    """
    if value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    for kind, (tag, encode) in _ENCODERS.items():
        if isinstance(value, kind):
            return {tag: encode(value)}
    message = f"{value!r} can't be a watermark: it is {type_name(value)}. Possible: {listed(_POSSIBLE)}."
    raise WatermarkError(message, {"type": type_name(value)})


def decode_value(data: Json) -> object:
    """Read what `encode_value` returned.

    Raises:
        WatermarkError: `data` is neither a scalar nor an object with one known tag and a fitting text.
    """
    match data:
        case None | bool() | int() | float() | str():
            return data
        case dict() if len(data) == 1:
            [(tag, text)] = data.items()
            return _decode_tagged(tag, text)
        case _:
            message = f"{data!r} is not the value of a watermark. Possible: a scalar, or an object with one of {_TAGS}."
            raise WatermarkError(message)


def parse_value(text: str, *, column: str, like: object = None) -> object:
    """Read a watermark's value that somebody typed.

    Args:
        text: a value of the type of `like`: `5`, `2024-02-29T12:00:00Z`, base64 for bytes. Without `like` JSON as
            `encode_value` writes it, or a date or datetime in ISO 8601.
        column: named in the error.
        like: a value of the type that is meant; `None` where none is known.

    Raises:
        WatermarkError: the text is no such value.
    """
    kind = next((kind for kind in (*_ENCODERS, int, str) if isinstance(like, kind)), None)
    try:
        value = _guess(text) if kind is None else _READERS[kind](text)
        if like is not None:
            compare(value, like, column=column)
    except (ValueError, InvalidOperation, WatermarkError) as error:
        wanted = "JSON, or a date or datetime in ISO 8601 (text in double quotes)" if kind is None else type_name(like)
        message = f"Watermark column {column!r}: {text!r} can't be read as {wanted}."
        raise WatermarkError(message, {"column": column}) from error
    return value


def _guess(text: str) -> object:
    """Read a value by its form."""
    try:
        return decode_value(json.loads(text))
    except ValueError:
        return datetime.fromisoformat(text) if len(text) > len("2024-02-29") else date.fromisoformat(text)


def compare(left: object, right: object, *, column: str) -> int:
    """Return -1, 0 or 1 as `left` is below, equal to or above `right`; NaN is the largest float.

    Raises:
        WatermarkError: the types differ, or one datetime or time has a zone and the other has none.
    """
    if type_name(left) != type_name(right) or left is None:
        message = (
            f"Watermark column {column!r}: {left!r} ({type_name(left)}) can't be compared with {right!r} "
            f"({type_name(right)}). Marks are compared by type, never as text: give the column its old type again, or "
            "reset the state of the flow."
        )
        raise WatermarkError(message, {"column": column, "types": [type_name(left), type_name(right)]})
    low, high = cast("tuple[int, int]", (left, right))  # equal types, as just checked
    above, below = low > high, low < high
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left) != math.isnan(right):
        above, below = math.isnan(left), math.isnan(right)
    return int(above) - int(below)


def type_name(value: object) -> str:
    """Name a value's type for messages: `datetime with zone`, `datetime without zone`, `int`, `null`, ..."""
    if value is None:
        return "null"
    if isinstance(value, (datetime, time)):
        return f"{type(value).__name__} {'with' if value.tzinfo else 'without'} zone"
    return type(value).__name__


_ENCODERS: dict[type, tuple[str, Callable[[Any], str]]] = {  # Any: each takes values of its key's type
    datetime: ("__datetime__", lambda value: (value.astimezone(UTC) if value.tzinfo else value).isoformat()),
    date: ("__date__", date.isoformat),  # after datetime, which is a date too
    time: ("__time__", time.isoformat),
    Decimal: ("__decimal__", str),
    bytes: ("__binary__", lambda value: base64.b64encode(value).decode()),
    float: ("__float__", str),
}
_DECODERS: dict[str, Callable[[str], object]] = {
    "__datetime__": datetime.fromisoformat,
    "__date__": date.fromisoformat,
    "__time__": time.fromisoformat,
    "__decimal__": Decimal,
    "__binary__": lambda text: base64.b64decode(text, validate=True),
    "__float__": float,
}
_READERS: dict[type, Callable[[str], object]] = {
    **{kind: _DECODERS[tag] for kind, (tag, _) in _ENCODERS.items()},
    int: int,
    str: str,
}
_TAGS = listed(_DECODERS)
_POSSIBLE = ("datetime", "date", "time", "int", "Decimal", "float", "str", "bytes", "bool", "None")


def _decode_tagged(tag: str, text: Json) -> object:
    decoder = _DECODERS.get(tag)
    if decoder is None:
        message = f"{tag!r} is not a tag of a watermark's value. Possible: {_TAGS}.{did_you_mean(tag, _DECODERS)}"
        raise WatermarkError(message, {"tag": tag})
    try:
        if isinstance(text, str):
            return decoder(text)
    except (ValueError, InvalidOperation) as error:
        message = f"{text!r} can't be read as the {tag} of a watermark: {error}."
        raise WatermarkError(message, {"tag": tag}) from error
    message = f"The {tag} of a watermark must be text, not {text!r}."
    raise WatermarkError(message, {"tag": tag})
