"""Flat files in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from datacoolie.engines import FileOps
from datacoolie_engine_polars import partitions, staging
from datacoolie_engine_polars.files.scan import scan
from datacoolie_engine_polars.files.sinks import COUNTS, sink_of
from datacoolie_engine_polars.schemas import stored_frame

if TYPE_CHECKING:
    from datacoolie.engines import FileScan, FileWrite, Staged
    from datacoolie_engine_polars.staging import Stager


class PolarsFiles(FileOps[pl.LazyFrame]):
    """Scans and stages flat files."""

    def __init__(self, stager: Stager) -> None:
        """Use this stager, which knows what was scanned when a pass fails."""
        self._stager = stager

    def scan(self, request: FileScan) -> pl.LazyFrame:
        """Return the rows of exactly these files, lazily."""
        return scan(request, self._stager.scans)

    def stage(self, frame: pl.LazyFrame, request: FileWrite[pl.LazyFrame]) -> Staged:
        """Write new files in one pass."""
        sink = sink_of(request.format, request.options)
        frame, schema = stored_frame(frame)
        partitions.check_keys(schema, request.partition_by, request.folder)
        counts = request.format in COUNTS
        target = staging.Target(
            folder=request.folder,
            stem=request.stem,
            extension=request.format,
            keys=request.partition_by,
            file_bytes=None if request.single_file or not counts else staging.FILE_BYTES,
            counts=counts,
        )
        frame = partitions.without_empty(frame, schema, request.partition_by)
        return self._stager.stage(frame, target, sink, request.observe).staged
