"""Upserts by copy on write: only files that hold a touched key are written again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
from deltalake.transaction import RemoveAction

from datacoolie.core.exceptions import DestinationError
from datacoolie.core.suggest import listed
from datacoolie_engine_polars.schemas import conform, spellings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deltalake import DeltaTable

    from datacoolie.engines import MergePlan

_SHOWN = 5
"""How many duplicate keys a message names."""

_PATH = "__datacoolie_path"


def check_unique(batch: pl.DataFrame, plan: MergePlan, where: str) -> None:
    """Make sure that no key is in the batch twice.

    Raises:
        DestinationError: naming keys that are.
    """
    keys = list(plan.keys)
    if batch.select(pl.struct(keys).n_unique()).item() == batch.height:
        return
    twice = batch.group_by(keys).len().filter(pl.col("len") > 1).sort(keys).head(_SHOWN).drop("len").rows()
    shown = listed(str(row if len(keys) > 1 else row[0]) for row in twice)
    message = (
        f"{where}: several rows of the batch have the same merge keys {listed(keys)}: {shown}. Say which one is the newest "
        "with transform.latest_data_columns, or choose keys that are unique"
    )
    raise DestinationError(message, {"keys": [str(row) for row in twice]})


@dataclass(frozen=True, slots=True)
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


def upsert(table: DeltaTable, path: str, batch: pl.DataFrame, schema: pl.Schema, plan: MergePlan) -> Upsert:
    """Find the files with rows that match the batch, and plan what they become.

    Args:
        table: as of the version that the commit must follow.
        path: the table's folder.
        batch: rows with unique keys.
        schema: the table's columns, new ones included.
        plan: keys, and columns that matched rows keep.
    """
    given = {known: name for name, known in spellings(batch.schema, schema).items()}
    names = [name for name in schema.names() if name in given]
    batch = conform(batch.lazy(), batch.schema, {name: schema[name] for name in names}).collect()
    keys = list(dict.fromkeys(spellings({key: pl.Null()}, schema)[key] for key in plan.keys))
    kept = [name for name in schema.names() if name not in keys and (name in plan.keep or name not in names)]
    files = _Files(table, path, schema)
    candidates = files.which_may_hold(batch, keys)
    hits = (
        files.rows(candidates, [*keys, *kept])
        .join(batch.lazy().select(keys), on=keys, how="semi", nulls_equal=True)
        .collect(engine="streaming")
    )
    touched = candidates.filter(pl.col("path").is_in(hits[_PATH].unique().implode()))
    inserts = batch.join(hits, on=keys, how="anti", nulls_equal=True)
    updates = batch.drop(kept, strict=False).join(hits.drop(_PATH), on=keys, how="inner", nulls_equal=True)
    untouched = files.rows(touched, schema.names()).join(
        batch.lazy().select(keys), on=keys, how="anti", nulls_equal=True
    )
    frame = pl.concat([
        untouched.select(schema.names()),
        conform(updates.lazy(), updates.schema, schema),
        conform(inserts.lazy(), inserts.schema, schema),
    ])  # fmt: skip
    return Upsert(frame=frame, removes=files.removes(touched), inserted=inserts.height)


class _Files:
    """The data files of one version of a table, with their partition values and statistics."""

    def __init__(self, table: DeltaTable, path: str, schema: pl.Schema) -> None:
        self._actions = pl.DataFrame(table.get_add_actions(flatten=True))
        self._keys = table.metadata().partition_columns
        self._path = path
        self._schema = schema

    def which_may_hold(self, batch: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
        """Return the files whose bounds overlap the batch's keys; a key with nulls in the batch prunes nothing."""
        found = self._actions
        for key in keys:
            low, high = (f"partition.{key}",) * 2 if key in self._keys else (f"min.{key}", f"max.{key}")
            values = batch[key]
            if values.null_count() or low not in found.columns or found[low].dtype != values.dtype or not len(values):
                continue
            may = (
                pl.col(low).is_null()
                | pl.col(high).is_null()
                | ((pl.col(low) <= values.max()) & (pl.col(high) >= values.min()))
            )
            found = found.filter(may)
        return found

    def rows(self, files: pl.DataFrame, columns: Sequence[str]) -> pl.LazyFrame:
        """Scan columns of some files, and the path of each row's file as the log has it."""
        if files.is_empty():
            return pl.LazyFrame(schema={**{name: self._schema[name] for name in columns}, _PATH: pl.String()})
        stored = {name: kind for name, kind in self._schema.items() if name not in self._keys}
        values = files.select(
            (pl.lit(self._path + "/") + pl.col("path")).alias(_PATH),
            pl.col("path").alias("path"),
            *(
                pl.col(f"partition.{name}").cast(self._schema[name]).alias(name)
                for name in self._keys
                if name in columns
            ),
        )
        scanned = pl.scan_parquet(
            values[_PATH].to_list(),
            schema=stored,
            missing_columns="insert",
            extra_columns="ignore",
            include_file_paths=_PATH,
            glob=False,
            hive_partitioning=False,
            cast_options=pl.ScanCastOptions(
                integer_cast="upcast", float_cast="upcast", datetime_cast="nanosecond-downcast"
            ),
        ).select(*(name for name in columns if name in stored), _PATH)
        return scanned.join(values.lazy(), on=_PATH, how="left", maintain_order="left").select(
            *columns, pl.col("path").alias(_PATH)
        )

    def removes(self, files: pl.DataFrame) -> list[RemoveAction]:
        """Return the actions that take files out of the table."""
        now = int(time.time() * 1000)
        return [
            RemoveAction(path=path, data_change=True, deletion_timestamp=now, size=size)
            for path, size in files.select("path", "size_bytes").iter_rows()
        ]
