"""Schemas in Polars' types: what can be stored, what widens to what, and one schema for many files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from datacoolie.engines import schemas as core
from datacoolie.engines.schemas import spellings
from datacoolie_engine_polars.types import from_polars, instance, to_polars

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from datacoolie.core.types import Schema


def stored(kind: pl.DataType, *, column: str | None = None) -> pl.DataType:
    """Return the type in which files and tables hold values of `kind`: Polars' counterpart of the framework's type.

    Unsigned integers become the next signed type, times have microseconds, points in time are in UTC, text has no
    categories.

    Raises:
        EngineError: the framework has no such type.
    """
    return to_polars(from_polars(kind, column=column))


def described(frame: pl.LazyFrame) -> Schema:
    """Return the columns of a frame in the framework's types.

    Raises:
        EngineError: the framework has no such type as one of the columns.
    """
    return described_schema(frame.collect_schema())


def described_schema(schema: Mapping[str, pl.DataType]) -> Schema:
    """Return columns in the framework's types.

    Raises:
        EngineError: the framework has no such type as one of the columns.
    """
    return {name: from_polars(kind, column=name) for name, kind in schema.items()}


def stored_frame(frame: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.Schema]:
    """Cast the columns of a frame whose types are not stored as they are, and return it with its schema.

    Raises:
        EngineError: the framework has no such type as one of the columns.
    """
    schema = frame.collect_schema()
    target = pl.Schema({name: stored(kind, column=name) for name, kind in schema.items()})
    casts = {name: kind for name, kind in target.items() if kind != schema[name]}
    return (frame.cast(pl.Schema(casts)) if casts else frame), target


def widest(left: pl.DataType, right: pl.DataType) -> pl.DataType | None:
    """Return the narrowest type that holds the values of both, as `datacoolie.engines.schemas.widest` says."""
    if left == right:
        return left
    found = core.widest(from_polars(left), from_polars(right))
    return None if found is None else to_polars(found)


def fields_of(kind: pl.Struct) -> dict[str, pl.DataType]:
    """Return the fields of a struct by name, in order."""
    return {field.name: instance(field.dtype) for field in kind.fields}


def inner_of(kind: pl.List) -> pl.DataType:
    """Return the type of a list's elements."""
    return instance(kind.inner)


def union(schemas: Iterable[tuple[str, Mapping[str, pl.DataType]]]) -> pl.Schema:
    """Return all columns of files, by their paths, as `datacoolie.engines.schemas.union` says; raises as it."""
    merged: dict[str, pl.DataType] = core.union(schemas, widest=widest, text=lambda kind: str(from_polars(kind)))
    return pl.Schema(merged)


def conform(frame: pl.LazyFrame, schema: Mapping[str, pl.DataType], target: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """Bring a frame of `schema` to the columns, spellings, order and types of `target`; missing columns are null."""
    source = {known: name for name, known in spellings(schema, target).items()}
    if dict(schema) == dict(target) and list(schema) == list(target):
        return frame
    columns = [_column(name, kind, source, schema) for name, kind in target.items()]
    if source.keys() & target.keys():
        return frame.select(columns)
    # A select of nothing but constants would be one row.
    return frame.with_columns(columns).select(list(target)) if schema else pl.LazyFrame(schema=target)


def _column(name: str, kind: pl.DataType, source: Mapping[str, str], schema: Mapping[str, pl.DataType]) -> pl.Expr:
    if name not in source:
        return pl.lit(None, dtype=kind).alias(name)
    return _reshaped(pl.col(source[name]), schema[source[name]], kind).alias(name)


def _reshaped(value: pl.Expr, kind: pl.DataType, target: pl.DataType) -> pl.Expr:
    """Cast a value; fields of structs are matched by name, in any case, and null where they are missing."""
    if kind == target:
        return value
    match kind, target:
        case pl.Struct(), pl.Struct():
            fields, wanted = fields_of(kind), fields_of(target)
            source = {known: name for name, known in spellings(fields, wanted).items()}
            parts = (
                _reshaped(value.struct.field(source[name]), fields[source[name]], wants).alias(name)
                if name in source
                else pl.lit(None, dtype=wants).alias(name)
                for name, wants in wanted.items()
            )
            return pl.when(value.is_not_null()).then(pl.struct(*parts))
        case pl.List(), pl.List():
            return value.list.eval(_reshaped(pl.element(), inner_of(kind), inner_of(target)))
        case _:
            return value.cast(target)
