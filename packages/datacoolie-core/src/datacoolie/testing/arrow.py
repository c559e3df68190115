"""Arrow's types for those of the framework."""

from __future__ import annotations

import pyarrow as pa

from datacoolie.core.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NullType,
    ShortType,
    StringType,
    StructType,
    TimestampNtzType,
    TimestampType,
)

_SIMPLE: dict[type[DataType], pa.DataType] = {
    NullType: pa.null(),
    BooleanType: pa.bool_(),
    ByteType: pa.int8(),
    ShortType: pa.int16(),
    IntegerType: pa.int32(),
    LongType: pa.int64(),
    FloatType: pa.float32(),
    DoubleType: pa.float64(),
    StringType: pa.string(),
    BinaryType: pa.binary(),
    DateType: pa.date32(),
    TimestampType: pa.timestamp("us", "UTC"),
    TimestampNtzType: pa.timestamp("us"),
}


def to_arrow(kind: DataType) -> pa.DataType:
    """Return the Arrow type that holds exactly the values of a type."""
    match kind:
        case DecimalType():
            return pa.decimal128(kind.precision, kind.scale)
        case ArrayType():
            return pa.list_(to_arrow(kind.element))
        case StructType():
            return pa.struct([(name, to_arrow(field)) for name, field in kind.fields])
        case _:
            return _SIMPLE[type(kind)]
