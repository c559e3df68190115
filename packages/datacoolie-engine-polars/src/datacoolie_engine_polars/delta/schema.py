"""The schema of a Delta table, and how it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from deltalake import CommitProperties, Field, TableFeatures
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError

from datacoolie.core.types import TimestampNtzType
from datacoolie.engines import evolution
from datacoolie.engines.schemas import parts_of
from datacoolie_engine_polars.delta import commits
from datacoolie_engine_polars.evolution import SchemaChange
from datacoolie_engine_polars.schemas import described_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deltalake import DeltaTable

    from datacoolie.engines import WriteRequest

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
    current, keys = described_schema(schema_of(table)), table.metadata().partition_columns
    return SchemaChange(evolution.of_delta(current, described_schema(batch), request, where, keys=keys))


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
    kinds = [part for kind in change.of.changed.values() for part in parts_of(kind)]
    if TimestampNtzType() not in kinds or "timestampNtz" in (table.protocol().writer_features or ()):
        return
    feature = TableFeatures.TimestampWithoutTimezone
    try:
        table.alter.add_feature(feature, allow_protocol_versions_increase=True, commit_properties=_ALONE)
    except (DeltaError, OSError) as error:
        raise commits.failed(error, table.table_uri) from error
