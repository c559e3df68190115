"""Errors of Spark as errors of the framework: the same from a classic session and through Spark Connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datacoolie.core.exceptions import DataCoolieError, EngineError, ErrorClass, SourceError, TransformError
from datacoolie.engines import CommitConflictError
from datacoolie.sql import agg, col
from datacoolie_engine_spark.failures import translate, translated

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame

    from datacoolie_engine_spark import SparkEngine

ENGINES = pytest.mark.parametrize("name", ["spark_engine", "spark_connect_engine"])


@pytest.fixture
def engine(request: pytest.FixtureRequest, name: str) -> SparkEngine:
    found: SparkEngine = request.getfixturevalue(name)
    return found


def rows(engine: SparkEngine) -> DataFrame:
    return engine.session.range(0, 4, 1, 2).selectExpr("int(id) AS a", "concat('x', id) AS s")


@ENGINES
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / (a - 1)", "DIVIDE_BY_ZERO: Division by zero"),
        ("cast(s as int)", "CAST_INVALID_INPUT: The value 'x"),
        ("a + 2147483647", "ARITHMETIC_OVERFLOW: integer overflow"),
        ("make_date(2023, 2, a + 28)", "DATETIME_FIELD_OUT_OF_BOUNDS: Invalid "),
        ("raise_error('two\nlines')", "USER_RAISED_EXCEPTION: two lines"),
        ("unbase64(substring(s, 1, 1))", "Last unit does not have enough valid bits"),
    ],
)
def test_a_row_that_fails_is_named_in_one_line(engine: SparkEngine, text: str, message: str) -> None:
    frame = rows(engine).selectExpr(f"{text} AS r")
    with pytest.raises(TransformError) as caught:
        engine.frames.aggregate(frame, {"n": agg("max", col("r"))})
    assert caught.value.message.startswith(message)
    assert caught.value.error_class is ErrorClass.DATA
    assert not any(sign in caught.value.message for sign in ("\n", "SQLSTATE", "spark.sql.ansi"))


def failure(engine: SparkEngine, format_: str, path: str) -> DataCoolieError:
    with pytest.raises(DataCoolieError) as caught, translated():
        engine.session.read.format(format_).load(path).collect()
    return caught.value


@ENGINES
def test_sources_and_what_is_missing_are_named(engine: SparkEngine, tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_text("no parquet at all, really")
    missing = failure(engine, "parquet", f"{tmp_path}/none")
    assert (type(missing), missing.details["path"]) == (SourceError, f"file:{tmp_path}/none")
    unreadable = failure(engine, "parquet", str(broken))
    assert isinstance(unreadable, SourceError)
    assert "broken.parquet is not a Parquet file" in unreadable.message
    no_jar = failure(engine, "parquet", "abfss://box@lake.dfs.core.windows.net/table")
    assert (type(no_jar), no_jar.error_class) == (EngineError, ErrorClass.CONFIGURATION)
    assert no_jar.message.endswith("start it with org.apache.hadoop:hadoop-azure, by its setting spark.jars.packages")
    no_format = failure(engine, "nothing", str(tmp_path))
    assert no_format.message.startswith(
        "Spark can't do this: DATA_SOURCE_NOT_FOUND: Failed to find the data source: nothing"
    )


class Said(Exception):  # noqa: N818 - stands for one of Spark's
    """What Spark says in situations that take long to bring about."""


@pytest.mark.parametrize(
    ("text", "kind", "error_class"),
    [
        ("[DELTA_CONCURRENT_APPEND] Files were added. SQLSTATE: 2D521", CommitConflictError, ErrorClass.CONFLICT),
        (
            "An error occurred while calling o1.sql.\n: java.lang.OutOfMemoryError: Java heap space",
            EngineError,
            ErrorClass.CONFIGURATION,
        ),
        ("Job aborted: ExecutorLostFailure (executor 1 exited)", EngineError, ErrorClass.TRANSIENT),
        ("<_InactiveRpcError of RPC: status = StatusCode.UNAVAILABLE>", EngineError, ErrorClass.TRANSIENT),
        ("java.io.IOException: No space left on device", EngineError, ErrorClass.DATA),
        (
            "on t/1: software.amazon.awssdk.S3Exception: Slow. (Service: S3, Status Code: 503, Request ID: 1):SlowDown",
            SourceError,
            ErrorClass.TRANSIENT,
        ),
        ("s3a://b/t: org.apache.hadoop.fs.s3a.auth.NoAuthWithAWSException: No", SourceError, ErrorClass.CONFIGURATION),
    ],
)
def test_what_may_pass_is_classed_so(text: str, kind: type[DataCoolieError], error_class: ErrorClass) -> None:
    found = translate(Said(text))
    assert (type(found), found.error_class) == (kind, error_class)


def test_errors_of_others_stay_as_they_are() -> None:
    with pytest.raises(Said), translated():
        raise Said
