"""The schema of a Delta table, and how a batch may change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
from deltalake import CommitProperties
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.models import SchemaPolicy
from datacoolie.core.suggest import listed
from datacoolie_engine_polars import failures
from datacoolie_engine_polars.delta import commits
from datacoolie_engine_polars.schemas import conform, spellings, widest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deltalake import DeltaTable


def schema_of(table: DeltaTable) -> pl.Schema:
    """Return the columns of a table in Polars' types."""
    return pl.Schema(table.schema().to_arrow())


def delta_schema(schema: Mapping[str, pl.DataType]) -> DeltaSchema:
    """Return Delta's schema for Polars' types."""
    return DeltaSchema.from_arrow(pl.Schema(schema))


def check_new(columns: Mapping[str, pl.DataType], where: str) -> None:
    """Make sure that columns that a table gets have types.

    Raises:
        DestinationError: a column is void: all of its values are null, and nothing says what they would be.
    """
    void = [name for name, kind in columns.items() if kind == pl.Null]
    if void:
        message = (
            f"{where}: column {void[0]!r} is void: it holds nothing but null, so its type is unknown. Give it one with "
            "a schema hint, or drop it"
        )
        raise DestinationError(message, {"columns": void}).classed(ErrorClass.CONFIGURATION)


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """What a batch's schema means for a table.

    Attributes:
        schema: what the batch has to be brought to: the table's columns, then new ones.
        added: columns that the table does not have yet.
    """

    schema: pl.Schema
    added: Mapping[str, pl.DataType]

    def spelled(
        self, frame: pl.LazyFrame, schema: Mapping[str, pl.DataType], *, whole: bool = False, extra: str | None = None
    ) -> tuple[pl.LazyFrame, pl.Schema]:
        """Return the batch's own columns spelled and typed as in the table, with their schema.

        Args:
            frame: the batch.
            schema: its columns.
            whole: all columns of the table, null where the batch has none.
            extra: a column that stays as it is, after the others.
        """
        known = set(self.schema if whole else spellings(schema, self.schema).values())
        own = {name: kind for name, kind in self.schema.items() if name in known}
        target = pl.Schema({**own, extra: schema[extra]} if extra else own)
        return conform(frame, schema, target), target

    def apply(self, table: DeltaTable) -> None:
        """Add the new columns to the table, which shows no row yet.

        Raises:
            CommitConflictError: the table moved on.
        """
        if not self.added:
            return
        try:
            table.alter.add_columns(
                delta_schema(self.added).fields, commit_properties=CommitProperties(max_commit_retries=0)
            )
        except (DeltaError, OSError) as error:
            raise commits.failed(error, table.table_uri) from error


def evolved(table: DeltaTable, batch: Mapping[str, pl.DataType], policy: SchemaPolicy, where: str) -> SchemaChange:
    """Compare a batch's columns with the table's, names in any case.

    Raises:
        DestinationError: a type doesn't fit, or the policy forbids new columns.
    """
    current = schema_of(table)
    names = spellings(batch, current)
    for name, known in names.items():
        if known in current and widest(current[known], batch[name]) != current[known]:
            message = (
                f"{where}: column {known!r} is {failures.type_name(current[known])} in the table, but "
                f"{failures.type_name(batch[name])} in the batch, which does not fit. Cast it with a schema hint, or "
                "load into a new table"
            )
            raise DestinationError(message, {"column": known}).classed(ErrorClass.CONFIGURATION)
    added = {known: batch[name] for name, known in names.items() if known not in current}
    if policy is SchemaPolicy.STRICT and (added or set(current) - set(names.values())):
        different = sorted(set(added) | (set(current) - set(names.values())))
        message = f"{where}: columns {listed(different)} are not in both batch and table, and schema_policy is strict"
        raise DestinationError(message, {"columns": different}).classed(ErrorClass.CONFIGURATION)
    if policy is SchemaPolicy.IGNORE_NEW:
        added = {}
    check_new(added, where)
    return SchemaChange(schema=pl.Schema({**current, **added}), added=added)
