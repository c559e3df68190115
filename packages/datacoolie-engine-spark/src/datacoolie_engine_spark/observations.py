"""Aggregates that a writing job evaluates on its way, over frames that are known before they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql.observation import Observation as Metrics

from datacoolie.core.types import TimestampType
from datacoolie.engines import Observation
from datacoolie.sql import bind_aggregate
from datacoolie_engine_spark.columns import column, is_remote
from datacoolie_engine_spark.expressions import aggregate_text
from datacoolie_engine_spark.types import described

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datacoolie.engines import FrameOps
    from datacoolie.sql import Aggregate


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched(Observation[DataFrame]):
    """An observation of a frame that Spark was told of before a job began.

    Attributes:
        metrics: what Spark found, once a job that reads the frame is done.
        moment: the value is a point in time, of which Spark gives the microseconds since 1970.
    """

    metrics: Metrics
    moment: bool


def watched(frame: DataFrame, aggregates: Mapping[str, Aggregate]) -> tuple[DataFrame, dict[str, Watched]]:
    """Return the same rows, of which a job finds out these aggregates on its way."""
    if not aggregates:
        return frame, {}
    schema = described(frame.schema)
    metrics = _new(frame)
    moments = {name for name, one in aggregates.items() if isinstance(bind_aggregate(one, schema)[1], TimestampType)}
    texts = {name: aggregate_text(one, schema) for name, one in aggregates.items()}
    # Rows bring points in time in the zone of this process.
    texts |= {name: f"unix_micros({texts[name]})" for name in moments}
    frame = frame.observe(metrics, *(column(frame, text).alias(name) for name, text in texts.items()))
    return frame, {
        name: Watched(frame=frame, aggregate=one, metrics=metrics, moment=name in moments)
        for name, one in aggregates.items()
    }


def found(observe: Mapping[str, Observation[DataFrame]]) -> dict[str, object]:
    """Return the values of observations that a job found out: none of frames that it did not have to read."""
    return {name: value for name, one in observe.items() for value in _value(name, one)}


def _value(name: str, one: Observation[DataFrame]) -> Iterator[object]:
    if not isinstance(one, Watched):
        return
    try:
        values = one.metrics.get
    except (Py4JError, PySparkException):  # the optimizer saw that no row of the frame is needed
        return
    if name in values:
        yield _python(values[name], moment=one.moment)


def _python(value: object, *, moment: bool) -> object:
    match value:
        case int() if moment:
            return _EPOCH + timedelta(microseconds=value)
        case bytearray():
            return bytes(value)
        case _:
            return value


def _new(frame: DataFrame) -> Metrics:
    """Return what holds metrics, of the kind that a frame takes."""
    if is_remote(frame):
        from pyspark.sql.connect.observation import Observation as Remote  # noqa: PLC0415 - needs grpc

        return Remote()  # type: ignore[return-value] # one interface, two classes
    return Metrics()


def evaluated(frames: FrameOps[DataFrame], observe: Mapping[str, Observation[DataFrame]]) -> dict[str, object]:
    """Return the values of observations by name, by one query for each frame that is observed.

    Raises:
        SourceError: reading failed.
        TransformError: an expression failed on the data.
    """
    observed: dict[int, tuple[DataFrame, dict[str, Aggregate]]] = {}
    for name, one in observe.items():
        observed.setdefault(id(one.frame), (one.frame, {}))[1][name] = one.aggregate
    values: dict[str, object] = {}
    for frame, aggregates in observed.values():
        values |= frames.aggregate(frame, aggregates)
    return values
