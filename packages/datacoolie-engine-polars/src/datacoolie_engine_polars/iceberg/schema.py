"""The schema of an Iceberg table in Polars' types, and back."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

from datacoolie_engine_polars.schemas import fields_of, inner_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyiceberg.types import IcebergType

_SIMPLE: dict[pl.DataType, IcebergType] = {
    pl.Boolean(): BooleanType(),
    pl.Int32(): IntegerType(),
    pl.Int64(): LongType(),
    pl.Float32(): FloatType(),
    pl.Float64(): DoubleType(),
    pl.String(): StringType(),
    pl.Binary(): BinaryType(),
    pl.Date(): DateType(),
    pl.Datetime("us", "UTC"): TimestamptzType(),
    pl.Datetime("us"): TimestampType(),
}


def schema_of(schema: Schema) -> pl.Schema:
    """Return the columns of an Iceberg schema in Polars' types."""
    return pl.Schema(schema_to_pyarrow(schema))


def with_ids(schema: Schema) -> pa.Schema:
    """Return a schema for files that have Iceberg's field ids; columns without nulls are counted, not declared."""
    return pa.schema([field.with_nullable(nullable=True) for field in schema_to_pyarrow(schema)])


def held(schema: Mapping[str, pl.DataType]) -> pl.Schema:
    """Return the types in which Iceberg holds columns: it has no integers of less than 32 bits."""
    return pl.Schema({name: _held(kind) for name, kind in schema.items()})


def _held(kind: pl.DataType) -> pl.DataType:
    match kind:
        case pl.List():
            return pl.List(_held(inner_of(kind)))
        case pl.Struct():
            return pl.Struct({name: _held(inner) for name, inner in fields_of(kind).items()})
        case _:
            return pl.Int32() if kind in {pl.Int8(), pl.Int16()} else kind


def iceberg_schema(columns: Mapping[str, pl.DataType]) -> Schema:
    """Return an Iceberg schema of types that `held` returns; its field ids count for nothing but this schema."""
    ids = count(1)
    return Schema(*_fields(columns, ids))


def _fields(columns: Mapping[str, pl.DataType], ids: Iterator[int]) -> list[NestedField]:
    return [NestedField(next(ids), name, _iceberg(kind, ids), required=False) for name, kind in columns.items()]


def _iceberg(kind: pl.DataType, ids: Iterator[int]) -> IcebergType:
    match kind:
        case pl.List():
            return ListType(next(ids), _iceberg(inner_of(kind), ids), element_required=False)
        case pl.Struct():
            return StructType(*_fields(fields_of(kind), ids))
        case pl.Decimal():
            return DecimalType(kind.precision or 38, kind.scale)
        case _:
            return _SIMPLE[kind]
