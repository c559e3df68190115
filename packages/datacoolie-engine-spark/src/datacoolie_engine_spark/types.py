"""Data types of the framework as Spark's, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import types as spark

from datacoolie.core import types
from datacoolie.core.exceptions import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

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


_ARROW: tuple[tuple[Callable[[pa.DataType], bool], DataType], ...] = (
    (pa.types.is_null, types.NullType()),
    (pa.types.is_boolean, types.BooleanType()),
    (pa.types.is_int8, types.ByteType()),
    # Unsigned integers are read as the signed type that holds all of their values.
    (lambda kind: pa.types.is_int16(kind) or pa.types.is_uint8(kind), types.ShortType()),
    (lambda kind: pa.types.is_int32(kind) or pa.types.is_uint16(kind), types.IntegerType()),
    (lambda kind: pa.types.is_int64(kind) or pa.types.is_uint32(kind), types.LongType()),
    (pa.types.is_uint64, types.DecimalType(20, 0)),
    (lambda kind: pa.types.is_float16(kind) or pa.types.is_float32(kind), types.FloatType()),
    (pa.types.is_float64, types.DoubleType()),
    (lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind), types.StringType()),
    (pa.types.is_string_view, types.StringType()),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind), types.BinaryType()),
    (lambda kind: pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind), types.BinaryType()),
    (pa.types.is_date, types.DateType()),
    (lambda kind: pa.types.is_timestamp(kind) and kind.tz is not None, types.TimestampType()),
    (pa.types.is_timestamp, types.TimestampNtzType()),
)


def from_arrow(kind: pa.DataType, *, column: str) -> DataType:
    """Return the type of the framework that a column of an Arrow type has.

    Raises:
        EngineError: the framework has no such type.
    """
    if pa.types.is_decimal(kind):
        return types.DecimalType(kind.precision, kind.scale)
    if pa.types.is_dictionary(kind):
        return from_arrow(kind.value_type, column=column)
    if pa.types.is_map(kind):
        return types.MapType(from_arrow(kind.key_type, column=column), from_arrow(kind.item_type, column=column))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return types.ArrayType(from_arrow(kind.value_type, column=column))
    if pa.types.is_struct(kind):
        return types.StructType(tuple((field.name, from_arrow(field.type, column=column)) for field in kind))
    for fits, found in _ARROW:
        if fits(kind):
            return found
    raise _foreign(str(kind), column)


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
        raise _foreign(kind.simpleString(), column)
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


def _foreign(kind: str, column: str | None) -> EngineError:
    where = f"column {column!r}" if column else "a column"
    message = f"The type {kind} of {where} has no counterpart in the framework; convert it in the source"
    return EngineError(message, {"column": column, "type": kind})
