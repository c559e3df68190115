"""Makes the data of the benchmarks: `python -m tools.bench.data KIND ROWS FOLDER`.

The same arguments always give the same rows. A folder holds:

    parquet/ csv/   the rows, in several files
    base/           the rows as a Delta table
    changes/        a tenth of the rows, changed, and one new row for each nine of these
    neighbours/     a hundredth of the rows, changed, which lie in one file of `base`
    more/           a tenth as many new rows
    history/        the rows as a Delta table with one version of each key (generated data only)
    events/         a tenth of the keys with a later version (generated data only)
    tiny/           small folders of one Parquet file each
    keys.json       the names of the key columns; written last: a folder that holds it is complete
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

FILES = 10
"""Files that the rows are split into."""

TINY_FLOWS = 200
TINY_ROWS = 100

TPCH_ROWS = 6_000_000
"""Rows of TPC-H's `lineitem` at scale factor 1, roughly."""

_START = datetime(2026, 1, 1, tzinfo=UTC)


def make(kind: str, rows: int, folder: Path) -> None:
    """Fill `folder` with data of one kind: `generated` or `tpch` (`lineitem`, made by tpchgen-cli).

    Raises:
        ValueError: the kind is unknown.
        FileNotFoundError: tpchgen-cli is not installed.
    """
    if kind not in {"generated", "tpch"}:
        message = f"No data is called {kind!r}. Possible: generated, tpch"
        raise ValueError(message)
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("parquet", "csv", "changes", "neighbours", "more"):
        (folder / name).mkdir(parents=True)
    if kind == "generated":
        _make_generated(rows, folder)
    else:
        _make_tpch(rows, folder)


def generated(start: int, stop: int) -> pl.LazyFrame:
    """Return the rows whose ids are from `start` to before `stop`."""
    hash_ = _random(7)
    return pl.LazyFrame({"id": pl.int_range(start, stop, eager=True)}).select(
        "id",
        customer=(_random(1) % 100_000).cast(pl.Int64),
        quantity=(_random(2) % 100).cast(pl.Int64),
        price=(_random(3) % 1_000_000).cast(pl.Float64) / 100,
        discount=pl.when(_random(4) % 10 != 0).then((_random(5) % 1000).cast(pl.Float64) / 1000),
        status=_one_of(_random(6), ["open", "paid", "sent", "returned"]),
        city=pl.lit("city ") + (_random(8) % 1000).cast(pl.String),
        note=pl.when(hash_ % 20 != 0).then(pl.lit("note ") + hash_.cast(pl.String)),
        express=_random(9) % 3 == 0,
        day=pl.lit(date(2020, 1, 1)) + pl.duration(days=_random(10) % 2000),
        updated_at=pl.lit(_START) + pl.duration(seconds=pl.col("id")),
    )


def _random(seed: int) -> pl.Expr:
    """Return 64 bits that only depend on `id` and `seed` (splitmix64, whose products wrap)."""
    bits = (pl.col("id").cast(pl.UInt64) + seed * 0x2545F491) * pl.lit(0x9E3779B97F4A7C15, pl.UInt64)
    bits = (bits ^ (bits // 2**30)) * pl.lit(0xBF58476D1CE4E5B9, pl.UInt64)
    bits = (bits ^ (bits // 2**27)) * pl.lit(0x94D049BB133111EB, pl.UInt64)
    return bits ^ (bits // 2**31)


def _one_of(bits: pl.Expr, words: list[str]) -> pl.Expr:
    return (bits % len(words)).replace_strict(dict(enumerate(words)), return_dtype=pl.String)


def _make_generated(rows: int, folder: Path) -> None:
    for number in range(FILES):
        part = generated(rows * number // FILES, rows * (number + 1) // FILES)
        part.sink_parquet(folder / f"parquet/part-{number}.parquet")
        part.sink_csv(folder / f"csv/part-{number}.csv")
    picked = pl.concat([generated(0, rows).filter(_random(11) % 10 == 0), generated(rows, rows + rows // 100)])
    generated(rows, rows + rows // 10).sink_parquet(folder / "more/more.parquet")
    begin = rows // 2 + rows // 50
    neighbours = generated(begin, begin + rows // 100).with_columns(status=pl.lit("changed"))
    neighbours.sink_parquet(folder / "neighbours/changes.parquet")
    _make_history(rows, folder)
    _finish(folder, picked.with_columns(status=pl.lit("changed")), ["id"])


def _make_history(rows: int, folder: Path) -> None:
    moment = pl.Datetime("us", "UTC")
    repeats = pl.List(pl.Struct({"__valid_from": moment, "updated_at": moment}))
    for path in sorted((folder / "parquet").iterdir()):
        versions = pl.scan_parquet(path).with_columns(
            __valid_from=pl.col("updated_at"),
            __valid_to=pl.lit(None, moment),
            __is_current=pl.lit(value=True),
            __repeats=pl.lit(None, repeats),
        )
        versions.sink_delta(folder / "history", mode="append")
    later = generated(0, rows).filter(_random(12) % 10 == 0)
    (folder / "events").mkdir()
    later.with_columns(
        quantity=pl.col("quantity") + 1, updated_at=pl.col("updated_at") + pl.duration(days=400)
    ).sink_parquet(folder / "events/events.parquet")


def _make_tpch(rows: int, folder: Path) -> None:
    for format_ in ("parquet", "csv"):
        command = ["tpchgen-cli", format_, f"--scale-factor={rows / TPCH_ROWS}", "--tables=lineitem"]
        subprocess.run([*command, f"--parts={FILES}", f"--output-dir={folder}"], check=True)
        for number, path in enumerate(sorted((folder / "lineitem").iterdir())):
            path.rename(folder / f"{format_}/part-{number}.{format_}")
        (folder / "lineitem").rmdir()
    frame = pl.scan_parquet(folder / "parquet/*.parquet")
    changed = frame.filter(pl.col("l_partkey") % 10 == 0)
    new = frame.filter(pl.col("l_partkey") % 100 == 1).with_columns(-pl.col("l_orderkey"))
    picked = pl.concat([changed, new]).with_columns(l_comment=pl.lit("changed"))
    new.sink_parquet(folder / "more/more.parquet")
    part = pl.scan_parquet(folder / "parquet/part-5.parquet").head(rows // 100)
    part.with_columns(l_comment=pl.lit("changed")).sink_parquet(folder / "neighbours/changes.parquet")
    _finish(folder, picked, ["l_orderkey", "l_linenumber"])


def _finish(folder: Path, changes: pl.LazyFrame, keys: list[str]) -> None:
    changes.sink_parquet(folder / "changes/changes.parquet")
    for path in sorted((folder / "parquet").iterdir()):
        pl.scan_parquet(path).sink_delta(folder / "base", mode="append")
    for number in range(TINY_FLOWS):
        place = folder / f"tiny/flow_{number:03}"
        place.mkdir(parents=True)
        generated(0, TINY_ROWS).sink_parquet(place / "1.parquet")
    generated(TINY_ROWS, 2 * TINY_ROWS).sink_parquet(folder / "more.parquet")
    (folder / "keys.json").write_text(json.dumps(keys), encoding="utf-8")


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
