"""What an Iceberg table may have that staged commits would break: refused by name before anything is staged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table.metadata import TableMetadata

_NEWEST = 2
"""The newest version of the format that is written; the next one numbers each row."""


def refuse_unsupported(metadata: TableMetadata, where: str) -> None:
    """Refuse a table that can't be written by this engine.

    Raises:
        DestinationError: naming what the table has.
    """
    if metadata.format_version > _NEWEST:
        message = (
            f"{where}: the table is of format version {metadata.format_version}; up to version {_NEWEST} is supported. "
            "Write this table with another engine, or load into a new table"
        )
        raise DestinationError(message, {"version": metadata.format_version}).classed(ErrorClass.CONFIGURATION)
    schema = metadata.schema()
    top = {field.field_id for field in schema.fields}
    inner = [id_ for id_ in schema.field_ids if id_ not in top and schema.find_field(id_).required]
    if inner:
        names = [schema.find_column_name(id_) or "" for id_ in inner]
        message = (
            f"{where}: {listed(map(repr, names))} must not be null, which is only checked for columns. Make the fields "
            "optional (ALTER TABLE ... ALTER COLUMN ... DROP NOT NULL), or write this table with another engine"
        )
        raise DestinationError(message, {"columns": names}).classed(ErrorClass.CONFIGURATION)


def refuse_nulls(files: Iterable[DataFile], schema: Schema, where: str) -> None:
    """Refuse files with nulls in columns that must have none.

    Raises:
        DestinationError: naming the first such column, and how many rows.
    """
    counts = [file.null_value_counts or {} for file in files]
    for field in schema.fields:
        nulls = sum(count.get(field.field_id, 0) for count in counts)
        if field.required and nulls:
            message = (
                f"{where}: column {field.name!r} must not be null, but it is in {nulls:,} rows that were to be "
                "written. Filter these rows, or give the column a value"
            )
            raise DestinationError(message, {"column": field.name, "rows": nulls})
