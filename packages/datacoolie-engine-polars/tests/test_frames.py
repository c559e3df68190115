"""What is particular to frames of Polars; what every engine does is in the suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.core.exceptions import EngineError
from datacoolie.core.types import ArrayType, DecimalType, ShortType, StringType, TimestampType
from datacoolie.engines import QueryScan

if TYPE_CHECKING:
    from datacoolie_engine_polars import PolarsEngine


def test_types_that_only_polars_has(engine: PolarsEngine) -> None:
    frame = pl.LazyFrame(
        schema={"a": pl.UInt8, "t": pl.Datetime("ns", "UTC"), "d": pl.Decimal(5, 1), "l": pl.List(pl.Categorical)}
    )
    assert list(engine.frames.schema(frame).items()) == [
        ("a", ShortType()), ("t", TimestampType()), ("d", DecimalType(5, 1)), ("l", ArrayType(StringType())),
    ]  # fmt: skip
    with pytest.raises(EngineError, match="column 'x'"):
        engine.frames.schema(pl.LazyFrame(schema={"x": pl.Time}))


def test_sql_sources_are_refused_by_name(engine: PolarsEngine) -> None:
    with pytest.raises(EngineError, match="SQL sources are not supported yet"):
        engine.queries.scan(QueryScan(url="sqlite://", query="select 1"))
