"""Operations on frames of Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from datacoolie.core.types import LongType, StringType
from datacoolie.sql import agg, col, count

if TYPE_CHECKING:
    from datacoolie_engine_spark import SparkEngine


def test_a_frame_from_arrow_is_aggregated(spark_engine: SparkEngine) -> None:
    frames = spark_engine.frames
    frame = frames.from_arrow(pa.table({"k": [1, None, 3], "s": ["a", "b", None]}))
    assert frames.schema(frame) == {"k": LongType(), "s": StringType()}
    found = frames.aggregate(frame, {"rows": count(), "top": agg("max", col("K")), "s": agg("min", col("s"))})
    assert found == {"rows": 3, "top": 3, "s": "a"}
