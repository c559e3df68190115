"""The jobs as one writes them by hand in plain Polars: `python by_hand.py JOB SOURCE DESTINATION KEY,...`.

This file imports nothing of the project: what it uses is what such a script uses. Parquet is compressed with snappy, as
datacoolie does when nothing else is said, so that both sides do the same work.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog


def csv_to_parquet(source: Path, destination: Path, _keys: list[str]) -> None:
    """Rewrite CSV files, types of numbers and booleans inferred, as one Parquet file."""
    pl.scan_csv(source / "*.csv").sink_parquet(destination / "data.parquet", mkdir=True, compression="snappy")


def parquet_to_parquet(source: Path, destination: Path, _keys: list[str]) -> None:
    """Rewrite Parquet files as one."""
    pl.scan_parquet(source / "*.parquet").sink_parquet(destination / "data.parquet", mkdir=True, compression="snappy")


def parquet_to_delta(source: Path, destination: Path, _keys: list[str]) -> None:
    """Append Parquet files to a Delta table."""
    pl.scan_parquet(source / "*.parquet").sink_delta(destination, mode="append")


def upsert(source: Path, destination: Path, keys: list[str]) -> None:
    """Merge Parquet files into a Delta table."""
    options = {
        "predicate": " and ".join(f"t.{key} = s.{key}" for key in keys),
        "source_alias": "s",
        "target_alias": "t",
    }
    merger = pl.scan_parquet(source / "*.parquet").sink_delta(destination, mode="merge", delta_merge_options=options)
    assert merger is not None  # noqa: S101 - what sink_delta returns in this mode
    merger.when_matched_update_all().when_not_matched_insert_all().execute()


def append(source: Path, destination: Path, _keys: list[str]) -> None:
    """Append Parquet files to a Delta table, from memory."""
    pl.read_parquet(source / "*.parquet").write_delta(destination, mode="append")


def scd2(source: Path, destination: Path, keys: list[str]) -> None:
    """Close the versions that a later event ends, then append the new ones: two passes, and events come in order."""
    events = pl.read_parquet(source / "*.parquet")
    tracked = [name for name in events.columns if name not in {*keys, "updated_at"}]
    current = pl.scan_delta(destination).filter("__is_current").select(*keys, *tracked)
    known = current.join(events.lazy().select(keys), on=keys, how="semi").collect(engine="streaming")
    changed = events.join(known, on=[*keys, *tracked], how="anti", nulls_equal=True)
    options = {
        "predicate": " and ".join(["t.__is_current", *(f"t.{key} = s.{key}" for key in keys)]),
        "source_alias": "s",
        "target_alias": "t",
    }
    merger = changed.select(*keys, "updated_at").write_delta(destination, mode="merge", delta_merge_options=options)
    merger.when_matched_update({"__valid_to": "s.updated_at", "__is_current": "false"}).execute()
    versions = changed.with_columns(
        __valid_from=pl.col("updated_at"),
        __valid_to=pl.lit(None, pl.Datetime("us", "UTC")),
        __is_current=pl.lit(value=True),
    )
    versions.write_delta(destination, mode="append", delta_write_options={"schema_mode": "merge"})


def iceberg_append(source: Path, destination: Path, _keys: list[str]) -> None:
    """Append Parquet files to a new Iceberg table in a catalog on SQLite, streaming."""
    from pyarrow.dataset import dataset  # noqa: PLC0415 - other jobs must not pay for it

    rows = dataset(source, format="parquet").scanner().to_reader()
    catalog = _catalog(destination)
    catalog.create_namespace_if_not_exists("db")
    catalog.create_table(f"db.{destination.name}", rows.schema).append(rows)
    catalog.close()


def iceberg_upsert(source: Path, destination: Path, keys: list[str]) -> None:
    """Merge Parquet files into an Iceberg table."""
    from pyarrow.dataset import dataset  # noqa: PLC0415 - as above

    catalog = _catalog(destination)
    catalog.load_table(f"db.{destination.name}").upsert(dataset(source, format="parquet").to_table(), join_cols=keys)
    catalog.close()


def _catalog(destination: Path) -> SqlCatalog:
    from pyiceberg.catalog.sql import SqlCatalog  # noqa: PLC0415 - as above

    folder = destination.parent
    folder.mkdir(exist_ok=True)
    codec = {"table-default.write.parquet.compression-codec": "snappy"}
    return SqlCatalog("default", uri=f"sqlite:///{folder}/catalog.db", warehouse=str(folder), **codec)


def tiny_flows(source: Path, destination: Path, _keys: list[str]) -> None:
    """Append what is new in each folder to its own Delta table; the newest moment is kept in a file."""
    for folder in sorted(source.iterdir()):
        mark = destination / f"{folder.name}.json"
        frame = pl.scan_parquet(folder / "*.parquet")
        if mark.exists():
            frame = frame.filter(pl.col("updated_at") > datetime.fromisoformat(json.loads(mark.read_text())))
        rows = frame.collect()
        if not rows.is_empty():
            rows.write_delta(destination / folder.name, mode="append")
            mark.write_text(json.dumps(rows.select(pl.max("updated_at")).item().isoformat()))


JOBS = {
    job.__name__: job
    for job in (
        csv_to_parquet,
        parquet_to_parquet,
        parquet_to_delta,
        append,
        upsert,
        scd2,
        iceberg_append,
        iceberg_upsert,
        tiny_flows,
    )
}

if __name__ == "__main__":
    JOBS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4].split(","))
