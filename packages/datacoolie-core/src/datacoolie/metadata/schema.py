"""The JSON Schemas of documents and project files, made from the models, for editors.

They accept what the loader accepts, other than what crosses entries: list forms, null for a default, `${VAR}`.
"""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from textwrap import dedent
from typing import TYPE_CHECKING, cast

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from datacoolie.core.models import (
    Connection,
    ConnectionType,
    DataFlow,
    Destination,
    DestinationSettings,
    Format,
    Model,
    ProjectFile,
    SchemaHintSet,
    Source,
    SourceSettings,
    Transform,
    TransformSettings,
)
from datacoolie.core.models.connection import SETTINGS
from datacoolie.core.models.enums import TYPE_OF_FORMAT
from datacoolie.metadata.sections import SECTIONS, WRAPPER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

JsonSchema = dict[str, object]
"""A JSON Schema, as JSON data."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_NULL: JsonSchema = {"type": "null"}
_CONFIGURES: Mapping[type[Model], type[Model]] = {
    Source: SourceSettings,
    Destination: DestinationSettings,
    Transform: TransformSettings,
}
"""The typed forms of `configure` that don't depend on other fields."""


def document_schema() -> JsonSchema:
    """Return the JSON Schema of a metadata document."""
    definitions = _definitions((Connection, DataFlow, SchemaHintSet))
    of_section: dict[str, type[Model]] = dict(zip(SECTIONS, (Connection, DataFlow, SchemaHintSet), strict=True))
    sections: JsonSchema = {
        name: {
            "anyOf": [{"type": "array", "items": _ref(of_section[name])}, _NULL],
            "description": _summary(of_section[name]),
        }
        for name in SECTIONS
    }
    wrapped: JsonSchema = {"type": "object", "properties": sections, "additionalProperties": False}
    beside: JsonSchema = {
        "$schema": {"type": "string", "description": "The JSON Schema of this document, for editors."},
        "extensions": {"description": "Anything, for other tools."},
        "targets": _targets(),
        WRAPPER: {**wrapped, "description": "All sections may stand below this key."},
    }
    return {
        "$schema": DIALECT,
        "title": "DataCoolie metadata document",
        "type": "object",
        "properties": {**beside, **sections},
        "additionalProperties": False,
        "anyOf": [{"required": [name]} for name in (*SECTIONS, "targets", WRAPPER)],
        "$defs": definitions,
    }


def project_schema() -> JsonSchema:
    """Return the JSON Schema of a project file, `datacoolie.yaml`."""
    definitions = _definitions((ProjectFile,))
    project = cast("JsonSchema", definitions.pop(ProjectFile.__name__))
    properties = cast("JsonSchema", project["properties"])
    properties["targets"] = _targets()
    return {"$schema": DIALECT, **project, "title": "DataCoolie project file", "$defs": definitions}


