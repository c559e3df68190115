"""Relational operations on lazy frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

from datacoolie.engines import FrameOps, Observation
from datacoolie_engine_polars import failures
from datacoolie_engine_polars.expressions import compile_expression
from datacoolie_engine_polars.staging import Observers
from datacoolie_engine_polars.types import from_polars

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.core.types import Schema
    from datacoolie.sql import Aggregate, Expr
    from datacoolie_engine_polars.passes import Passes


class PolarsFrames(FrameOps[pl.LazyFrame]):
    """Operations on lazy frames; only `aggregate` evaluates, as a pass of `passes`."""

    def __init__(self, passes: Passes) -> None:
        """Use these passes."""
        self._passes = passes

    def schema(self, frame: pl.LazyFrame) -> Schema:
        """Return the framework's types of the columns."""
        return {name: from_polars(kind, column=name) for name, kind in frame.collect_schema().items()}

    def select(self, frame: pl.LazyFrame, columns: Mapping[str, Expr]) -> pl.LazyFrame:
        """Compute exactly these columns."""
        return frame.select(self._compiled(frame, columns))

    def with_columns(self, frame: pl.LazyFrame, columns: Mapping[str, Expr]) -> pl.LazyFrame:
        """Add or replace columns."""
        return frame.with_columns(self._compiled(frame, columns))

    def filter(self, frame: pl.LazyFrame, condition: Expr) -> pl.LazyFrame:
        """Keep the rows for which the condition is true."""
        return frame.filter(compile_expression(condition, self.schema(frame))[0])

    def rename(self, frame: pl.LazyFrame, names: Mapping[str, str]) -> pl.LazyFrame:
        """Rename columns."""
        return frame.rename(dict(names))

    def drop(self, frame: pl.LazyFrame, names: Sequence[str]) -> pl.LazyFrame:
        """Remove columns."""
        return frame.drop(names)

    def union(self, frames: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
        """Append frames, columns matched by name."""
        columns = frames[0].collect_schema().names()
        return pl.concat([frames[0], *(frame.select(columns) for frame in frames[1:])])

    def join(
        self,
        left: pl.LazyFrame,
        right: pl.LazyFrame,
        *,
        keys: Sequence[str],
        how: Literal["inner", "left", "semi", "anti"],
    ) -> pl.LazyFrame:
        """Join on equally named keys, null equals null."""
        return left.join(right, on=list(keys), how=how, nulls_equal=True)

    def distinct(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Remove duplicate rows."""
        return frame.unique()

    def deduplicate(
        self, frame: pl.LazyFrame, *, keys: Sequence[str], order_by: Sequence[str], ties: Literal["one", "all"]
    ) -> pl.LazyFrame:
        """Keep the newest row per key, or all that tie for it."""
        ordered = frame.sort(order_by, descending=True, nulls_last=True, maintain_order=True) if order_by else frame
        newest = ordered.unique(subset=list(keys), keep="first", maintain_order=True)
        if ties == "one":
            return newest
        columns = list(dict.fromkeys([*keys, *order_by]))
        return frame.join(newest.select(columns), on=columns, how="semi", nulls_equal=True)

    def aggregate(self, frame: pl.LazyFrame, aggregates: Mapping[str, Aggregate]) -> dict[str, object]:
        """Evaluate aggregates in a pass of their own."""
        observers = Observers({name: Observation(frame=frame, aggregate=one) for name, one in aggregates.items()})
        try:
            return observers.values(self._passes.run(observers.plans))
        except failures.FAILURES as error:
            raise failures.of_pass(error, target="", written=0, find_broken=lambda: None) from error

    def from_arrow(self, table: object) -> pl.LazyFrame:
        """Make a frame of anything with `__arrow_c_stream__`."""
        return pl.DataFrame(table).lazy()

    def _compiled(self, frame: pl.LazyFrame, columns: Mapping[str, Expr]) -> list[pl.Expr]:
        schema = self.schema(frame)
        return [compile_expression(expr, schema)[0].alias(name) for name, expr in columns.items()]
