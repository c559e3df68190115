"""Delta tables by name, in a catalog that the session has."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pytest

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.engines import TableRef
from datacoolie.testing.tables import request_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame, SparkSession

    from datacoolie.engines import WriteRequest
    from datacoolie_engine_spark import SparkEngine


def request() -> WriteRequest[DataFrame]:
    return cast("WriteRequest[DataFrame]", request_of(1))


@pytest.fixture
def database(spark_session: SparkSession) -> Iterator[str]:
    spark_session.sql("CREATE DATABASE by_name")
    yield "by_name"
    spark_session.sql("DROP DATABASE by_name CASCADE")


def test_a_table_of_the_catalog_is_loaded(
    spark_engine: SparkEngine, spark_session: SparkSession, database: str
) -> None:
    spark_session.sql(f"CREATE TABLE spark_catalog.{database}.orders (id BIGINT, v STRING) USING delta")
    ref = TableRef(format="delta", name=f"{database}.orders", catalog="spark_catalog")
    rows = spark_engine.frames.from_arrow(pa.table({"id": [1, 2], "v": ["a", "b"]}))
    assert spark_engine.table(ref).append(rows, request()).rows == 2
    committed = spark_engine.table(ref).committed("flow", after=0)
    assert committed is not None
    assert committed.token.seq == 1
    found = spark_session.table(f"{database}.orders").orderBy("id").collect()
    assert [(row["id"], row["v"]) for row in found] == [(1, "a"), (2, "b")]


def test_no_table_is_made_by_name(spark_engine: SparkEngine, spark_session: SparkSession, database: str) -> None:
    ref = TableRef(format="delta", name=f"{database}.orders", catalog="spark_catalog")
    rows = spark_engine.frames.from_arrow(pa.table({"id": [1]}))
    why = r"by_name\.orders': it is not in spark_catalog\. Create it there: CREATE TABLE"
    for write in (spark_engine.table(ref).append, spark_engine.table(ref).overwrite):
        with pytest.raises(DestinationError, match=why) as caught:
            write(rows, request())
        assert caught.value.error_class is ErrorClass.CONFIGURATION
    assert not spark_session.catalog.tableExists(f"{database}.orders")
