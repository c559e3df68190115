"""Merges by copy on write, whatever the table format: only files that hold a touched row are written again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import polars as pl

from datacoolie.engines.merging import SHOWN_KEYS, duplicates
from datacoolie_engine_polars.bounds import may_be_true
from datacoolie_engine_polars.expressions import compile_expression
from datacoolie_engine_polars.schemas import conform, described_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from datacoolie.engines import MergePlan, Rebuild
    from datacoolie.sql import Expr

    Plan: TypeAlias = MergePlan[pl.LazyFrame]

PATH = "__datacoolie_path"
"""The column of a file's path."""

_KEPT = "__datacoolie_kept"

_ROWS_AT_ONCE = 500_000
"""Rows, of the batch and of the table, that are rebuilt at once."""


class Evaluate(Protocol):
    """Runs a plan."""

    def __call__(self, frame: pl.LazyFrame, *, streaming: bool = True) -> pl.DataFrame:
        """Evaluate a frame, as `Passes.run`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFiles:
    """The data files of one version of a table, and how to read them.

    Attributes:
        files: one row per file: `PATH`; `min.<column>` and `max.<column>` of columns whose bounds are known, in the
            column's type, null where they are not; `null_count.<column>` likewise; whatever else the format needs.
        schema: columns of the table, with those that a batch adds, of which rows of older files have null.
        scan: rows of some of `files` with the named columns; `PATH` among them stands for the path of a row's file.
        evaluate: runs a plan.
    """

    files: pl.DataFrame
    schema: pl.Schema
    scan: Callable[[pl.DataFrame, Sequence[str]], pl.LazyFrame]
    evaluate: Evaluate

    def rows(self, files: pl.DataFrame, columns: Sequence[str]) -> pl.LazyFrame:
        """Scan columns of some files, which may be none; `PATH` is an enum: as a text it takes more than many rows."""
        paths = pl.Enum(self.files[PATH])
        if files.is_empty():
            return pl.LazyFrame(schema={name: self.schema.get(name, paths) for name in columns})
        rows = self.scan(files, columns)
        return rows.cast({PATH: paths}) if PATH in columns else rows

    def holding(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the files in which rows with a `PATH` are."""
        return self.files.filter(pl.col(PATH).is_in(rows[PATH].unique().cast(pl.String).implode()))

    def which_may_hold(self, batch: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
        """Return the files whose bounds overlap those of the batch's keys; a key with nulls prunes nothing."""
        if batch.is_empty():
            return self.files.clear()
        found = self.files
        for key in keys:
            low, high, values = f"min.{key}", f"max.{key}", batch[key]
            if not values.null_count() and found.schema.get(low) == values.dtype:
                apart = (pl.col(low) > values.max()) | (pl.col(high) < values.min())
                found = found.filter(~apart.fill_null(value=False))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """What a merge writes, and which files go.

    Attributes:
        frame: all rows to write, in the columns of the table.
        replaced: the files, rows of `DataFiles.files`, of which `frame` takes the place.
        rows: rows of the batch among them.
        inserted: rows of the batch that are new.
        updated: rows of the batch that take the place of one that was there.
        deleted: rows that are gone without another in their place.
    """

    frame: pl.LazyFrame
    replaced: pl.DataFrame
    rows: int
    inserted: int
    updated: int
    deleted: int


def first(batch: pl.DataFrame, plan: Plan, evaluate: Evaluate, where: str) -> pl.DataFrame:
    """Return the rows of a table that a merge makes.

    Raises:
        DestinationError: a key is in the batch twice.
    """
    if plan.rebuild:
        batch = _rebuilt(evaluate, batch, None, plan.rebuild)
    _check(batch, plan, where)
    return batch.filter(~pl.col(plan.delete)).drop(plan.delete) if plan.delete else batch


def merged(data: DataFiles, batch: pl.DataFrame, plan: Plan, where: str) -> Rewrite:
    """Plan what the files with rows that match the batch become.

    The rows that match, with what they keep, are held in memory; all others stream from file to file.

    Args:
        data: the table.
        batch: columns spelled and typed as in the table; with `plan.rebuild` all columns of the table.
        plan: keys spelled as in the table.
        where: the table, for messages.

    Raises:
        DestinationError: a key is in the batch twice.
    """
    known = None
    if plan.rebuild:
        known = _known(data, batch, plan.rebuild)
        batch = _rebuilt(data.evaluate, batch, known.drop(PATH), plan.rebuild)
    _check(batch, plan, where)
    if plan.replace:
        return _replace(data, batch, list(plan.keys))
    return _upsert(data, batch, plan, known)


def replaced_where(data: DataFiles, frame: pl.LazyFrame, condition: Expr) -> Rewrite:
    """Plan the removal of all rows for which `condition` is true, and the addition of a frame's rows; all stream.

    The counts of the result are 0: nothing is evaluated.
    """
    gone = compile_expression(condition, described_schema(data.schema))[0]
    touched = data.files.filter(may_be_true(condition, data.files, data.schema))
    kept = data.rows(touched, data.schema.names()).filter(~gone.fill_null(value=False))
    return Rewrite(frame=pl.concat([kept, frame]), replaced=touched, rows=0, inserted=0, updated=0, deleted=0)


def added(data: DataFiles, frame: pl.LazyFrame) -> Rewrite:
    """Plan the addition of a frame's rows alone; the counts of the result are 0: nothing is evaluated."""
    return Rewrite(frame=frame, replaced=data.files.clear(), rows=0, inserted=0, updated=0, deleted=0)


def of_all(data: DataFiles, rewrite: Rewrite) -> Rewrite:
    """Return a rewrite that also writes again all files that it would have left as they are."""
    rest = data.files.join(rewrite.replaced, on=PATH, how="anti")
    frame = pl.concat([rewrite.frame, data.rows(rest, data.schema.names())])
    return replace(rewrite, frame=frame, replaced=data.files)


def _known(data: DataFiles, batch: pl.DataFrame, rebuild: Rebuild[pl.LazyFrame]) -> pl.DataFrame:
    """Read the rows of the table that a rebuild needs, with the paths of their files."""
    columns = [*data.schema.names(), PATH]
    if rebuild.keys is None:
        return data.evaluate(data.rows(data.files, columns))
    rows = data.rows(data.which_may_hold(batch, rebuild.keys), columns)
    return data.evaluate(_with_keys(rows, batch.select(rebuild.keys).unique(), how="semi"))


def _rebuilt(
    evaluate: Evaluate, batch: pl.DataFrame, known: pl.DataFrame | None, rebuild: Rebuild[pl.LazyFrame]
) -> pl.DataFrame:
    """Rebuild some keys at a time where no others count, for it takes several times the memory of the rows."""
    frames = [batch] if known is None else [batch, known]
    if rebuild.keys is None:
        return evaluate(rebuild.make(*_both(frames)))
    count = 1 + sum(frame.height for frame in frames) // _ROWS_AT_ONCE
    parts = [frame.select(pl.struct(rebuild.keys).hash() % count).to_series() for frame in frames]
    return pl.concat(
        evaluate(
            rebuild.make(*_both([frame.filter(part == number) for frame, part in zip(frames, parts, strict=True)])),
            streaming=False,
        )
        for number in range(count)
    )


def _both(frames: Sequence[pl.DataFrame]) -> tuple[pl.LazyFrame, pl.LazyFrame | None]:
    return frames[0].lazy(), frames[1].lazy() if len(frames) > 1 else None


def _check(batch: pl.DataFrame, plan: Plan, where: str) -> None:
    """Make sure that no key is in the batch twice, unless the batch replaces whole keys; null equals null.

    Raises:
        DestinationError: naming keys that are.
    """
    keys = plan.keys
    # Equal keys have equal hashes, which are compared four times as fast.
    if plan.replace or batch.select(keys).hash_rows().n_unique() == batch.height:
        return
    twice = batch.select(keys).filter(pl.struct(keys).is_duplicated()).unique().sort(keys)
    if not twice.is_empty():
        raise duplicates(keys, twice.head(SHOWN_KEYS).rows(), where)


def _replace(data: DataFiles, batch: pl.DataFrame, keys: list[str]) -> Rewrite:
    touching = batch.select(keys).unique()
    candidates = data.which_may_hold(touching, keys)
    hits = data.evaluate(_with_keys(data.rows(candidates, [*keys, PATH]), touching, how="semi").select(PATH))
    touched = data.holding(hits)
    untouched = _with_keys(data.rows(touched, data.schema.names()), touching, how="anti")
    new = conform(batch.lazy(), batch.schema, data.schema)
    return Rewrite(
        frame=pl.concat([untouched, new]),
        replaced=touched,
        rows=batch.height,
        inserted=batch.height,
        updated=0,
        deleted=hits.height,
    )


def _upsert(data: DataFiles, batch: pl.DataFrame, plan: Plan, known: pl.DataFrame | None) -> Rewrite:
    keys, names = list(plan.keys), data.schema.names()
    removed, batch = _split(batch, plan.delete)
    kept = [name for name in names if name not in keys and (name in plan.keep or name not in batch.columns)]
    touching = pl.concat([batch.select(keys), removed.select(keys)])
    candidates = data.which_may_hold(touching, keys)
    columns = [*keys, *kept, PATH]
    present = data.rows(candidates, columns) if known is None else known.select(columns).lazy()
    hits = data.evaluate(_with_keys(present, touching, how="semi"))
    touched = data.holding(hits)
    updated = batch.select(keys).join(hits, on=keys, how="semi", nulls_equal=True).height
    deleted = hits.join(removed, on=keys, how="semi", nulls_equal=True).height
    if known is None or plan.rebuild is None or plan.rebuild.keys is None:
        untouched = [_with_keys(data.rows(touched, names), touching, how="anti")]
    else:
        untouched = _other_keys(data, known, touched, touching, list(plan.rebuild.keys))
    new = _with_kept(batch, hits.select(*keys, *kept), keys)
    return Rewrite(
        frame=pl.concat([*untouched, conform(new, new.collect_schema(), data.schema)]),
        replaced=touched,
        rows=batch.height,
        inserted=batch.height - updated,
        updated=updated,
        deleted=deleted,
    )


def _other_keys(
    data: DataFiles, known: pl.DataFrame, touched: pl.DataFrame, touching: pl.DataFrame, keys: list[str]
) -> list[pl.LazyFrame]:
    """Return the rows of files that stay: those of other keys than `known` stream, those of its keys are in memory."""
    names = data.schema.names()
    streamed = _with_keys(data.rows(touched, names), known.select(keys).unique(), how="anti")
    stay = known.join(touching, on=touching.columns, how="anti", nulls_equal=True)
    stay = stay.filter(pl.col(PATH).cast(pl.String).is_in(touched[PATH].implode()))
    return [streamed, stay.select(names).lazy()]


def _with_kept(batch: pl.DataFrame, hits: pl.DataFrame, keys: list[str]) -> pl.LazyFrame:
    """Put what the rows of the table keep into the rows that match them; where nothing is kept the batch is enough."""
    kept = [name for name in hits.columns if name not in keys]
    if not kept:
        # A key that several rows of the table have is updated in all of them, as MERGE does.
        several = not hits.is_empty() and hits.is_duplicated().any()
        return batch.lazy().join(hits.lazy(), on=keys, how="left", nulls_equal=True) if several else batch.lazy()
    there = hits.lazy().select(*keys, pl.struct(kept).alias(_KEPT))
    # A struct is null in rows that match nothing, and a struct of nulls in those that keep nulls.
    values = (
        pl.when(pl.col(_KEPT).is_null())
        .then(name if name in batch.columns else None)
        .otherwise(_kept(name))
        .alias(name)
        for name in kept
    )
    joined = batch.lazy().join(there, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(values).drop(_KEPT)


def _kept(name: str) -> pl.Expr:
    return pl.col(_KEPT).struct.field(name)


def _split(batch: pl.DataFrame, delete: str | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that only remove, and the others."""
    if delete is None:
        return batch.clear(), batch
    if not batch[delete].any():
        return batch.drop(delete).clear(), batch.drop(delete)
    return batch.filter(delete).drop(delete), batch.filter(~pl.col(delete)).drop(delete)


def _with_keys(rows: pl.LazyFrame, keys: pl.DataFrame, *, how: Literal["semi", "anti"]) -> pl.LazyFrame:
    """Keep the rows that have one of the keys, or those that have none, null equal to null."""
    if keys.width == 1 and (keys.dtypes[0].is_integer() or keys.dtypes[0] in {pl.String, pl.Date}):
        # Half the memory of a join, and the filter goes into the scan.
        found = pl.col(keys.columns[0]).is_in(keys.to_series().implode(), nulls_equal=True)
        return rows.filter(found if how == "semi" else ~found)
    # Rows of a join that keeps no order pile up in memory.
    return rows.join(keys.lazy(), on=keys.columns, how=how, nulls_equal=True, maintain_order="left")
