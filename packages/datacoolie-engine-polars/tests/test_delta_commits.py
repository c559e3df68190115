"""Delta: what each load type leaves, what the log says, and who wins."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from datacoolie.core.exceptions import DestinationError, EngineError, SourceError
from datacoolie.core.types import IntegerType, LongType, StringType
from datacoolie.engines import (
    BaseEngine,
    CommitConflictError,
    Observation,
    TableOps,
    TableRef,
    WriteRequest,
    WriteResult,
)
from datacoolie.sql import agg, col, count

Open = Callable[..., TableOps[pl.LazyFrame]]
Request = Callable[..., WriteRequest[pl.LazyFrame]]
Merge = Callable[..., WriteResult]


class RefusedError(Exception):
    pass


def frame(**columns: Sequence[object]) -> pl.LazyFrame:
    return pl.LazyFrame(columns)


def rows(path: Path) -> list[tuple[object, ...]]:
    """Read a table with its own library, sorted."""
    return sorted(pl.DataFrame(DeltaTable(path).to_pyarrow_table()).rows(), key=repr)


def files_of(path: Path) -> set[str]:
    return {str(one.relative_to(path)) for one in path.rglob("*.parquet") if "_delta_log" not in one.parts}


def referred(path: Path) -> set[str]:
    return {str(Path(one).relative_to(path)) for one in DeltaTable(path).file_uris()}


def test_a_first_append_makes_the_table(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    table = table_at()
    assert not table.exists
    result = table.append(frame(id=[1, 2], name=["a", None]), request_of())
    assert (result.rows, result.files, result.removed_files) == (2, 1, 0)
    assert rows(tmp_path / "table") == [(1, "a"), (2, None)]
    assert table_at().schema() == {"id": LongType(), "name": StringType()}


def test_a_second_append_adds_rows(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[1]), request_of(1))
    table_at().append(frame(id=[2]), request_of(2))
    assert rows(tmp_path / "table") == [(1,), (2,)]
    assert DeltaTable(tmp_path / "table").version() == 1


def test_the_commit_says_what_was_decided(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    source = frame(id=[1, 2, 5])
    kept = source.filter(pl.col("id") > 1)
    observe = {
        "n": Observation(frame=source, aggregate=count()),
        "top": Observation(frame=source, aggregate=agg("max", col("id"))),
        "kept": Observation(frame=kept, aggregate=count()),
    }
    table_at().append(kept, request_of(7, observe=observe))
    entry = DeltaTable(tmp_path / "table").history(1)[0]
    assert json.loads(entry["userMetadata"]) == {
        "datacoolie.dataflow_id": "flow",
        "datacoolie.seq": "7",
        "datacoolie.epoch": "2",
        "datacoolie.mark": "mark 7",
        "datacoolie.observed": "{'n': 3, 'top': 5, 'kept': 2}",
    }
    commit = table_at().committed("flow", after=6)
    assert commit is not None
    assert (commit.token.seq, commit.token.epoch, commit.metadata["mark"]) == (7, 2, "mark 7")
    assert table_at().committed("flow", after=7) is None
    assert table_at().committed("another flow") is None


def test_committed_finds_the_flows_own_commit_below_those_of_others(table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[1]), request_of(1, flow="a"))
    for seq in (1, 2, 3):
        table_at().append(frame(id=[1]), request_of(seq, flow="b"))
    found = table_at().committed("a")
    assert found is not None
    assert found.metadata["mark"] == "mark 1"


def test_a_decision_that_refuses_leaves_nothing(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[1], day=["x"]), request_of(1, partition_by=("day",)))

    def refuse(_: object) -> object:
        raise RefusedError

    before = files_of(tmp_path / "table")
    for write in ("append", "overwrite"):
        request = request_of(2)
        object.__setattr__(request, "decide", refuse)
        with pytest.raises(RefusedError):
            getattr(table_at(), write)(frame(id=[2], day=["y"]), request)
    assert rows(tmp_path / "table") == [(1, "x")]
    assert files_of(tmp_path / "table") == before
    assert not (tmp_path / "table/day=y").exists()


def test_a_decision_that_refuses_a_new_table_leaves_no_folder(
    tmp_path: Path, table_at: Open, request_of: Request
) -> None:
    request = request_of()

    def refuse(_: object) -> object:
        raise RefusedError

    object.__setattr__(request, "decide", refuse)
    with pytest.raises(RefusedError):
        table_at().append(frame(id=[2]), request)
    assert not (tmp_path / "table").exists()


def test_an_overwrite_replaces_rows_in_one_commit(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[1, 2]), request_of(1))
    result = table_at().overwrite(frame(id=[3]), request_of(2))
    assert (result.rows, result.files, result.removed_files) == (1, 1, 1)
    assert rows(tmp_path / "table") == [(3,)]
    assert DeltaTable(tmp_path / "table").version() == 1


def test_an_overwrite_may_read_the_table_it_replaces(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[1, 2]), request_of(1))
    table = table_at()
    table.overwrite(table.scan().filter(pl.col("id") > 1), request_of(2))
    assert rows(tmp_path / "table") == [(2,)]


def test_an_overwrite_with_nothing_empties_the_table(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[1, 2]), request_of(1))
    result = table_at().overwrite(frame(id=[1]).filter(pl.col("id") > 1), request_of(2))
    assert (result.rows, result.files) == (0, 0)
    assert rows(tmp_path / "table") == []
    assert files_of(tmp_path / "table") == {"dc-flow-1-00000.parquet"}


def test_two_loads_of_one_flow_at_once_conflict(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[0]), request_of(1))
    first, second = table_at(), table_at()
    assert first.exists
    assert second.exists
    first.append(frame(id=[1]), request_of(2, stem="a"))
    with pytest.raises(CommitConflictError):
        second.append(frame(id=[1]), request_of(2, stem="b"))
    assert rows(tmp_path / "table") == [(0,), (1,)]
    assert files_of(tmp_path / "table") == referred(tmp_path / "table")


def test_appends_of_two_flows_at_once_both_land(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[0]), request_of(1))
    first, second = table_at(), table_at()
    assert first.exists
    assert second.exists
    first.append(frame(id=[1]), request_of(1, flow="a"))
    second.append(frame(id=[2]), request_of(1, flow="b"))
    assert rows(tmp_path / "table") == [(0,), (1,), (2,)]


def test_an_overwrite_or_merge_of_a_table_that_moved_on_conflicts(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    table_at().append(frame(id=[0]), request_of(1))
    for name in ("overwrite", "merge"):
        stale = table_at()
        assert stale.exists
        table_at().append(frame(id=[0 if name == "x" else 5]), request_of(1, flow=f"other {name}"))
        write = stale.overwrite if name == "overwrite" else lambda *args: merge(stale, *args, "id")  # noqa: B023
        with pytest.raises(CommitConflictError):
            write(frame(id=[0]), request_of(2))
    assert rows(tmp_path / "table") == [(0,), (5,), (5,)]
    assert files_of(tmp_path / "table") == referred(tmp_path / "table")


def test_of_two_creations_one_wins(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    first, second = table_at(), table_at()
    assert not first.exists
    assert not second.exists
    first.append(frame(id=[1]), request_of(1, flow="a"))
    with pytest.raises(CommitConflictError):
        second.append(frame(id=[2]), request_of(1, flow="b"))
    assert rows(tmp_path / "table") == [(1,)]
    assert files_of(tmp_path / "table") == referred(tmp_path / "table")


def test_a_pinned_version_is_read(table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[1]), request_of(1))
    pinned = table_at().version
    table_at().append(frame(id=[2]), request_of(2))
    assert table_at(version=pinned).scan().collect()["id"].to_list() == [1]
    assert table_at(version=pinned).version == pinned
    assert table_at().version != pinned


def test_a_pinned_version_of_a_table_that_was_made_anew_is_refused(table_at: Open, request_of: Request) -> None:
    table_at("old").append(frame(id=[1]), request_of(1))
    table_at().append(frame(id=[1]), request_of(1))
    pinned = table_at("old").version
    with pytest.raises(SourceError, match="another table"):
        table_at(version=pinned).scan()


WALL = datetime(2024, 1, 2, 3, 4, 5, 678901)  # noqa: DTZ001 - a time without zone is what is tested


def test_types_survive(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    values: dict[str, list[object]] = {
        "i": [1], "s": ["é"], "f": [1.5], "b": [True], "d": [date(2024, 2, 29)], "n": [Decimal("1.25")],
        "t": [datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)], "w": [WALL],
        "x": [b"\xff"], "l": [[1, 2]], "o": [{"k": 1, "v": "q"}],
    }  # fmt: skip
    source = pl.LazyFrame(values).with_columns(
        u=pl.lit(3, pl.UInt8), ns=pl.lit(WALL, pl.Datetime("ns")), c=pl.lit("k", pl.Categorical)
    )
    table_at().append(source, request_of())
    read = table_at().scan().collect()
    assert read.row(0) == (*(one[0] for one in values.values()), 3, WALL, "k")
    assert read.schema["u"] == pl.Int16
    assert read.schema["ns"] == pl.Datetime("us")
    assert DeltaTable(tmp_path / "table").protocol().writer_features == ["timestampNtz"]


def test_statistics_are_exact_or_absent(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    long = "a" * 100
    source = frame(
        i=[3, None, 1], s=[long, "b", None], f=[1.0, float("nan"), 2.0],
        t=[datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)] * 3, d=[date(2024, 1, 1)] * 3, none=[None, None, None],
    ).cast({"none": pl.Int32})  # fmt: skip
    table_at().append(source, request_of())
    log = (tmp_path / "table/_delta_log/00000000000000000000.json").read_text().splitlines()
    (add,) = [json.loads(line)["add"] for line in log if "add" in json.loads(line)]
    stats = json.loads(add["stats"])
    assert stats["numRecords"] == 3
    assert stats["nullCount"] == {"i": 1, "s": 1, "f": 0, "t": 0, "d": 0, "none": 3}
    low, high = stats["minValues"], stats["maxValues"]
    assert (low["i"], high["i"]) == (1, 3)
    assert (low["s"], high["s"]) == ("a" * 32, "b")
    assert low["t"] == high["t"] == "2024-01-02T03:04:05.678901Z"
    assert low["d"] == "2024-01-01"
    assert "f" not in high  # NaN is the largest number, and the footer does not say whether there is one
    assert "none" not in low


def test_a_date_that_python_does_not_have(table_at: Open, request_of: Request) -> None:
    source = frame(n=[10_000_000]).with_columns(pl.col("n").cast(pl.Date))
    table_at().append(source, request_of())
    assert table_at().scan().select(pl.col("n").dt.year()).collect()["n"].to_list() == [29349]


def test_filters_find_rows_by_statistics(table_at: Open, request_of: Request) -> None:
    table_at().append(frame(s=["a" * 40 + "z"], f=[float("nan")]), request_of(1))
    read = table_at().scan()
    assert read.filter(pl.col("s") > "a" * 40).collect().height == 1
    assert read.filter(pl.col("f") > 5).collect().height == 1


@pytest.mark.parametrize("value", ["x y", "a/b=c%d", "é#?", "'\"", "[x]*", "__HIVE_DEFAULT_PARTITION__x"])
def test_partition_values_of_any_text(tmp_path: Path, table_at: Open, request_of: Request, value: str) -> None:
    source = frame(id=[1, 2, 3, 4], p=[value, None, "", "plain"])
    result = table_at().append(source, request_of(partition_by=("p",)))
    assert result.files == 3
    assert rows(tmp_path / "table") == sorted([(1, value), (2, None), (3, None), (4, "plain")], key=repr)
    assert table_at().scan().filter(pl.col("p") == value).collect()["id"].to_list() == [1]


def test_partition_values_of_other_types(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    source = frame(
        id=[1, 2, 3], d=[date(2024, 1, 2), None, date(1, 1, 1)], n=[-5, None, 0], b=[True, None, False],
        c=[Decimal("1.50"), None, Decimal(2)],
        t=[datetime(2024, 1, 2, 3, 4, 5, 600, tzinfo=UTC), None, datetime(1, 1, 1, tzinfo=UTC)],
    )  # fmt: skip
    table_at().append(source, request_of(partition_by=("d", "n", "b", "c", "t")))
    expected = source.collect().rows()
    assert table_at().scan().sort("id").select("id", "d", "n", "b", "c", "t").collect().rows() == expected
    assert rows(tmp_path / "table") == sorted(expected, key=repr)


def test_a_partition_column_that_can_not_be_one(table_at: Open, request_of: Request) -> None:
    with pytest.raises(DestinationError, match="no partition column 'q'"):
        table_at().append(frame(id=[1]), request_of(partition_by=("q",)))
    with pytest.raises(DestinationError, match="can't partition by 'f'"):
        table_at().append(frame(id=[1], f=[1.5]), request_of(partition_by=("f",)))
    with pytest.raises(DestinationError, match="all columns are partition columns"):
        table_at().append(frame(id=[1]), request_of(partition_by=("id",)))


def test_other_partition_columns_than_the_tables(table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[1], a=["x"], b=["y"]), request_of(1, partition_by=("a",)))
    with pytest.raises(DestinationError, match=r"partitioned by a, not by b"):
        table_at().append(frame(id=[1], a=["x"], b=["y"]), request_of(2, partition_by=("b",)))
    table_at().append(frame(id=[1], a=["x"], b=["y"]), request_of(2))


def test_compression_of_data_files(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[1]), request_of(1))
    table_at().append(frame(id=[1]), request_of(2, options={"compression": "GZIP"}))
    codecs = {
        name: pq.read_metadata(tmp_path / "table" / name).row_group(0).column(0).compression
        for name in files_of(tmp_path / "table")
    }
    assert codecs == {"dc-flow-1-00000.parquet": "SNAPPY", "dc-flow-2-00000.parquet": "GZIP"}


def test_a_folder_with_other_files_is_no_table(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    (tmp_path / "table/year=2024").mkdir(parents=True)
    (tmp_path / "table/year=2024/data.parquet").write_bytes(b"x")
    with pytest.raises(DestinationError, match=r"table: this is no Delta table, but files are here \(year=2024/data"):
        table_at().append(frame(id=[1]), request_of())


def test_what_a_killed_first_load_staged_is_no_obstacle(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    for stage in ("table/dc-flow-0-00000.parquet", "table/p=1/dc-flow-0-00000.parquet"):
        (tmp_path / stage).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / stage).write_bytes(b"half a file")
    table_at().append(frame(id=[1], p=[1]), request_of(partition_by=("p",)))
    assert rows(tmp_path / "table") == [(1, 1)]


def test_a_log_that_can_not_be_read(tmp_path: Path, table_at: Open) -> None:
    (tmp_path / "table/_delta_log").mkdir(parents=True)
    (tmp_path / "table/_delta_log/00000000000000000000.json").write_text("{")
    with pytest.raises(DestinationError, match="table: this is no Delta table that can be read"):
        _ = table_at().exists


def test_catalog_names_and_other_formats_are_refused_by_name(engine: BaseEngine[pl.LazyFrame]) -> None:
    with pytest.raises(EngineError, match="catalog name"):
        engine.table(TableRef(format="delta", name="a.b.c"))
    with pytest.raises(EngineError, match=r"no 'hudi' tables yet\. Possible: delta, iceberg"):
        engine.table(TableRef(format="hudi", path="/x"))
    with pytest.raises(EngineError, match="give the connection catalog_options"):
        engine.table(TableRef(format="iceberg", path="/x"))


def test_tables_of_other_writers_are_read_and_appended_to(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    write_deltalake(tmp_path / "table", pl.DataFrame({"id": [1], "p": ["a b"]}), partition_by=["p"])
    table_at().append(frame(ID=[2], p=["c"]).cast({"ID": pl.Int32}), request_of())
    assert table_at().scan().sort("id").collect().rows() == [(1, "a b"), (2, "c")]
    assert rows(tmp_path / "table") == [(1, "a b"), (2, "c")]


def test_history_is_newest_first(table_at: Open, request_of: Request) -> None:
    for seq in (1, 2, 3):
        table_at().append(frame(id=[seq]), request_of(seq))
    assert [entry["version"] for entry in table_at().history(2)] == [2, 1]


def test_a_narrow_integer_keeps_its_type(table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[1]).cast(pl.Int32), request_of())
    assert table_at().schema() == {"id": IntegerType()}


def test_results_say_the_version_of_their_commit(table_at: Open, request_of: Request, merge: Merge) -> None:
    assert table_at().append(frame(id=[1]), request_of(1)).version == "0"
    assert table_at().append(frame(id=[2]), request_of(2)).version == "1"
    assert table_at().overwrite(frame(id=[3]), request_of(3)).version == "2"
    assert merge(table_at(), frame(id=[3], more=[1]), request_of(4), "id").version == "4"  # 3 adds the column
    late = table_at()
    assert late.exists
    for seq in (1, 2):
        table_at().append(frame(id=[9]), request_of(seq, flow="other"))
    assert late.append(frame(id=[4]), request_of(5)).version == "7"


@pytest.mark.parametrize("after", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_files_of_a_commit_that_was_made_stay(
    tmp_path: Path, table_at: Open, request_of: Request, monkeypatch: pytest.MonkeyPatch, after: BaseException
) -> None:
    table_at().append(frame(id=[1]), request_of(1))
    make = DeltaTable.create_write_transaction

    def make_and_fail(*args: object, **kwargs: object) -> None:
        make(*args, **kwargs)  # type: ignore[arg-type]
        raise after

    monkeypatch.setattr(DeltaTable, "create_write_transaction", make_and_fail)
    if isinstance(after, OSError):
        assert table_at().append(frame(id=[2]), request_of(2)).version == "1"
    else:
        with pytest.raises(KeyboardInterrupt):
            table_at().append(frame(id=[2]), request_of(2))
    assert rows(tmp_path / "table") == [(1,), (2,)]


def test_files_of_a_commit_that_the_storage_refused_are_removed(
    tmp_path: Path, table_at: Open, request_of: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    table_at().append(frame(id=[1]), request_of(1))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", refuse)
    with pytest.raises(DestinationError, match="no space left"):
        table_at().append(frame(id=[2]), request_of(2))
    assert files_of(tmp_path / "table") == referred(tmp_path / "table") == {"dc-flow-1-00000.parquet"}
