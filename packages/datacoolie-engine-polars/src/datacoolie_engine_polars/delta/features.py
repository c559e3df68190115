"""Features of a Delta table that staged commits would break: refused by name before anything is staged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from datacoolie.core.exceptions import DestinationError, ErrorClass, SourceError
from datacoolie.core.suggest import listed

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from datacoolie_engine_polars.staged_table import Operation

_KEPT = {"appendOnly", "invariants", "checkConstraints", "generatedColumns", "timestampNtz", "changeDataFeed"}
"""Writer features whose rules staged commits keep, or that are asked about by name below where they are in use."""

_READABLE = {"deletionVectors", "timestampNtz"}
"""Reader features that Polars has."""

_WRITER_WITH_FEATURES = 7
"""The writer version from which on a table lists its features."""


def refuse_unsupported(table: DeltaTable, where: str, operation: Operation | Literal["care"]) -> None:
    """Refuse a table with a feature that can't be kept by this operation; `care` changes no rows.

    Raises:
        DestinationError: naming the features.
    """
    found = sorted(_features(table, operation))
    if found:
        message = (
            f"{where}: the table uses {listed(found)}, which is not supported yet. Write this table with an engine "
            "that has it, or make the table anew without it"
        )
        raise DestinationError(message, {"features": found}).classed(ErrorClass.CONFIGURATION)


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


def _features(table: DeltaTable, operation: str) -> set[str]:
    protocol, configuration = table.protocol(), table.metadata().configuration
    found: set[str] = set()
    if protocol.min_writer_version == _WRITER_WITH_FEATURES:
        found = set(protocol.writer_features or ()) - _KEPT
    if configuration.get("delta.columnMapping.mode", "none") != "none":
        found.add("columnMapping")
    found |= {name for field in table.schema().fields for name in _of_column(field.metadata)}
    if operation in {"replace", "rewrite"} and configuration.get("delta.appendOnly") == "true":
        found.add("appendOnly")
    if operation == "rewrite" and configuration.get("delta.enableChangeDataFeed") == "true":
        # Rows that only move to another file would appear as changed.
        found.add("changeDataFeed")
    return found


def _of_column(metadata: dict[str, object]) -> set[str]:
    marks = {"delta.identity.start": "identityColumns", "delta.columnMapping.id": "columnMapping"}
    return {name for key, name in marks.items() if key in metadata}
