from __future__ import annotations

import polars as pl
import pytest

from datacoolie.core.exceptions import EngineError
from datacoolie.core.types import DataType, DecimalType, MapType, StringType, parse_type
from datacoolie_engine_polars.types import from_polars, needs_cast, to_polars

BOTH_WAYS = {
    "void": pl.Null(),
    "boolean": pl.Boolean(),
    "tinyint": pl.Int8(),
    "smallint": pl.Int16(),
    "int": pl.Int32(),
    "bigint": pl.Int64(),
    "float": pl.Float32(),
    "double": pl.Float64(),
    "decimal(12,3)": pl.Decimal(12, 3),
    "string": pl.String(),
    "binary": pl.Binary(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
    "timestamp_ntz": pl.Datetime("us"),
    "array<array<int>>": pl.List(pl.List(pl.Int32())),
    "struct<a:int,b:array<string>>": pl.Struct({"a": pl.Int32(), "b": pl.List(pl.String())}),
}


@pytest.mark.parametrize(("name", "dtype"), BOTH_WAYS.items())
def test_types_map_both_ways(name: str, dtype: pl.DataType) -> None:
    assert to_polars(parse_type(name)) == dtype
    assert from_polars(dtype) == parse_type(name)
    assert not needs_cast(dtype)


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        (pl.UInt8(), "smallint"),
        (pl.UInt16(), "int"),
        (pl.UInt32(), "bigint"),
        (pl.UInt64(), "decimal(20,0)"),
        (pl.Categorical(), "string"),
        (pl.Enum(["a"]), "string"),
        (pl.Datetime("ns", "Europe/Paris"), "timestamp"),
        (pl.Datetime("ms"), "timestamp_ntz"),
        (pl.Array(pl.Int8(), 3), "array<tinyint>"),
    ],
)
def test_other_types_of_polars_become_what_holds_them(dtype: pl.DataType, kind: str) -> None:
    assert from_polars(dtype) == parse_type(kind)
    assert needs_cast(dtype)


@pytest.mark.parametrize("dtype", [pl.Time(), pl.Duration(), pl.Object()])
def test_types_without_counterpart_name_the_column(dtype: pl.DataType) -> None:
    with pytest.raises(EngineError, match="of column 'c' has no counterpart"):
        from_polars(dtype, column="c")


def test_maps_are_not_there_yet() -> None:
    kind: DataType = MapType(StringType(), DecimalType(3, 1))
    with pytest.raises(EngineError, match=r"can't hold map<string,decimal\(3,1\)> yet"):
        to_polars(kind)
