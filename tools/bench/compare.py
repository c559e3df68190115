"""Whether two results hold the same rows: `python -m tools.bench.compare FORMAT ONE OTHER`."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
from pyiceberg.catalog.sql import SqlCatalog


def differences(format_: str, one: Path, other: Path) -> list[str]:
    """Say in what two folders of Parquet files, or two Delta or Iceberg tables, differ: columns, types, rows, values.

    Values are compared column by column, in no order.
    """
    frames = [_scan(format_, path) for path in (one, other)]
    schemas = [dict(frame.collect_schema()) for frame in frames]
    if schemas[0] != schemas[1]:
        return [f"columns: {schemas[0]} and {schemas[1]}"]
    summaries = [_summary(frame) for frame in frames]
    return [
        f"{name}: {summaries[0][name]} and {value}"
        for name, value in summaries[1].items()
        if value != summaries[0][name]
    ]


def _scan(format_: str, path: Path) -> pl.LazyFrame:
    if format_ == "iceberg":
        catalog = SqlCatalog("default", uri=f"sqlite:///{path.parent}/catalog.db")
        return pl.scan_iceberg(catalog.load_table(f"db.{path.name}"))
    return pl.scan_delta(path) if format_ == "delta" else pl.scan_parquet(path / "**/*.parquet")


def _summary(frame: pl.LazyFrame) -> dict[str, object]:
    """Return the number of rows, and per column the wrapping sum of its values' hashes."""
    hashes = pl.all().hash().sum()
    return frame.select(pl.len().alias("number of rows"), hashes).collect(engine="streaming").row(0, named=True)


if __name__ == "__main__":
    found = differences(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    sys.exit("\n".join(found) or 0)
