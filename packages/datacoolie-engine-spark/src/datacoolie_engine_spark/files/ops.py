"""Flat files in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from datacoolie.engines import FileOps, Staged
from datacoolie.engines.partitions import check_keys
from datacoolie.sql import count
from datacoolie_engine_spark import observations
from datacoolie_engine_spark.failures import translated
from datacoolie_engine_spark.files.scan import scan
from datacoolie_engine_spark.files.writers import writer_of
from datacoolie_engine_spark.observations import evaluated
from datacoolie_engine_spark.types import described

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.engines import FileScan, FileWrite, Observation
    from datacoolie_engine_spark.frames import SparkFrames
    from datacoolie_engine_spark.session import Sessions

_ROWS = "files.rows"


class SparkFiles(FileOps[DataFrame]):
    """Scans and stages flat files."""

    def __init__(self, sessions: Sessions, frames: SparkFrames) -> None:
        """Keep the sessions, in which files are read, and the operations by which rows are observed."""
        self._sessions = sessions
        self._frames = frames

    def scan(self, request: FileScan) -> DataFrame:
        """Return the rows of exactly the files of `request`, lazily, with one schema taken from all of them.

        Columns of the same name in any case are one; integers widen to larger ones and to double. A file that lacks a
        column has nulls there.

        Raises:
            ConfigurationError: an option can't be honoured.
            EngineError: the format can't be read.
            SourceError: a file is missing or corrupt, or its types fit no other's.
        """
        return scan(request, self._sessions.reaching(request.storage, request.root))

    def stage(self, frame: DataFrame, request: FileWrite[DataFrame]) -> Staged:
        """Let Spark write the frame in one job; raises as `FileOps.stage`.

        What is observed on frames that `observed` gave, and the number of rows, come from that job; observations of
        other frames are evaluated after it.
        """
        writer = writer_of(request.format, request.options)
        schema = described(frame.schema)
        check_keys(schema, request.partition_by, request.folder)
        writer.check(schema, request.folder)
        self._sessions.reaching(request.storage, request.folder)
        watched, rows = self._frames.observed(frame, {_ROWS: count()})
        with translated(target=request.folder):
            writer.write(watched, schema, request)
        observed = self._values({**request.observe, **rows})
        return Staged(rows=int(str(observed.pop(_ROWS))), extension=writer.extension, observed=observed)

    def _values(self, observe: Mapping[str, Observation[DataFrame]]) -> dict[str, object]:
        """Return what the job found out, and evaluate the rest: of frames that it was not told of, or did not read."""
        known = observations.found(observe)
        return known | evaluated(self._frames, {name: one for name, one in observe.items() if name not in known})
