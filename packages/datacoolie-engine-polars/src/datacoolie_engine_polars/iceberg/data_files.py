"""Data files of an Iceberg table: staged ones with their statistics, and those that the table has."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlparse

import polars as pl
from pyiceberg.conversions import from_bytes
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
    schema_to_pyarrow,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import TableProperties
from pyiceberg.typedef import Record
from pyiceberg.types import DecimalType, StringType

from datacoolie.core.exceptions import DestinationError, EngineError, ErrorClass, PlatformError
from datacoolie_engine_polars.copy_on_write import PATH, DataFiles
from datacoolie_engine_polars.iceberg.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyiceberg.schema import Schema
    from pyiceberg.table import FileScanTask, Table
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.types import NestedField

    from datacoolie.platforms import Storage
    from datacoolie_engine_polars.access import Access
    from datacoolie_engine_polars.copy_on_write import Evaluate
    from datacoolie_engine_polars.staging import StagedData

STEM = "dc-"
"""How names of our data files begin."""

_BOUNDED = (pl.String, pl.Date, pl.Datetime, pl.Decimal)
"""Types whose bounds tell where values are, beside whole numbers: those of floats leave NaN out."""


_CASTS = pl.ScanCastOptions(
    integer_cast="upcast",
    float_cast="upcast",
    datetime_cast=["nanosecond-downcast", "millisecond-upcast", "convert-timezone"],
    missing_struct_fields="insert",
    extra_struct_fields="ignore",
)
"""What readers of Iceberg have to take for the types that a table's columns have by now."""


def location_of(metadata: TableMetadata) -> str:
    """Return the URI of the folder in which a table's new data files are."""
    named = metadata.properties.get(TableProperties.WRITE_DATA_PATH)
    return (named or f"{metadata.location}/data").rstrip("/")


def path_of(location: str, storage: Storage, where: str) -> str:
    """Return the path or URI by which the platform knows a file or folder.

    Raises:
        EngineError: the platform does not know it.
    """
    parts = urlparse(location)
    if parts.scheme in {"", "file"} and not parts.netloc:
        return location.removeprefix("file:").replace("///", "/", 1) if parts.scheme else location
    try:
        return storage.platform.resolve(location)
    except PlatformError as error:
        message = f"{where}: its files are at {location}, which the platform does not know: {error.message}"
        raise EngineError(message, {"location": location}).classed(ErrorClass.CONFIGURATION) from error


def described(metadata: TableMetadata, location: str, staged: StagedData) -> list[DataFile]:
    """Return staged files as Iceberg's manifests describe them.

    Args:
        metadata: the table's, with the schema and the partition spec that the files were written for.
        location: the URI of the folder that they are below.
        staged: the files.

    Raises:
        DestinationError: a file holds dates that pyiceberg can't describe.
    """
    schema = metadata.schema()
    plan, columns = compute_statistics_plan(schema, metadata.properties), parquet_path_to_id_mapping(schema)
    found = []
    footers = staged.access.footers(file.path for file in staged.files)
    for file, footer in zip(staged.files, footers, strict=True):
        try:
            statistics = data_file_statistics_from_parquet_metadata(footer, plan, columns)
        except OverflowError as error:
            message = f"{location}: a date or timestamp is outside of the years 1 to 9999, which can't be written"
            raise DestinationError(message, {"path": file.path}).classed(ErrorClass.DATA) from error
        found.append(
            DataFile.from_args(
                content=DataFileContent.DATA,
                file_path=f"{location}/{file.relative}",
                file_format=FileFormat.PARQUET,
                partition=Record(*staged.keys[file.relative]),
                file_size_in_bytes=file.size,
                sort_order_id=None,
                spec_id=metadata.default_spec_id,
                equality_ids=None,
                key_metadata=None,
                **statistics.to_serialized_dict(),
            )
        )
    return found


def of_tasks(
    tasks: Mapping[str, FileScanTask], table: Table, metadata: TableMetadata, evaluate: Evaluate, access: Access
) -> DataFiles:
    """Return data files of a table as copy on write needs them.

    Args:
        tasks: the files by path.
        table: the table as it is.
        metadata: the table's, with the schema that it gets.
        evaluate: runs a plan.
        access: how to get at the files.
    """
    schema = metadata.schema()
    columns = schema_of(schema)
    files = pl.DataFrame({PATH: pl.Series(list(tasks), dtype=pl.String), **_bounds(tasks.values(), schema, columns)})
    arrow, names = schema_to_pyarrow(schema), _names(table)

    def scan(some: pl.DataFrame, wanted: Sequence[str]) -> pl.LazyFrame:
        # Names in files may be older than those of the table, or missing: columns are found by their field ids.
        return pl.scan_parquet(
            some[PATH].to_list(),
            schema=columns,
            missing_columns="insert",
            extra_columns="ignore",
            include_file_paths=PATH if PATH in wanted else None,
            glob=False,
            hive_partitioning=False,
            cast_options=_CASTS,
            **access.arguments,
            _column_mapping=("iceberg-column-mapping", arrow, names),
        ).select(wanted)

    return DataFiles(files=files, schema=columns, scan=scan, evaluate=evaluate)


def refuse_unreadable(tasks: Iterable[FileScanTask], where: str) -> None:
    """Refuse files whose rows are not all that is in them.

    Raises:
        DestinationError: naming why.
    """
    for task in tasks:
        if task.delete_files:
            why = "has delete files (merge on read)"
        elif task.file.file_format != FileFormat.PARQUET:
            why = f"has {task.file.file_format} files"
        else:
            continue
        message = (
            f"{where}: the table {why}, and a load that writes files again does not support that yet. Compact "
            "the table with the engine that made them, or append"
        )
        raise DestinationError(message, {"path": task.file.file_path}).classed(ErrorClass.CONFIGURATION)


def _names(table: Table) -> dict[int, list[str]] | None:
    """Return the names in files without field ids, by field id, where the table says them."""
    mapping = table.metadata.name_mapping()
    if mapping is None:
        return None
    found: dict[int, list[str]] = {}
    todo = list(mapping)
    while todo:
        field = todo.pop()
        todo.extend(field.fields)
        if field.field_id is not None:
            found[field.field_id] = list(field.names)
    return found


def _bounds(tasks: Iterable[FileScanTask], schema: Schema, columns: pl.Schema) -> dict[str, pl.Series]:
    """Return `min.<column>` and `max.<column>` of the files."""
    files = [task.file for task in tasks]
    found = {}
    for field in schema.fields:
        kind = columns[field.name]
        if kind.is_integer() or isinstance(kind, _BOUNDED):
            for end, bounds in (("min", "lower_bounds"), ("max", "upper_bounds")):
                values = [_value(getattr(file, bounds), field) for file in files]
                physical = pl.Int64() if kind.is_integer() or kind.is_temporal() else kind
                found[f"{end}.{field.name}"] = pl.Series(values, dtype=physical).cast(_held(kind)).cast(kind)
    return found


def _held(kind: pl.DataType) -> pl.DataType:
    """Return in what a date is held, which no wider integer becomes at once."""
    return pl.Int32() if kind == pl.Date else kind


def _value(bounds: Mapping[int, bytes] | None, field: NestedField) -> object:
    """Return a bound; that of a file from before an integer was widened is shorter."""
    held = (bounds or {}).get(field.field_id)
    if held is None:
        return None
    if isinstance(field.field_type, StringType | DecimalType):
        return from_bytes(field.field_type, held)
    return int.from_bytes(held, "little", signed=True)
