"""Upserts into Delta: rows, what is rewritten, and what is refused before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from datacoolie.core.exceptions import DestinationError
from datacoolie.engines import Observation, TableOps, WriteRequest, WriteResult
from datacoolie.sql import agg, col

Open = Callable[..., TableOps[pl.LazyFrame]]
Request = Callable[..., WriteRequest[pl.LazyFrame]]
Merge = Callable[..., WriteResult]


def frame(**columns: Sequence[object]) -> pl.LazyFrame:
    return pl.LazyFrame(columns)


def rows(path: Path) -> list[tuple[object, ...]]:
    """Read a table with its own library, sorted."""
    return sorted(pl.DataFrame(DeltaTable(path).to_pyarrow_table()).rows(), key=repr)


def test_rows_are_updated_and_inserted(tmp_path: Path, table_at: Open, request_of: Request, merge: Merge) -> None:
    table_at().append(frame(id=[1, 2, 3], v=["a", "b", "c"]), request_of(1))
    result = merge(table_at(), frame(id=[2, 4], v=["B", None]), request_of(2), "id")
    assert (result.rows, result.inserted, result.updated, result.removed_files) == (2, 1, 1, 1)
    assert rows(tmp_path / "table") == [(1, "a"), (2, "B"), (3, "c"), (4, None)]
    assert DeltaTable(tmp_path / "table").version() == 1


def test_a_first_merge_makes_the_table(tmp_path: Path, table_at: Open, request_of: Request, merge: Merge) -> None:
    result = merge(table_at(), frame(id=[2, 1], v=["b", "a"]), request_of(1), "id")
    assert (result.rows, result.inserted, result.updated) == (2, 2, 0)
    assert rows(tmp_path / "table") == [(1, "a"), (2, "b")]


def test_only_files_with_a_touched_key_are_written_again(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    for seq, ids in enumerate([[1, 2, 30], [3, 4], [5, 25]], 1):
        table_at().append(frame(id=ids, v=["old"] * len(ids)), request_of(seq))
    before = set(DeltaTable(tmp_path / "table").file_uris())
    result = merge(table_at(), frame(id=[4, 20], v=["new", "new"]), request_of(4), "id")
    after = set(DeltaTable(tmp_path / "table").file_uris())
    assert result.removed_files == 1
    assert {Path(one).name for one in before - after} == {"dc-flow-2-00000.parquet"}
    assert len(before & after) == 2
    old = [(i, "old") for i in (1, 2, 3, 5, 25, 30)]
    assert rows(tmp_path / "table") == sorted([*old, (4, "new"), (20, "new")], key=repr)


def test_all_rows_of_a_key_that_the_table_has_several_times_are_updated(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    table_at().append(frame(id=[1, 1], v=["a", "b"], made=[1, 2]), request_of(1))
    merge(table_at(), frame(id=[1, 2], v=["A", "C"], made=[9, 9]), request_of(2), "id", keep=("made",))
    assert rows(tmp_path / "table") == [(1, "A", 1), (1, "A", 2), (2, "C", 9)]
    merge(table_at(), frame(id=[1], v=["B"], made=[8]), request_of(3), "id")
    assert rows(tmp_path / "table") == [(1, "B", 8), (1, "B", 8), (2, "C", 9)]


def test_null_keys_are_equal(tmp_path: Path, table_at: Open, request_of: Request, merge: Merge) -> None:
    table_at().append(frame(a=[1, None, None], b=["x", "x", None], v=[1, 2, 3]), request_of(1))
    merge(table_at(), frame(a=[None, None, 1], b=["x", None, None], v=[20, 30, 40]), request_of(2), "a", "b")
    expected = [(1, "x", 1), (None, "x", 20), (None, None, 30), (1, None, 40)]
    assert rows(tmp_path / "table") == sorted(expected, key=repr)


def test_kept_columns_and_columns_without_values_stay(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    table_at().append(frame(id=[1, 2], v=["a", "b"], made=[10, 20], more=["p", "q"]), request_of(1))
    merge(table_at(), frame(made=[77, 88], ID=[2, 3], v=["B", "C"]), request_of(2), "id", keep=("made",))
    assert rows(tmp_path / "table") == [(1, "a", 10, "p"), (2, "B", 20, "q"), (3, "C", 88, None)]


def test_a_new_column_is_added_and_null_in_rows_that_were_there(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    table_at().append(frame(id=[1, 2]), request_of(1))
    table_at().append(frame(id=[9]), request_of(2))
    merge(table_at(), frame(id=[2, 3], new=["x", "y"]), request_of(3), "id")
    assert rows(tmp_path / "table") == [(1, None), (2, "x"), (3, "y"), (9, None)]


def test_a_row_whose_partition_changes_is_moved(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    table_at().append(frame(id=[1, 2, 3], p=["a", "a", "b c/%"]), request_of(1, partition_by=("p",)))
    merge(table_at(), frame(id=[2, 3, 4], p=["b c/%", None, "d"]), request_of(2), "id")
    assert rows(tmp_path / "table") == [(1, "a"), (2, "b c/%"), (3, None), (4, "d")]
    assert table_at().scan().filter(pl.col("p") == "b c/%").collect()["id"].to_list() == [2]


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


def test_merging_the_same_batch_again_changes_no_row(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    table_at().append(frame(id=[1, 2], v=["a", "b"]), request_of(1))
    for seq in (2, 3):
        merge(table_at(), frame(id=[2, 3], v=["B", "C"]), request_of(seq), "id")
        assert rows(tmp_path / "table") == [(1, "a"), (2, "B"), (3, "C")]


def test_an_empty_batch_commits_the_token_alone(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    table_at().append(frame(id=[1]), request_of(1))
    result = merge(table_at(), frame(id=[1]).filter(pl.col("id") > 1), request_of(2), "id")
    assert (result.rows, result.inserted, result.updated, result.files, result.removed_files) == (0, 0, 0, 0, 0)
    assert rows(tmp_path / "table") == [(1,)]
    committed = table_at().committed("flow", after=1)
    assert committed is not None


@pytest.mark.parametrize("first", [True, False])
def test_keys_that_are_twice_in_the_batch_are_named(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge, *, first: bool
) -> None:
    if not first:
        table_at().append(frame(id=[1], k=["a"]), request_of(1))
    batch = frame(id=[7, 7, 1, None, None], k=["x", "x", "y", None, None])
    with pytest.raises(DestinationError, match=r"same merge keys id, k: \(None, None\), \(7, 'x'\)") as caught:
        merge(table_at(), batch, request_of(2), "id", "k")
    assert "latest_data_columns" in caught.value.message
    assert len(list((tmp_path).rglob("*.parquet"))) == (0 if first else 1)


def test_a_key_that_is_no_column_is_named(table_at: Open, request_of: Request, merge: Merge) -> None:
    for seq in (1, 2):
        with pytest.raises(DestinationError, match=r"merge key 'idd'.*Did you mean 'id'"):
            merge(table_at(), frame(id=[1]), request_of(seq), "idd")
        if seq == 1:
            table_at().append(frame(id=[1]), request_of(1))


def test_keys_of_another_type_than_the_tables(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    table_at().append(frame(id=[1, 2], v=[1, 1]), request_of(1))
    merge(table_at(), frame(id=[2, 3], v=[5, 5]).cast({"id": pl.Int16}), request_of(2), "id")
    assert rows(tmp_path / "table") == [(1, 1), (2, 5), (3, 5)]


def test_what_is_observed_reaches_the_decision(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    table_at().append(frame(id=[1]), request_of(1))
    source = frame(id=[5, 2])
    observe = {"top": Observation(frame=source, aggregate=agg("max", col("id")))}
    merge(table_at(), source, request_of(2, observe=observe), "id")
    assert (
        json.loads(DeltaTable(tmp_path / "table").history(1)[0]["userMetadata"])["datacoolie.observed"] == "{'top': 5}"
    )


def test_timestamps_and_text_keys_prune_without_losing_rows(table_at: Open, request_of: Request, merge: Merge) -> None:
    at = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    long = "k" * 60
    table_at().append(frame(t=[at], k=[long], v=[1]), request_of(1))
    table_at().append(frame(t=[at.replace(year=2020)], k=["a"], v=[2]), request_of(2))
    result = merge(table_at(), frame(t=[at], k=[long], v=[9]), request_of(3), "t", "k")
    assert (result.updated, result.removed_files) == (1, 1)
    assert [row[2] for row in table_at().scan().sort("v").collect().rows()] == [2, 9]


def test_a_table_with_tables_and_columns_named_like_ours(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    table_at().append(pl.LazyFrame({"path": [1, 2], "v_new": ["a", "b"], "len": [0, 0]}), request_of(1))
    merge(table_at(), pl.LazyFrame({"path": [2], "v_new": ["B"], "len": [1]}), request_of(2), "path")
    assert rows(tmp_path / "table") == [(1, "a", 0), (2, "B", 1)]


def test_partitions_of_dates_and_times(tmp_path: Path, table_at: Open, request_of: Request, merge: Merge) -> None:
    days = [date(2024, 1, 1), date(2024, 1, 2), None]
    times = [datetime(2024, 1, 1, 2, 3, 4, 5, tzinfo=UTC), None, datetime(2024, 1, 1, tzinfo=UTC)]
    source = frame(id=[1, 2, 3], day=days, at=times)
    table_at().append(source, request_of(1, partition_by=("day", "at")))
    merge(table_at(), frame(id=[2], day=days[:1], at=times[2:]), request_of(2), "id")
    assert rows(tmp_path / "table") == [(1, days[0], times[0]), (2, days[0], times[2]), (3, None, times[2])]
    batch = frame(id=[3], day=[None], at=times[2:]).cast({"day": pl.Date})
    result = merge(table_at(), batch, request_of(3), "day", "at")
    assert (result.updated, result.inserted) == (1, 0)
