"""Upserts into Delta: rows, what is rewritten, and what is refused before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from deltalake import DeltaTable

from datacoolie.engines import TableOps, WriteRequest, WriteResult

Open = Callable[..., TableOps[pl.LazyFrame]]
Request = Callable[..., WriteRequest[pl.LazyFrame]]
Merge = Callable[..., WriteResult]


def frame(**columns: Sequence[object]) -> pl.LazyFrame:
    return pl.LazyFrame(columns)


def rows(path: Path) -> list[tuple[object, ...]]:
    """Read a table with its own library, sorted."""
    return sorted(pl.DataFrame(DeltaTable(path).to_pyarrow_table()).rows(), key=repr)


def test_only_files_with_a_touched_key_are_written_again(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    for seq, ids in enumerate([[1, 2, 30], [3, 4], [5, 25]], 1):
        table_at().append(frame(id=ids, v=["old"] * len(ids)), request_of(seq, stem=str(seq)))
    before = set(DeltaTable(tmp_path / "table").file_uris())
    result = merge(table_at(), frame(id=[4, 20], v=["new", "new"]), request_of(4), "id")
    after = set(DeltaTable(tmp_path / "table").file_uris())
    assert result.removed_files == 1
    assert {Path(one).name for one in before - after} == {"dc-2-00000.parquet"}
    assert len(before & after) == 2
    old = [(i, "old") for i in (1, 2, 3, 5, 25, 30)]
    assert rows(tmp_path / "table") == sorted([*old, (4, "new"), (20, "new")], key=repr)


def test_a_key_that_is_a_partition_prunes_files(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    source = frame(day=["1", "2", "3"], id=[1, 1, 1], v=["a", "b", "c"])
    table_at().append(source, request_of(1, partition_by=("day",)))
    result = merge(table_at(), frame(day=["2"], id=[1], v=["B"]), request_of(2), "day", "id")
    assert result.removed_files == 1
    assert rows(tmp_path / "table") == [("1", 1, "a"), ("2", 1, "B"), ("3", 1, "c")]


def test_empty_text_as_partition_key_is_null(tmp_path: Path, table_at: Open, request_of: Request, merge: Merge) -> None:
    table_at().append(frame(p=["", "x"], v=[1, 2]), request_of(1, partition_by=("p",)))
    result = merge(table_at(), frame(p=[""], v=[10]), request_of(2), "p")
    assert (result.inserted, result.updated) == (0, 1)
    assert rows(tmp_path / "table") == [("x", 2), (None, 10)]


def test_timestamps_and_text_keys_prune_without_losing_rows(table_at: Open, request_of: Request, merge: Merge) -> None:
    at = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    long = "k" * 60
    table_at().append(frame(t=[at], k=[long], v=[1]), request_of(1))
    table_at().append(frame(t=[at.replace(year=2020)], k=["a"], v=[2]), request_of(2))
    result = merge(table_at(), frame(t=[at], k=[long], v=[9]), request_of(3), "t", "k")
    assert (result.updated, result.removed_files) == (1, 1)
    assert [row[2] for row in table_at().scan().sort("v").collect().rows()] == [2, 9]
