"""Data types of the framework as Polars types, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from datacoolie.core import types
from datacoolie.core.exceptions import EngineError

if TYPE_CHECKING:
    from polars.datatypes import DataTypeClass

    from datacoolie.core.types import DataType

_SIMPLE: dict[DataType, pl.DataType] = {
    types.NullType(): pl.Null(),
    types.BooleanType(): pl.Boolean(),
    types.ByteType(): pl.Int8(),
    types.ShortType(): pl.Int16(),
    types.IntegerType(): pl.Int32(),
    types.LongType(): pl.Int64(),
    types.FloatType(): pl.Float32(),
    types.DoubleType(): pl.Float64(),
    types.StringType(): pl.String(),
    types.BinaryType(): pl.Binary(),
    types.DateType(): pl.Date(),
    types.TimestampType(): pl.Datetime("us", "UTC"),
    types.TimestampNtzType(): pl.Datetime("us"),
}

_BACK: dict[type[pl.DataType], DataType] = {
    **{type(there): here for here, there in _SIMPLE.items() if not isinstance(there, pl.Datetime)},
    # Unsigned integers are read as the signed type that holds all of their values.
    pl.UInt8: types.ShortType(),
    pl.UInt16: types.IntegerType(),
    pl.UInt32: types.LongType(),
    pl.UInt64: types.DecimalType(20, 0),
    pl.Int128: types.DecimalType(38, 0),
    pl.Float16: types.FloatType(),
    pl.Categorical: types.StringType(),
    pl.Enum: types.StringType(),
}


def to_polars(kind: DataType) -> pl.DataType:
    """Return the Polars type that holds values of `kind`; timestamps have microseconds, in UTC.

    Raises:
        EngineError: Polars has no such type.
    """
    match kind:
        case types.DecimalType():
            return pl.Decimal(kind.precision, kind.scale)
        case types.ArrayType():
            return pl.List(to_polars(kind.element))
        case types.StructType():
            return pl.Struct([pl.Field(name, to_polars(field)) for name, field in kind.fields])
        case types.MapType():
            message = f"The polars engine can't hold {kind} yet; use an array of structs with key and value"
            raise EngineError(message)
        case _:
            return _SIMPLE[kind]


def from_polars(dtype: pl.DataType, *, column: str | None = None) -> DataType:
    """Return the type of the framework that a column of a Polars type has.

    Args:
        dtype: the Polars type.
        column: its name, for the message.

    Raises:
        EngineError: the framework has no such type.
    """
    match dtype:
        case pl.Datetime():
            return types.TimestampType() if dtype.time_zone else types.TimestampNtzType()
        case pl.Decimal():
            return types.DecimalType(dtype.precision or 38, dtype.scale)
        case pl.List() | pl.Array():
            return types.ArrayType(from_polars(instance(dtype.inner), column=column))
        case pl.Struct():
            fields = ((field.name, from_polars(instance(field.dtype), column=column)) for field in dtype.fields)
            return types.StructType(tuple(fields))
        case _:
            found = _BACK.get(type(dtype))
    if found is None:
        where = f"column {column!r}" if column else "a column"
        message = f"The type {dtype} of {where} has no counterpart in the framework; convert it in the source"
        raise EngineError(message, {"column": column, "type": str(dtype)})
    return found


def needs_cast(dtype: pl.DataType) -> bool:
    """Return whether values of this type have to be converted to be what `from_polars` says."""
    return to_polars(from_polars(dtype)) != dtype


def instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    """Return a type that stands inside of another one, where Polars allows its class too."""
    return dtype if isinstance(dtype, pl.DataType) else dtype()
