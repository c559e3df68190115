"""Data types of the framework as Spark's, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import types as spark

from datacoolie.core import types
from datacoolie.core.exceptions import EngineError

if TYPE_CHECKING:
    from datacoolie.core.types import DataType, Schema

_SIMPLE: dict[DataType, spark.DataType] = {
    types.NullType(): spark.NullType(),
    types.BooleanType(): spark.BooleanType(),
    types.ByteType(): spark.ByteType(),
    types.ShortType(): spark.ShortType(),
    types.IntegerType(): spark.IntegerType(),
    types.LongType(): spark.LongType(),
    types.FloatType(): spark.FloatType(),
    types.DoubleType(): spark.DoubleType(),
    types.StringType(): spark.StringType(),
    types.BinaryType(): spark.BinaryType(),
    types.DateType(): spark.DateType(),
    types.TimestampType(): spark.TimestampType(),
    types.TimestampNtzType(): spark.TimestampNTZType(),
}

_BACK: dict[type[spark.DataType], DataType] = {type(there): here for here, there in _SIMPLE.items()}


def to_spark(kind: DataType) -> spark.DataType:
    """Return Spark's type that holds values of `kind`."""
    match kind:
        case types.DecimalType():
            return spark.DecimalType(kind.precision, kind.scale)
        case types.ArrayType():
            return spark.ArrayType(to_spark(kind.element))
        case types.MapType():
            return spark.MapType(to_spark(kind.key), to_spark(kind.value))
        case types.StructType():
            return spark.StructType([spark.StructField(name, to_spark(field)) for name, field in kind.fields])
        case _:
            return _SIMPLE[kind]


def from_spark(kind: spark.DataType, *, column: str | None = None) -> DataType:
    """Return the type of the framework that a column of a Spark type has.

    Args:
        kind: Spark's type.
        column: its name, for the message.

    Raises:
        EngineError: the framework has no such type.
    """
    match kind:
        case spark.DecimalType():
            return types.DecimalType(kind.precision, kind.scale)
        case spark.ArrayType():
            return types.ArrayType(from_spark(kind.elementType, column=column))
        case spark.MapType():
            return types.MapType(from_spark(kind.keyType, column=column), from_spark(kind.valueType, column=column))
        case spark.StructType():
            fields = ((field.name, from_spark(field.dataType, column=column)) for field in kind.fields)
            return types.StructType(tuple(fields))
        case spark.CharType() | spark.VarcharType():
            return types.StringType()
        case _:
            found = _BACK.get(type(kind))
    if found is None:
        where = f"column {column!r}" if column else "a column"
        text = kind.simpleString()
        message = f"The type {text} of {where} has no counterpart in the framework; convert it in the source"
        raise EngineError(message, {"column": column, "type": text})
    return found


def described(struct: spark.StructType) -> Schema:
    """Return the columns of a Spark schema in order with their types.

    Raises:
        EngineError: a column has a type outside of `datacoolie.core.types`.
    """
    return {field.name: from_spark(field.dataType, column=field.name) for field in struct.fields}


def struct_of(schema: Schema) -> spark.StructType:
    """Return a schema as Spark's."""
    return spark.StructType([spark.StructField(name, to_spark(kind)) for name, kind in schema.items()])
