"""Flat files in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from datacoolie.engines import FileOps, Staged
from datacoolie.engines.partitions import check_keys
from datacoolie.engines.textual import check_text
from datacoolie_engine_polars import partitions, staging
from datacoolie_engine_polars.access import access_of
from datacoolie_engine_polars.files.scan import scan
from datacoolie_engine_polars.files.sinks import sink_of
from datacoolie_engine_polars.schemas import described_schema, stored_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.engines import FileScan, FileWrite
    from datacoolie_engine_polars.staging import Stager


class PolarsFiles(FileOps[pl.LazyFrame]):
    """Scans and stages flat files."""

    def __init__(self, stager: Stager) -> None:
        """Use this stager, which knows what was scanned when a pass fails."""
        self._stager = stager

    def scan(self, request: FileScan) -> pl.LazyFrame:
        """Return the rows of exactly the files of `request`, lazily, with one schema taken from all of them.

        Columns of the same name in any case are one; integers widen to larger ones and to double. A file that lacks a
        column has nulls there.

        Raises:
            ConfigurationError: an option can't be honoured.
            EngineError: the format can't be read.
            SourceError: a file is missing or corrupt, or its types fit no other's.
        """
        return scan(request, self._stager.scans)

    def stage(self, frame: pl.LazyFrame, request: FileWrite[pl.LazyFrame]) -> Staged:
        """Write the frame in one streaming pass into files `<stem>-<5 digits>.<extension>`; raises as `FileOps.stage`.

        Parquet and Avro of more than 512 MB, or of an unknown size, are split into files of about 100 to 250 MB; other
        formats have one file per partition.
        """
        keys = request.partition_by
        written = sink_of(request.format, request.options, partitioned=bool(keys))
        frame, schema = stored_frame(frame)
        check_keys(described_schema(schema), keys, request.folder)
        check_text(request.format, described_schema(schema), request.folder)
        if written.check is not None:
            written.check(pl.Schema({name: kind for name, kind in schema.items() if name not in keys}))
        target = staging.Target(
            folder=request.folder,
            stem=request.stem,
            extension=written.extension,
            keys=keys,
            file_bytes=staging.file_bytes(request.size) if written.counts and not request.single_file else None,
            counts=written.counts,
            finish=written.finish,
            access=access_of(request.folder, request.storage),
        )
        frame = partitions.without_empty(frame, schema, keys)
        if request.format in {"csv", "json", "jsonl"}:
            frame = _with_texts(frame, {name: kind for name, kind in schema.items() if name not in keys})
        made = self._stager.stage(frame, target, written.sink, request.observe)
        return Staged(rows=made.rows, extension=written.extension, observed=made.observed)


def _with_texts(frame: pl.LazyFrame, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """Make times the text that they have on every engine: `2024-05-01T10:00:00.000000Z`, without `Z` for no zone."""
    times = {name: "Z" if kind.time_zone else "" for name, kind in schema.items() if isinstance(kind, pl.Datetime)}
    texts = [pl.col(name).dt.strftime(f"%Y-%m-%dT%H:%M:%S%.6f{zone}") for name, zone in times.items()]
    return frame.with_columns(texts) if texts else frame
