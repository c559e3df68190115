"""What pydantic found wrong, in sentences that continue a field's path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from datacoolie.core.models.checks import NotPossibleError
from datacoolie.core.models.configured import SettingsError
from datacoolie.metadata.positions import child, follow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import ValidationError

    from datacoolie.metadata.positions import Path

_SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a map",
    "model_type": "must be a map",
    "model_attributes_type": "must be a map",
    "literal_error": "can't be this",
    "enum": "can't be this",
    "union_tag_invalid": "can't be this",
    "union_tag_not_found": "is required",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be above {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be below {lt}",
}
_SILENT = {"default_factory_not_called"}
"""Consequences of another fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fault inside of an entity.

    Attributes:
        path: keys and indexes from the entity on.
        message: what is wrong.
        value: the wrong value; `...` when there is none.
        possible: what could stand there.
        of_key: the key is wrong, not its value.
    """

    path: Path
    message: str
    value: object = ...
    possible: tuple[str, ...] = ()
    of_key: bool = False


def findings(error: ValidationError, model: type[BaseModel], data: object, path: Path = ()) -> Iterator[Finding]:
    """Translate all that is wrong with `data`.

    Args:
        error: raised by the validation of `data` as `model`.
        model: what `data` should be.
        data: as the document has it.
        path: where `data` stands in the entity.
    """
    for line in error.errors(include_url=False):
        context = line.get("ctx", {})
        inside = path + _real_path(line["loc"], data)
        cause = context.get("error")
        if isinstance(cause, SettingsError):
            yield from _settings(cause, follow(data, inside[len(path) :]), inside)
        elif line["type"] not in _SILENT:
            yield _finding(
                line["type"], line["msg"], inside, context=context, value=line["input"], model=model, loc=line["loc"]
            )


def _finding(  # noqa: PLR0913 - the parts of pydantic's record
    kind: str,
    message: str,
    path: Path,
    *,
    context: Mapping[str, Any],  # Any: pydantic's own type of it
    value: object,
    model: type[BaseModel],
    loc: Path,
) -> Finding:
    if kind == "value_error":
        return _own(context["error"], path, value)
    sentence = _SENTENCES.get(kind, message[:1].lower() + message[1:]).format_map(context)
    match kind:
        case "missing":
            return Finding(path=path, message=sentence)
        case "extra_forbidden":
            return Finding(path=path, message=sentence, possible=_fields(model, loc[:-1]), of_key=True)
        case "union_tag_invalid":
            field = _unquoted(context["discriminator"])[0]
            return Finding(
                path=(*path, field),
                message=sentence,
                value=context["tag"],
                possible=_unquoted(context["expected_tags"]),
            )
        case "union_tag_not_found":
            return Finding(path=(*path, *_unquoted(context["discriminator"])), message=sentence)
        case _:
            return Finding(path=path, message=sentence, value=value, possible=_unquoted(context.get("expected", "")))


def _settings(error: SettingsError, data: object, path: Path) -> Iterator[Finding]:
    """Translate what is wrong with a `configure`."""
    if error.reference is not None:
        yield _own(error.reference, path, ...)
    if error.error is not None:
        yield from findings(error.error, error.kind, data, path)


def _own(error: ValueError, path: Path, value: object) -> Finding:
    """Return what one of our own validators found."""
    shown = value if _is_scalar(value) else ...
    if isinstance(error, NotPossibleError):
        return Finding(path=path, message=error.message, value=error.meant or shown, possible=error.possible)
    return Finding(path=path, message=str(error), value=shown)


def _is_scalar(value: object) -> bool:
    """Return whether a value says something when it is shown beside the message."""
    return bool(value) if isinstance(value, str) else isinstance(value, int | float) or value is None


def _unquoted(text: str) -> tuple[str, ...]:
    """Return the names in `'a', 'b' or 'c'`."""
    return tuple(re.findall(r"'([^']*)'", text))


def _real_path(loc: Path, data: object) -> Path:
    """Take out of pydantic's path what is not in the data: the chosen member of a union."""
    path: list[str | int] = []
    for at, part in enumerate(loc):
        known = isinstance(data, dict) and part in data
        if isinstance(data, dict) and not known and at < len(loc) - 1:
            continue
        path.append(part)
        data = child(data, part)
    return tuple(path)


def _fields(model: type[BaseModel], loc: Path) -> tuple[str, ...]:
    """Return the names of the fields of the model at `loc` inside of `model`."""
    models = [model]
    for part in loc:
        fields = [field for each in models for name, field in each.model_fields.items() if name == part]
        inner = [found for field in fields for found in _models_in(field.annotation)]
        tagged = [
            each for each in models if any(part in get_args(field.annotation) for field in each.model_fields.values())
        ]
        models = inner or tagged or models
    return tuple(dict.fromkeys(field.alias or name for each in models for name, field in each.model_fields.items()))


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not Literal:
        for argument in get_args(annotation):
            yield from _models_in(argument)
