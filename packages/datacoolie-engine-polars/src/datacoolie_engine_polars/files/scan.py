"""Many files as one frame: one schema from all of them, partition columns, and columns about the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from datacoolie.core.exceptions import EngineError, SourceError
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.engines.partitions import values_of_folders
from datacoolie_engine_polars import failures, partitions, schemas
from datacoolie_engine_polars.access import access_of
from datacoolie_engine_polars.files.avro import AvroReader
from datacoolie_engine_polars.files.csv import CsvReader
from datacoolie_engine_polars.files.excel import ExcelReader
from datacoolie_engine_polars.files.json import JsonLinesReader, JsonReader
from datacoolie_engine_polars.files.parquet import ParquetReader
from datacoolie_engine_polars.files.readers import PATH, Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.engines import FileScan
    from datacoolie_engine_polars.files.diagnosis import ScanLog

READERS: dict[str, type[Reader]] = {
    reader.format: reader for reader in (ParquetReader, CsvReader, JsonReader, JsonLinesReader, AvroReader, ExcelReader)
}

_NAME, _MODIFIED = "__file_name", "__file_modification_time"


def scan(request: FileScan, log: ScanLog) -> pl.LazyFrame:
    """Return the rows of the files of `request`.

    Raises:
        ConfigurationError: an option can't be honoured.
        EngineError: the format is not known.
        SourceError: a file can't be read, a column has a type that the framework has not, or types that don't fit each
            other.
    """
    reader = _reader(request)
    groups = _by_schema(reader, request)
    hive = _hive_values(request) if request.hive_partitioning else {}
    with_path = bool(request.file_columns or hive)
    paths = [file.path for file in request.files]
    log.remember(paths, reader.find_fault)
    for schema, group in groups:
        _check_types(schema, group[0])
    merged = schemas.union((paths[0], schema) for schema, paths in groups)
    frames = [reader.scan(group, reader.types(schema, merged), with_path=with_path) for schema, group in groups]
    frame = _joined(frames, _stored(reader.types(merged, merged)), with_path=with_path)
    return _with_file_columns(_with_hive(frame, hive, paths), request) if with_path else frame


def _reader(request: FileScan) -> Reader:
    kind = READERS.get(request.format)
    if kind is None:
        near = did_you_mean(request.format, READERS)
        message = f"The engine 'polars' can't read {request.format!r} files. Possible: {listed(READERS)}.{near}"
        raise EngineError(message, {"format": request.format})
    return kind(request.options, access_of(request.root, request.storage))


def _by_schema(reader: Reader, request: FileScan) -> list[tuple[pl.Schema, list[str]]]:
    """Group files that can be scanned as one; empty files without columns are left out when there are others."""
    groups: dict[tuple[tuple[str, pl.DataType], ...], list[str]] = {}
    for file in request.files:
        try:
            schema = reader.schema(file.path)
        except failures.FAILURES as error:
            if isinstance(error, OSError):
                raise failures.of_file(error, file.path) from error
            message = f"{file.path}: {reader.explain(file.path, error)}"
            raise SourceError(message, {"path": file.path}) from error
        groups.setdefault(tuple(schema.items()), []).append(file.path)
    if len(groups) > 1:
        groups.pop((), None)
    return [(pl.Schema(schema), paths) for schema, paths in groups.items()]


def _joined(frames: list[pl.LazyFrame], target: pl.Schema, *, with_path: bool) -> pl.LazyFrame:
    """Append the frames, each brought to the common schema."""
    columns = pl.Schema({**target, PATH: pl.String()}) if with_path else target
    parts = [schemas.conform(frame, frame.collect_schema(), columns) for frame in frames]
    return parts[0] if len(parts) == 1 else pl.concat(parts)


def _check_types(schema: pl.Schema, path: str) -> None:
    try:
        schemas.described_schema(schema)
    except EngineError as error:
        message = f"{path}: {error.message}"
        raise SourceError(message, {**error.details, "path": path}) from error


def _stored(schema: pl.Schema) -> pl.Schema:
    """Return the schema in types of the framework, so that each operation on a value is one on a value of its type.

    Of unsigned integers, categories and nanoseconds Polars would compute something else. It can't prune files by times
    of one zone and another either.
    """
    return pl.Schema({name: schemas.stored(kind, column=name) for name, kind in schema.items()})


def _hive_values(request: FileScan) -> dict[str, list[str | None]]:
    """Return the values of each partition column, one per file."""
    values = [values_of_folders(file.path, request.root) for file in request.files]
    names = dict.fromkeys(name for one in values for name in one)
    return {name: [one.get(name) for one in values] for name in names}


def _with_hive(frame: pl.LazyFrame, hive: Mapping[str, list[str | None]], paths: list[str]) -> pl.LazyFrame:
    """Add partition columns; a column of that name in the files gives way, as in Spark."""
    columns = []
    for name, texts in hive.items():
        values = partitions.typed(texts)
        columns.append(pl.col(PATH).replace_strict(pl.Series(paths), values, return_dtype=values.dtype).alias(name))
    return frame.with_columns(columns) if columns else frame


def _with_file_columns(frame: pl.LazyFrame, request: FileScan) -> pl.LazyFrame:
    """Add the wanted columns about files, and take away the path when it isn't one of them."""
    columns = []
    if _NAME in request.file_columns:
        columns.append(pl.col(PATH).str.split("/").list.last().alias(_NAME))
    if _MODIFIED in request.file_columns:
        times = pl.Series([file.modified for file in request.files], dtype=pl.Datetime("us", "UTC"))
        paths = pl.Series([file.path for file in request.files])
        columns.append(pl.col(PATH).replace_strict(paths, times, return_dtype=times.dtype).alias(_MODIFIED))
    frame = frame.with_columns(columns)
    return frame if PATH in request.file_columns else frame.drop(PATH)
