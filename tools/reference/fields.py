"""The pages of what documents and project files may say, from the models that read them."""

from __future__ import annotations

import json
from enum import StrEnum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic_core import PydanticUndefined

from datacoolie.core import models
from datacoolie.core.models import Model, rules
from datacoolie.metadata.schema import field_docs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic.fields import FieldInfo

CONNECTIONS: Sequence[type[Model]] = (
    models.Connection,
    models.FileSettings,
    models.LakehouseSettings,
    models.DatabaseSettings,
    models.ApiSettings,
    models.FunctionSettings,
    models.PluginSettings,
    models.Backward,
    models.RangeParam,
    models.RangeBound,
)
DATAFLOWS: Sequence[type[Model]] = (
    models.DataFlow,
    models.Source,
    models.SourceSettings,
    models.WatermarkSettings,
    models.Destination,
    models.PartitionColumn,
    models.DestinationSettings,
    models.Maintenance,
    models.Transform,
    models.TransformSettings,
    models.AdditionalColumn,
    *get_args(get_args(rules.ValueRule)[0]),
    *get_args(get_args(rules.MaskingRule)[0]),
    models.HashColumn,
    models.SchemaHintSet,
    models.SchemaHint,
)
PROJECT: Sequence[type[Model]] = (
    models.ProjectFile,
    models.ResolverSettings,
    models.RunSettings,
    models.ReplaySettings,
    models.ChunkInterval,
)
_HEAD = """# {title}

Made from the models that read it, by `python -m tools.reference`. A field that is not here is an error, at any level.
Lists may also be text with commas or JSON; null means the default. What a field asks for and nothing does yet is
refused by name before anything is read: `datacoolie plan` says so.
"""
_PLAIN = {str: "text", bool: "true, false", int: "whole number", float: "number", NoneType: "", object: "anything"}


def page(title: str, kinds: Sequence[type[Model]]) -> str:
    """Return the page of some models as Markdown."""
    return _HEAD.format(title=title) + "".join(_section(kind, kinds) for kind in kinds)


def _section(kind: type[Model], beside: Sequence[type[Model]]) -> str:
    meanings = field_docs(kind)
    rows = [
        [f"`{name}`", _type(field.annotation, beside), _default(field), _escaped(meanings[name])]
        for name, field in ((field.alias or name, field) for name, field in kind.model_fields.items())
    ]
    summary = (kind.__doc__ or "").partition("\n")[0]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    head = "| field | values | default | meaning |\n| --- | --- | --- | --- |"
    return f"\n## {kind.__name__}\n\n{summary}\n\n{head}\n{table}\n"


def _type(kind: Any, beside: Sequence[type[Model]]) -> str:  # noqa: ANN401 - an annotation may be anything
    """Return the words for an annotation."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _type(arguments[0], beside)
    if origin in (Union, UnionType):
        return ", ".join(dict.fromkeys(text for item in arguments if (text := _type(item, beside))))
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is list:
        return f"list of {_type(arguments[0], beside)}"
    if origin is dict:
        return f"map of {_type(arguments[1], beside)}"
    return _class(kind, beside)


def _class(kind: type, beside: Sequence[type[Model]]) -> str:
    if kind is models.Choice:
        return "a name, or a map of `name` and settings"
    if issubclass(kind, StrEnum):
        return ", ".join(f"`{value}`" for value in kind)
    if issubclass(kind, Model):
        return f"[{kind.__name__}]({_page(kind) if kind not in beside else ''}#{kind.__name__.lower()})"
    return _PLAIN.get(kind, kind.__name__)


def _page(kind: type[Model]) -> str:
    return "connections.md" if kind in CONNECTIONS else "dataflows.md" if kind in DATAFLOWS else "project-file.md"


def _default(field: FieldInfo) -> str:
    """Return the default as JSON; nothing where another field or the value itself decides."""
    if field.is_required():
        return "required"
    if field.default is PydanticUndefined or field.default is None or isinstance(field.default, Model):
        return ""
    return f"`{json.dumps(field.default)}`"


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
