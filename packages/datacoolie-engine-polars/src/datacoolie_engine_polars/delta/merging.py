"""Upserts by copy on write: only files that hold a touched key are written again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

import polars as pl
from deltalake.transaction import RemoveAction

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie_engine_polars.schemas import conform, spellings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deltalake import DeltaTable

    Evaluate = Callable[[pl.LazyFrame], pl.DataFrame]

_SHOWN = 5
"""How many duplicate keys a message names."""

_PATH = "__datacoolie_path"


def resolve_keys(keys: Sequence[str], columns: Sequence[str], where: str) -> list[str]:
    """Return the columns that merge keys name, in any case.

    Raises:
        DestinationError: a key is no column.
    """
    found = spellings(dict.fromkeys(keys, pl.Null()), columns)
    for key, column in found.items():
        if column not in columns:
            message = f"{where}: the merge key {key!r} is no column of the batch. Columns: {listed(columns)}."
            raise DestinationError(message + did_you_mean(key, columns), {"key": key}).classed(ErrorClass.CONFIGURATION)
    return list(dict.fromkeys(found.values()))


def check_unique(batch: pl.DataFrame, keys: Sequence[str], where: str) -> None:
    """Make sure that no key is in the batch twice; null equals null.

    Raises:
        DestinationError: naming keys that are.
    """
    if batch.select(pl.struct(keys).n_unique()).item() == batch.height:
        return
    twice = batch.select(keys).filter(pl.struct(keys).is_duplicated()).unique().sort(keys).head(_SHOWN).rows()
    shown = listed(str(row if len(keys) > 1 else row[0]) for row in twice)
    message = (
        f"{where}: several rows of the batch have the same merge keys {listed(keys)}: {shown}. Say which one is the "
        "newest with transform.latest_data_columns, or choose keys that are unique"
    )
    raise DestinationError(message, {"keys": [str(row) for row in twice]})


@dataclass(frozen=True, slots=True, kw_only=True)
class Upsert:
    """What an upsert writes and removes.

    Attributes:
        frame: all rows of the files that take the place of the touched ones.
        removes: the touched files.
        inserted: rows of the batch that are new.
    """

    frame: pl.LazyFrame
    removes: list[RemoveAction]
    inserted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The table that an upsert changes.

    Attributes:
        table: as of the version that the commit has to follow.
        path: its folder.
        schema: its columns, with those that the batch adds.
        evaluate: runs a plan.
    """

    table: DeltaTable
    path: str
    schema: pl.Schema
    evaluate: Evaluate


def upsert(target: Target, batch: pl.DataFrame, keys: list[str], keep: Sequence[str]) -> Upsert:
    """Find the files with rows that match the batch, and plan what they become.

    The rows that match, with what they keep, are held in memory; all others stream from file to file.

    Args:
        target: the table.
        batch: rows with unique keys, columns spelled and typed as in the table.
        keys: null equals null.
        keep: columns that a matched row keeps from the table.
    """
    files = _Files(target)
    names = target.schema.names()
    kept = [name for name in names if name not in keys and (name in keep or name not in batch.columns)]
    candidates = files.which_may_hold(batch, keys)
    touching = batch.select(keys)
    hits = target.evaluate(_with_keys(files.rows(candidates, [*keys, *kept, _PATH]), touching, how="semi"))
    touched = candidates.filter(pl.col(_PATH).is_in(hits[_PATH].unique().implode()))
    inserted = batch.join(hits, on=keys, how="anti", nulls_equal=True)
    updated = batch.drop(kept, strict=False).join(hits.drop(_PATH), on=keys, how="inner", nulls_equal=True)
    untouched = _with_keys(files.rows(touched, names), touching, how="anti")
    new = [conform(one.lazy(), one.schema, target.schema) for one in (updated, inserted)]
    return Upsert(frame=pl.concat([untouched, *new]), removes=_removes(touched), inserted=inserted.height)


def _removes(files: pl.DataFrame) -> list[RemoveAction]:
    now = int(time.time() * 1000)
    return [
        RemoveAction(path=unquote(path), data_change=True, deletion_timestamp=now, size=size)
        for path, size in files.select("path", "size_bytes").iter_rows()
    ]


def _with_keys(rows: pl.LazyFrame, keys: pl.DataFrame, *, how: Literal["semi", "anti"]) -> pl.LazyFrame:
    """Keep the rows that have one of the keys, or those that have none, null equal to null."""
    if keys.width == 1 and (keys.dtypes[0].is_integer() or keys.dtypes[0] in {pl.String, pl.Date}):
        # Half the memory of a join, and the filter goes into the scan.
        found = pl.col(keys.columns[0]).is_in(keys.to_series().implode(), nulls_equal=True)
        return rows.filter(found if how == "semi" else ~found)
    # Rows of a join that keeps no order pile up in memory.
    return rows.join(keys.lazy(), on=keys.columns, how=how, nulls_equal=True, maintain_order="left")


class _Files:
    """The data files of one version of a table, with their partition values and statistics."""

    def __init__(self, target: Target) -> None:
        actions = pl.DataFrame(target.table.get_add_actions(flatten=True))
        paths = [f"{target.path}/{unquote(path)}" for path in actions["path"]]
        self._actions = actions.with_columns(pl.Series(_PATH, paths, dtype=pl.String))
        self._partitions = target.table.metadata().partition_columns
        self._schema = target.schema

    def which_may_hold(self, batch: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
        """Return the files whose bounds overlap those of the batch's keys; a key with nulls prunes nothing."""
        found = self._actions
        for key in keys:
            low, high = (f"partition.{key}",) * 2 if key in self._partitions else (f"min.{key}", f"max.{key}")
            values = batch[key]
            if values.null_count() or values.is_empty() or found.schema.get(low) != values.dtype:
                continue
            # Other writers cut the bounds of timestamps to milliseconds.
            slack = pl.duration(milliseconds=1) if isinstance(values.dtype, pl.Datetime) else None
            below, above = (pl.col(low), pl.col(high)) if slack is None else (pl.col(low) - slack, pl.col(high) + slack)
            apart = (below > values.max()) | (above < values.min())
            found = found.filter(~apart.fill_null(value=False))
        return found.filter(pl.lit(not batch.is_empty()))

    def rows(self, files: pl.DataFrame, columns: Sequence[str]) -> pl.LazyFrame:
        """Scan columns of some files; the column `_PATH` is the path of each row's file."""
        if files.is_empty():
            return pl.LazyFrame(schema={name: self._schema.get(name, pl.String()) for name in columns})
        outside = [name for name in columns if name in self._partitions]
        scanned = pl.scan_parquet(
            files[_PATH].to_list(),
            schema=pl.Schema({name: kind for name, kind in self._schema.items() if name not in self._partitions}),
            missing_columns="insert",
            extra_columns="ignore",
            include_file_paths=_PATH if outside or _PATH in columns else None,
            glob=False,
            hive_partitioning=False,
            cast_options=pl.ScanCastOptions(
                integer_cast="upcast", float_cast="upcast", datetime_cast="nanosecond-downcast"
            ),
        )
        if outside:
            values = (pl.col(f"partition.{name}").cast(self._schema[name]).alias(name) for name in outside)
            scanned = scanned.join(files.lazy().select(_PATH, *values), on=_PATH, how="left", maintain_order="left")
        return scanned.select(columns)
