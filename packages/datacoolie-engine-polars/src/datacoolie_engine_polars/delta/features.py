"""Features of a Delta table that staged commits would break: refused by name before anything is staged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError, ErrorClass, SourceError
from datacoolie.core.suggest import listed

if TYPE_CHECKING:
    from deltalake import DeltaTable

_HARMLESS = {"appendOnly", "invariants", "timestampNtz"}
"""Writer features whose rules staged commits keep: the second and third are about columns and checked by name below."""

_READABLE = {"deletionVectors", "timestampNtz"}
"""Reader features that Polars has."""

_WRITER_WITH_FEATURES = 7
"""The writer version from which on a table lists its features."""


def refuse_unsupported(table: DeltaTable, where: str, *, appends: bool) -> None:
    """Refuse a table with a feature that needs the format's own writer.

    Raises:
        DestinationError: naming the features.
    """
    found = sorted(_features(table, appends=appends))
    if found:
        message = (
            f"{where}: the table uses {listed(found)}, which is not supported yet. Write this table with an engine "
            "that has it, or make the table anew without it"
        )
        raise DestinationError(message, {"features": found}).classed(ErrorClass.CONFIGURATION)
    required = [field.name for field in table.schema().fields if not field.nullable]
    if required:
        message = (
            f"{where}: {listed(map(repr, required))} must not be null, which is not checked yet. Drop the constraint "
            "(ALTER TABLE ... ALTER COLUMN ... DROP NOT NULL), or write this table with another engine"
        )
        raise DestinationError(message, {"columns": required}).classed(ErrorClass.CONFIGURATION)


def refuse_unreadable(table: DeltaTable, where: str) -> None:
    """Refuse a table with a feature without which its rows can't be read right.

    Raises:
        SourceError: naming the features.
    """
    protocol = table.protocol()
    found = set(protocol.reader_features or ()) - _READABLE
    if table.metadata().configuration.get("delta.columnMapping.mode", "none") != "none":
        found.add("columnMapping")
    if found:
        message = (
            f"{where}: the table uses {listed(sorted(found))}, which is not supported yet. Read this table with an "
            "engine that has it, or make the table anew without it"
        )
        raise SourceError(message, {"features": sorted(found)}).classed(ErrorClass.CONFIGURATION)


def _features(table: DeltaTable, *, appends: bool) -> set[str]:
    protocol, configuration = table.protocol(), table.metadata().configuration
    if protocol.min_writer_version == _WRITER_WITH_FEATURES:
        found = set(protocol.writer_features or ()) - _HARMLESS
    else:
        found = {"changeDataFeed"} if configuration.get("delta.enableChangeDataFeed") == "true" else set()
        if configuration.get("delta.columnMapping.mode", "none") != "none":
            found.add("columnMapping")
    found |= {"checkConstraints" for key in configuration if key.startswith("delta.constraints.")}
    found |= {name for field in table.schema().fields for name in _of_column(field.metadata)}
    if not appends and configuration.get("delta.appendOnly") == "true":
        found.add("appendOnly")
    return found


def _of_column(metadata: dict[str, object]) -> set[str]:
    marks = {
        "delta.invariants": "invariants",
        "delta.generationExpression": "generatedColumns",
        "delta.identity.start": "identityColumns",
        "delta.columnMapping.id": "columnMapping",
    }
    return {name for key, name in marks.items() if key in metadata}
