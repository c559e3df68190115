"""Flat files, which this engine does not have yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from datacoolie.core.exceptions import EngineError, ErrorClass
from datacoolie.engines import FileOps

if TYPE_CHECKING:
    from datacoolie.engines import FileScan, FileWrite, Staged
    from datacoolie_engine_spark.session import Sessions


class SparkFiles(FileOps[DataFrame]):
    """Refuses all formats by name."""

    def __init__(self, sessions: Sessions) -> None:
        """Keep the sessions."""
        self._sessions = sessions

    def scan(self, request: FileScan) -> DataFrame:
        """Refuse by name."""
        raise _refused(request.format)

    def stage(self, frame: DataFrame, request: FileWrite[DataFrame]) -> Staged:  # noqa: ARG002 - refused
        """Refuse by name."""
        raise _refused(request.format)


def _refused(format_: str) -> EngineError:
    message = f"The engine 'spark' has no {format_!r} files yet"
    return EngineError(message, {"format": format_}).classed(ErrorClass.CONFIGURATION)
