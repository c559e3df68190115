"""Flat files in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from datacoolie.engines import FileOps
from datacoolie_engine_polars import partitions, schemas
from datacoolie_engine_polars.files.scan import scan
from datacoolie_engine_polars.files.sinks import make_sink
from datacoolie_engine_polars.staging import FILE_BYTES, Target

if TYPE_CHECKING:
    from datacoolie.engines import FileScan, FileWrite, Staged
    from datacoolie_engine_polars.staging import Stager


class PolarsFiles(FileOps[pl.LazyFrame]):
    """Reads and writes Parquet, CSV and JSON."""

    def __init__(self, stager: Stager) -> None:
        """Keep what writes, which also remembers what was scanned."""
        self._stager = stager

    def scan(self, request: FileScan) -> pl.LazyFrame:
        """Return the rows of exactly the files of `request`, lazily, with one schema taken from all of them.

        Columns of the same name in any case are one; integers widen to larger ones and to double. A file that lacks a
        column has nulls there.

        Raises:
            ConfigurationError: an option can't be honoured.
            EngineError: the format is not known.
            SourceError: a file is missing or corrupt, or its types fit no other's.
        """
        return scan(request, self._stager.scans)

    def stage(self, frame: pl.LazyFrame, request: FileWrite[pl.LazyFrame]) -> Staged:
        """Write the frame in one streaming pass into new files and evaluate `request.observe` in that pass.

        Files are named `<stem>-<5 digits>.<extension>`. On any failure those that were written are removed.

        Raises:
            ConfigurationError: an option can't be honoured.
            EngineError: the format can't be written, or a column has a type that files can't hold.
            SourceError: reading failed.
            TransformError: an expression failed on the data.
            DestinationError: writing failed.
            InterruptedPassError: the pass was ended.
        """
        keys = request.partition_by
        written = make_sink(
            request.format, request.options, partitioned=bool(keys), storage_options=request.storage_options
        )
        frame, schema = schemas.stored_frame(frame)
        partitions.check_keys(schema, keys, request.folder)
        target = Target(
            folder=request.folder,
            stem=request.stem,
            extension=written.extension,
            keys=keys,
            file_bytes=FILE_BYTES if written.splits and not request.single_file else None,
            counts=written.counts,
            finish=written.finish,
        )
        frame = partitions.without_empty(frame, schema, keys)
        return self._stager.stage(frame, target, written.sink, request.observe).staged
