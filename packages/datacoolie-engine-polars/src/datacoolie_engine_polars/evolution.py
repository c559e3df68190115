"""What a batch's schema means for a table, in Polars' types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from datacoolie.engines import evolution
from datacoolie.engines.schemas import spellings
from datacoolie_engine_polars.schemas import conform, described_schema
from datacoolie_engine_polars.types import to_polars

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.types import Schema


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """What a batch's schema means for a table.

    Attributes:
        of: the change in the framework's types.
    """

    of: evolution.SchemaChange

    @property
    def current(self) -> pl.Schema:
        """The table's columns."""
        return _polars(self.of.current)

    @property
    def schema(self) -> pl.Schema:
        """What the batch has to be brought to: the table's columns with the types that hold both, then new ones."""
        return _polars(self.of.schema)

    @property
    def changed(self) -> pl.Schema:
        """Columns that the table does not have, or has with another type."""
        return _polars(self.of.changed)

    @property
    def rewrites(self) -> bool:
        """Whether files of the table hold columns in types, or by names, that readers would not take for the new."""
        return self.of.rewrites

    @property
    def renamed(self) -> Mapping[str, str]:
        """New names of columns of the table by those they have."""
        return self.of.renamed

    def said(self) -> tuple[str, ...]:
        """Return each change for people."""
        return self.of.said()

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
        columns = self.schema
        known = set(columns if whole else spellings(schema, columns).values())
        own = {name: kind for name, kind in columns.items() if name in known}
        target = pl.Schema({**own, extra: schema[extra]} if extra else own)
        return conform(frame, schema, target), target


def check_new(columns: Mapping[str, pl.DataType], where: str) -> None:
    """Make sure that columns that a table gets have types; raises as `datacoolie.engines.evolution.check_new`."""
    evolution.check_new(described_schema(columns), where)


def _polars(schema: Schema) -> pl.Schema:
    return pl.Schema({name: to_polars(kind) for name, kind in schema.items()})
