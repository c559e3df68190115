"""The data files of a Delta table as copy on write needs them: their bounds, and a scan of some of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import unquote

import polars as pl
from deltalake.transaction import RemoveAction

from datacoolie_engine_polars.access import LOCAL
from datacoolie_engine_polars.copy_on_write import PATH, DataFiles
from datacoolie_engine_polars.delta.schema import schema_of
from datacoolie_engine_polars.schemas import conform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deltalake import DeltaTable

    from datacoolie_engine_polars.access import Access, Arguments
    from datacoolie_engine_polars.copy_on_write import Evaluate
    from datacoolie_engine_polars.evolution import SchemaChange

_PARTITION = "partition."

_DOUBLE_DIGITS = 15
"""Digits of a decimal that survive as a double, which is what bounds of decimals in a log become when they are read."""


def data_files(table: DeltaTable, path: str, change: SchemaChange, evaluate: Evaluate, access: Access) -> DataFiles:
    """Return the data files of the version that `table` is at.

    Args:
        table: the table.
        path: its folder.
        change: its columns, and what they become.
        evaluate: runs a plan.
        access: how to get at the files.
    """
    actions = _trusted(pl.DataFrame(table.get_add_actions(flatten=True)))
    partitions = table.metadata().partition_columns
    bounds = [
        pl.col(_PARTITION + name).alias(f"{end}.{name}")
        for name in partitions
        for end in ("min", "max")
        if _PARTITION + name in actions.columns
    ]
    old = {new: name for name, new in change.renamed.items()}
    new = {name: kind for name, kind in change.schema.items() if name not in old}
    stored = pl.Schema({**new, **change.current})
    files = _with_paths(actions, path).with_columns(bounds).with_columns(_widened(actions.schema))

    def scan(some: pl.DataFrame, columns: Sequence[str]) -> pl.LazyFrame:
        rows = _scan(some, [old.get(name, name) for name in columns], stored, partitions, access.arguments)
        rows = rows.rename({old[name]: name for name in columns if name in old})
        return conform(rows, rows.collect_schema(), {name: change.schema.get(name, pl.String()) for name in columns})

    return DataFiles(files=files, schema=change.schema, scan=scan, evaluate=evaluate)


def scanned(table: DeltaTable, path: str, access: Access) -> pl.LazyFrame:
    """Return the rows of a table. Polars skips files by bounds; from those that are rounded, filters are kept away."""
    schema, place = schema_of(table), access.arguments
    if access is not LOCAL and any("%" in uri for uri in table.file_uris()):
        # Polars takes these escaped URIs for the keys of objects.
        files = _with_paths(pl.DataFrame(table.get_add_actions(flatten=True)), path)
        return _scan(files, list(schema), schema, table.metadata().partition_columns, place)
    if place.get("credential_provider") is None:
        rows = pl.scan_delta(table)
    else:  # a table that is open already keeps the credentials that it was opened with
        rows = pl.scan_delta(path, version=table.version(), **place)
    rounded = {name: kind for name, kind in schema.items() if _is_rounded(kind)}
    return rows.with_columns(
        pl.col(name).map_batches(lambda values: values, return_dtype=kind, is_elementwise=True)
        for name, kind in rounded.items()
    )


def removes(files: pl.DataFrame) -> list[RemoveAction]:
    """Return the actions that take files out of the table."""
    now = int(time.time() * 1000)
    return [
        RemoveAction(path=unquote(path), data_change=True, deletion_timestamp=now, size=size)
        for path, size in files.select("path", "size_bytes").iter_rows()
    ]


def _with_paths(actions: pl.DataFrame, path: str) -> pl.DataFrame:
    """Add where each file is."""
    return actions.with_columns(pl.Series(PATH, [f"{path}/{unquote(one)}" for one in actions["path"]], dtype=pl.String))


def _trusted(actions: pl.DataFrame) -> pl.DataFrame:
    """Drop bounds that may leave values out: those of floats know no NaN, those of long decimals are rounded."""
    bounds = {name: kind for name, kind in actions.schema.items() if name.startswith(("min.", "max."))}
    return actions.drop(name for name, kind in bounds.items() if kind.is_float() or _is_rounded(kind))


def _is_rounded(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.Decimal) and kind.precision > _DOUBLE_DIGITS


def _widened(schema: pl.Schema) -> list[pl.Expr]:
    """Widen bounds of timestamps by what other writers cut off."""
    slack = pl.duration(milliseconds=1)
    return [
        (pl.col(name) - slack if name.startswith("min.") else pl.col(name) + slack).alias(name)
        for name, kind in schema.items()
        if name.startswith(("min.", "max.")) and isinstance(kind, pl.Datetime)
    ]


def _scan(
    files: pl.DataFrame, columns: Sequence[str], schema: pl.Schema, partitions: Sequence[str], place: Arguments
) -> pl.LazyFrame:
    outside = [name for name in columns if name in partitions]
    scanned = pl.scan_parquet(
        files[PATH].to_list(),
        schema=pl.Schema({name: kind for name, kind in schema.items() if name not in partitions}),
        missing_columns="insert",
        extra_columns="ignore",
        include_file_paths=PATH if outside or PATH in columns else None,
        glob=False,
        hive_partitioning=False,
        **place,
        cast_options=pl.ScanCastOptions(
            integer_cast="upcast",
            float_cast="upcast",
            datetime_cast="nanosecond-downcast",
            missing_struct_fields="insert",
        ),
    )
    if outside:
        values = (pl.col(_PARTITION + name).cast(schema[name]).alias(name) for name in outside)
        scanned = scanned.join(files.lazy().select(PATH, *values), on=PATH, how="left", maintain_order="left")
    return scanned.select(columns)
