"""Relational operations on lazy frames."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Literal

import polars as pl

from datacoolie.core.exceptions import EngineError
from datacoolie.core.suggest import listed
from datacoolie.engines import FrameOps, Observation
from datacoolie.sql import count
from datacoolie_engine_polars import failures
from datacoolie_engine_polars.expressions import compile_expression
from datacoolie_engine_polars.schemas import described
from datacoolie_engine_polars.staging import Observers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from datacoolie.core.types import Schema
    from datacoolie.engines import WindowFunction
    from datacoolie.sql import Aggregate, Expr
    from datacoolie_engine_polars.files.diagnosis import ScanLog
    from datacoolie_engine_polars.passes import Passes


class PolarsFrames(FrameOps[pl.LazyFrame]):
    """Operations on lazy frames; only `aggregate` evaluates, as a pass of `passes`."""

    def __init__(self, passes: Passes, scans: ScanLog) -> None:
        """Keep what runs a pass, and what was scanned."""
        self._passes = passes
        self._scans = scans

    def schema(self, frame: pl.LazyFrame) -> Schema:
        """Return the columns in order with their types.

        Raises:
            EngineError: a column has a type outside of `datacoolie.core.types`.
        """
        return described(frame)

    def select(self, frame: pl.LazyFrame, columns: Mapping[str, Expr]) -> pl.LazyFrame:
        """Return exactly these columns, in this order; a constant has as many rows as the frame."""
        # A select of nothing but constants would be one row; columns that are added, then chosen, keep the rows.
        return frame.with_columns(_compiled(frame, columns)).select(list(columns))

    def with_columns(self, frame: pl.LazyFrame, columns: Mapping[str, Expr]) -> pl.LazyFrame:
        """Add or replace columns, each computed from `frame` as it was."""
        return frame.with_columns(_compiled(frame, columns)) if columns else frame

    def filter(self, frame: pl.LazyFrame, condition: Expr) -> pl.LazyFrame:
        """Keep the rows for which `condition` is true (not null, not false)."""
        return frame.filter(compile_expression(condition, described(frame))[0])

    def rename(self, frame: pl.LazyFrame, names: Mapping[str, str]) -> pl.LazyFrame:
        """Rename columns, old name to new, all at once."""
        return frame.rename(dict(names)) if names else frame

    def drop(self, frame: pl.LazyFrame, names: Sequence[str]) -> pl.LazyFrame:
        """Remove columns."""
        return frame.drop(list(names)) if names else frame

    def union(self, frames: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
        """Append frames of the same columns, matched by name, duplicates kept.

        Raises:
            EngineError: the frames have different columns or types.
        """
        first = described(frames[0])
        for number, frame in enumerate(frames[1:], 2):
            schema = described(frame)
            if schema != first:
                message = f"Frame {number} of a union has the columns {_listed(schema)}; the first has {_listed(first)}"
                raise EngineError(message)
        return pl.concat([frames[0], *(frame.select(list(first)) for frame in frames[1:])])

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
        """Keep, per key, the row that is largest by `order_by` (nulls lose); all the largest with `ties="all"`.

        With `ties="one"` the result depends on the set of rows alone: of the largest it keeps the one that is largest
        by its other columns too.
        """
        schema, groups = frame.collect_schema(), list(keys)
        for name in order_by:
            largest = pl.col(name).nan_max() if schema[name].is_float() else pl.col(name).max()
            # A group without any value keeps its rows: null is not missing from null.
            frame = frame.filter(pl.col(name).eq_missing(largest.over(groups)))
        if ties == "all":
            return frame
        rest = [_sortable(name, schema[name]) for name in schema if name not in {*keys, *order_by}]
        others = pl.exclude(groups).sort_by(rest, descending=True, nulls_last=True) if rest else pl.exclude(groups)
        return frame.group_by(groups).agg(others.first()).select(schema.names())

    def window(
        self,
        frame: pl.LazyFrame,
        columns: Mapping[str, WindowFunction],
        *,
        partition_by: Sequence[str],
        order_by: Sequence[str],
        ordered: bool = False,
    ) -> pl.LazyFrame:
        """Sort once and look at neighbours by position: much cheaper than an expression over each partition."""
        added = [_neighbour(one, list(partition_by)).alias(name) for name, one in columns.items()]
        rows = frame if ordered else frame.sort([*partition_by, *order_by], nulls_last=False)
        return rows.with_columns(added)

    def nest(self, frame: pl.LazyFrame, *, keys: Sequence[str], columns: Sequence[str], into: str) -> pl.LazyFrame:
        """Return one row per key: the keys, and `into`, the list of its rows as structs of `columns`, ascending."""
        rows = pl.struct(columns).sort_by(list(columns), nulls_last=False)
        return frame.group_by(list(keys)).agg(rows.alias(into))

    def unnest(self, frame: pl.LazyFrame, column: str) -> pl.LazyFrame:
        """Return one row per struct in the lists of `column`, whose fields become columns in its place."""
        return frame.filter(pl.col(column).list.len() > 0).explode(column).unnest(column)

    def counted(self, frame: pl.LazyFrame, count: Callable[[int], None]) -> pl.LazyFrame:
        """Return the same rows; `count` is called with the number of rows of each piece that passes."""

        def passed(batch: pl.DataFrame) -> pl.DataFrame:
            count(batch.height)
            return batch

        return frame.map_batches(passed, schema=frame.collect_schema(), streamable=True)

    def aggregate(self, frame: pl.LazyFrame, aggregates: Mapping[str, Aggregate]) -> dict[str, object]:
        """Evaluate aggregates over the frame and return Python values by name.

        Raises:
            SourceError: reading failed.
            TransformError: an expression failed on the data.
        """
        observers = Observers({name: Observation(frame=frame, aggregate=one) for name, one in aggregates.items()})
        try:
            results = self._passes.run(observers.plans)
        except failures.FAILURES as error:
            raise failures.of_reading(error, self._scans.find_broken) from error
        return observers.values(results)

    def is_empty(self, frame: pl.LazyFrame) -> bool:
        """Whether the frame has no row; raises as `aggregate`."""
        return self.aggregate(frame.head(1), {"rows": count()})["rows"] == 0

    def from_arrow(self, table: object) -> pl.LazyFrame:
        """Make a frame of anything with `__arrow_c_stream__`."""
        return pl.DataFrame(table).lazy()  # type: ignore[arg-type] # the contract can't name the protocol


def _compiled(frame: pl.LazyFrame, columns: Mapping[str, Expr]) -> list[pl.Expr]:
    schema = described(frame)
    return [compile_expression(one, schema, name)[0].alias(name) for name, one in columns.items()]


def _neighbour(one: WindowFunction, partition_by: list[str]) -> pl.Expr:
    """Return a window function over a frame that is sorted by its partitions."""
    offset = -1 if one.function in {"lead", "same_as_lead"} else 1
    columns = [pl.col(name) for name in one.columns]
    same_key = _all(pl.col(key).eq_missing(pl.col(key).shift(offset)) for key in partition_by)
    match one.function:
        case "running_count":
            return columns[0].cast(pl.Int64).cum_sum().over(partition_by)
        case "lag" | "lead":
            return pl.when(same_key & _has(offset)).then(columns[0].shift(offset))
        case _:
            return same_key & _has(offset) & _all(column.eq_missing(column.shift(offset)) for column in columns)


def _has(offset: int) -> pl.Expr:
    """Return whether there is a row at this distance: without one `shift` gives null, as for a row of nulls."""
    position = pl.int_range(pl.len())
    return position >= offset if offset > 0 else position < pl.len() + offset


def _all(conditions: Iterable[pl.Expr]) -> pl.Expr:
    return reduce(and_, conditions, pl.lit(value=True))


def _sortable(name: str, kind: pl.DataType) -> pl.Expr:
    """Return what orders rows by a column; nested values have no order, but their hashes have."""
    return pl.col(name).hash() if kind.is_nested() else pl.col(name)


def _listed(schema: Schema) -> str:
    return listed(f"{name} {kind}" for name, kind in schema.items())
