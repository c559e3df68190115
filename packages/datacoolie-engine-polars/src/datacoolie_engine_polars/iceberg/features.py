"""What an Iceberg table may have that staged commits would break: refused by name before anything is staged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import listed

if TYPE_CHECKING:
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
    required = [field.name for field in metadata.schema().fields if field.required]
    if required:
        message = (
            f"{where}: {listed(map(repr, required))} must not be null, which is not checked yet. Make the columns "
            "optional (ALTER TABLE ... ALTER COLUMN ... DROP NOT NULL), or write this table with another engine"
        )
        raise DestinationError(message, {"columns": required}).classed(ErrorClass.CONFIGURATION)