class _Generator(GenerateJsonSchema):
    """Numbers and booleans may be written as text, which is also how variables stand for them."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return _or_text(super().int_schema(schema), r"^\s*[-+]?\d+\s*$")

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return _or_text(super().float_schema(schema), r"^\s*[-+]?[\d.]+([eE][-+]?\d+)?\s*$")

    def bool_schema(self, schema: core_schema.BoolSchema) -> JsonSchemaValue:
        return _or_text(super().bool_schema(schema), r"^([Tt]rue|TRUE|[Ff]alse|FALSE|yes|no|on|off|[01])$")

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        return _or_text(super().enum_schema(schema), None)

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        found = super().literal_schema(schema)
        # One constant alone tells the members of a union apart.
        return found if "const" in found else _or_text(found, None)


def _or_text(schema: JsonSchemaValue, pattern: str | None) -> JsonSchemaValue:
    variable = r"\$\{"
    return {"anyOf": [schema, {"type": "string", "pattern": f"{pattern}|{variable}" if pattern else variable}]}


def _definitions(models: tuple[type[Model], ...]) -> JsonSchema:
    """Return the schemas of models, and of all that they are made of, by name."""
    configures = [*SETTINGS.values(), *_CONFIGURES.values()] if DataFlow in models else []
    _, found = models_json_schema(
        [(model, "validation") for model in (*models, *configures)], schema_generator=_Generator
    )
    definitions = cast("dict[str, dict[str, JsonSchema]]", found["$defs"])
    classes = {kind.__name__: kind for kind in _subclasses(Model)}
    for name, definition in definitions.items():
        if name in classes:
            _complete(definition, classes[name])
    return cast("JsonSchema", definitions)


def _complete(definition: dict[str, JsonSchema], model: type[Model]) -> None:
    """Describe the fields of a model, and let those with a default be null."""
    properties = cast("dict[str, JsonSchema]", definition.get("properties", {}))
    documented = field_docs(model)
    if model is Connection:
        definition["allOf"] = cast("JsonSchema", [_configure_of(kind) for kind in ConnectionType])
    elif model in _CONFIGURES:
        properties["configure"] = {"anyOf": [_ref(_CONFIGURES[model]), {"type": "string"}]}
    if "connection" in properties:
        properties["connection"] = {"anyOf": [_ref(Connection), {"type": "string"}]}
    for name, schema in properties.items():
        described = {"description": documented[name]} if name in documented else {}
        required = name in definition.get("required", ())
        properties[name] = {**(schema if required else _or_null(schema)), **described}


def _configure_of(kind: ConnectionType) -> JsonSchema:
    """Return what a connection's `configure` is when it is of a type, or its format implies that type."""
    typed: JsonSchema = {"required": ["connection_type"]}
    by_type: JsonSchema = {"properties": {"connection_type": {"const": kind.value}}, **typed}
    formats = [format_.value for format_, implied in TYPE_OF_FORMAT.items() if implied is kind]
    by_format: JsonSchema = {"properties": {"format": {"enum": formats}}, "not": typed}
    if Format.PARQUET not in formats:
        # Without type and format a connection has files.
        by_format["required"] = ["format"]
    configure = {"anyOf": [_ref(SETTINGS[kind]), {"type": "string"}, _NULL]}
    return {"if": {"anyOf": [by_type, by_format]}, "then": {"properties": {"configure": configure}}}


def _or_null(schema: JsonSchema) -> JsonSchema:
    options = schema.get("anyOf")
    if isinstance(options, list):
        return schema if _NULL in options else {**schema, "anyOf": [*options, _NULL]}
    if "type" not in schema and "$ref" not in schema and "oneOf" not in schema and "const" not in schema:
        return schema
    outside: JsonSchema = {key: schema[key] for key in ("default", "title") if key in schema}
    inside = {key: value for key, value in schema.items() if key not in outside}
    return {"anyOf": [inside, _NULL], **outside}


def _targets() -> JsonSchema:
    connection: JsonSchema = {"type": "object", "propertyNames": {"enum": list(Connection.model_fields)}}
    target: JsonSchema = {"type": "object", "additionalProperties": connection}
    description = "Fields of connections that a target overlays, by name of the target and of the connection."
    return {"anyOf": [{"type": "object", "additionalProperties": target}, _NULL], "description": description}


def _ref(model: type[Model]) -> JsonSchema:
    return {"$ref": f"#/$defs/{model.__name__}"}


def _summary(model: type[Model]) -> str:
    return (model.__doc__ or "").partition("\n")[0]


def _subclasses(model: type[Model]) -> Iterator[type[Model]]:
    for kind in model.__subclasses__():
        yield kind
        yield from _subclasses(kind)


def field_docs(model: type[Model]) -> dict[str, str]:
    """Return the docstrings that stand below a model's fields; read from the source, for nothing else needs them."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if not (issubclass(kind, Model) and kind is not Model):
            continue
        tree = ast.parse(dedent(inspect.getsource(kind))).body[0]
        for field, doc in pairwise(tree.body if isinstance(tree, ast.ClassDef) else []):
            match field, doc:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[model.model_fields[name].alias or name] = inspect.cleandoc(text)
                case _:
                    continue
    return found
