"""What every engine does, done by Spark: classic, and through Spark Connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from datacoolie.core.exceptions import EngineError, SourceError
from datacoolie.testing import ExpressionSuite, FileSuite, FrameSuite, Gap, TransformSuite
from datacoolie_engine_spark.failures import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from datacoolie.testing.base import Read
    from datacoolie_engine_spark import SparkEngine


@translated()
def read_by_spark(frame: object) -> pa.Table:
    return frame.toArrow()  # type: ignore[attr-defined] # of Spark


class OnSpark(FrameSuite, ExpressionSuite, TransformSuite, FileSuite):
    """Reads results straight from Spark, without files between."""

    failures_per_vector = 1  # each is a query of its own
    gaps: ClassVar[Mapping[str, Gap]] = {
        "test_files_whose_names_look_hidden_are_read": Gap(
            "Spark passes over such files, even when named", SourceError
        ),
        "test_what_avro_can_not_hold": Gap("such columns are refused in Spark's words", EngineError),
        "test_broken_avro_files_are_named": Gap("what is wrong with the file is not said", AssertionError),
    }

    @pytest.fixture
    def read(self) -> Read:
        return read_by_spark


class TestClassic(OnSpark):
    @pytest.fixture
    def engine(self, spark_engine: SparkEngine) -> SparkEngine:
        return spark_engine


class TestConnect(OnSpark):
    failures_per_vector = 0  # errors come in the same words: test_spark_failures

    @pytest.fixture
    def engine(self, spark_connect_engine: SparkEngine) -> SparkEngine:
        return spark_connect_engine
