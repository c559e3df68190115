"""The schema of a Delta table, and how it changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
from deltalake import CommitProperties, Field, TableFeatures
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import listed
from datacoolie_engine_polars import evolution
from datacoolie_engine_polars.delta import commits
from datacoolie_engine_polars.schemas import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deltalake import DeltaTable

    from datacoolie.engines import WriteRequest
    from datacoolie_engine_polars.evolution import SchemaChange

_ALONE = CommitProperties(max_commit_retries=0)
"""A commit that has to be the very next version."""


def schema_of(table: DeltaTable) -> pl.Schema:
    """Return the columns of a table in Polars' types."""
    return pl.Schema(table.schema().to_arrow())


def delta_schema(schema: Mapping[str, pl.DataType]) -> DeltaSchema:
    """Return Delta's schema for Polars' types."""
    return DeltaSchema.from_arrow(pl.Schema(schema))


def changed_schema(table: DeltaTable, change: SchemaChange) -> DeltaSchema:
    """Return Delta's schema for columns that a table gets; what it says of columns that it has stays."""
    known = {change.renamed.get(field.name, field.name): field for field in table.schema().fields}
    fields = []
    for field in delta_schema(change.schema).fields:
        if was := known.get(field.name):
            kind = was.type if change.current[was.name] == change.schema[field.name] else field.type
            fields.append(Field(field.name, kind, nullable=was.nullable, metadata=was.metadata))
        else:
            fields.append(field)
    return DeltaSchema(fields)


def evolved(
    table: DeltaTable, batch: Mapping[str, pl.DataType], request: WriteRequest[pl.LazyFrame], where: str
) -> SchemaChange:
    """Compare a batch's columns with the table's, names in any case. Files hold names, so a new one rewrites them.

    Raises:
        DestinationError: a type doesn't fit, the policy forbids the change, or a partition column would be renamed.
    """
    change = evolution.evolved(schema_of(table), batch, request, where, stays=_only_adds)
    keys = set(table.metadata().partition_columns) & set(change.renamed)
    if keys:
        message = f"{where}: {listed(sorted(keys))} can't be renamed, because the table is partitioned by it"
        raise DestinationError(message, {"columns": sorted(keys)}).classed(ErrorClass.CONFIGURATION)
    return replace(change, rewrites=change.rewrites or bool(change.renamed))


def add_columns(table: DeltaTable, change: SchemaChange) -> None:
    """Add the new columns and fields to the table, which shows no row yet.

    Raises:
        CommitConflictError: the table moved on.
    """
    if not change.changed:
        return
    try:
        table.alter.add_columns(delta_schema(change.changed).fields, commit_properties=_ALONE)
    except (DeltaError, OSError) as error:
        raise commits.failed(error, table.table_uri) from error


def allow(table: DeltaTable, change: SchemaChange) -> None:
    """Let the table have timestamps without zone where they come with a commit that replaces the schema.

    Raises:
        CommitConflictError: the table moved on.
    """
    kinds = [part for kind in change.changed.values() for part in evolution.parts_of(kind)]
    if pl.Datetime("us") not in kinds or "timestampNtz" in (table.protocol().writer_features or ()):
        return
    feature = TableFeatures.TimestampWithoutTimezone
    try:
        table.alter.add_feature(feature, allow_protocol_versions_increase=True, commit_properties=_ALONE)
    except (DeltaError, OSError) as error:
        raise commits.failed(error, table.table_uri) from error


def _only_adds(kind: pl.DataType | None, target: pl.DataType) -> bool:
    """Whether files without a column, or without fields of a struct, can stay: readers fill in null.

    Not all of them do so in lists (DataFusion, and with it delta-rs' own writer, does not).
    """
    if kind is None or kind == target:
        return True
    if not isinstance(kind, pl.Struct) or not isinstance(target, pl.Struct):
        return False
    fields = fields_of(target)
    return all(_only_adds(inner, fields[name]) for name, inner in fields_of(kind).items())
