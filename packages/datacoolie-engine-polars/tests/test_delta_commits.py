"""Delta: what each load type leaves, what the log says, and who wins."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from datacoolie.core.exceptions import DestinationError, EngineError
from datacoolie.engines import (
    BaseEngine,
    CommitConflictError,
    TableOps,
    TableRef,
    WriteRequest,
    WriteResult,
)

Open = Callable[..., TableOps[pl.LazyFrame]]
Request = Callable[..., WriteRequest[pl.LazyFrame]]
Merge = Callable[..., WriteResult]


def frame(**columns: Sequence[object]) -> pl.LazyFrame:
    return pl.LazyFrame(columns)


def rows(path: Path) -> list[tuple[object, ...]]:
    """Read a table with its own library, sorted."""
    return sorted(pl.DataFrame(DeltaTable(path).to_pyarrow_table()).rows(), key=repr)


def files_of(path: Path) -> set[str]:
    return {str(one.relative_to(path)) for one in path.rglob("*.parquet") if "_delta_log" not in one.parts}


def referred(path: Path) -> set[str]:
    return {str(Path(one).relative_to(path)) for one in DeltaTable(path).file_uris()}


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


def test_no_commit_imports_pandas(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    source = frame(t=[datetime(2024, 1, 2, tzinfo=UTC)], d=[date(2024, 1, 1)], n=[Decimal("1.25")], s=["a"])
    table_at().append(source, request_of())
    path = next((tmp_path / "table").glob("*.parquet"))
    script = (
        "import sys, pyarrow.parquet; from datacoolie_engine_polars.delta.statistics import of_footer;"
        "of_footer(pyarrow.parquet.read_metadata(sys.argv[1])); print('pandas' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_a_date_that_python_does_not_have(table_at: Open, request_of: Request) -> None:
    source = frame(n=[10_000_000]).with_columns(pl.col("n").cast(pl.Date))
    table_at().append(source, request_of())
    assert table_at().scan().select(pl.col("n").dt.year()).collect()["n"].to_list() == [29349]


def test_a_partition_column_that_can_not_be_one(table_at: Open, request_of: Request) -> None:
    with pytest.raises(DestinationError, match="no partition column 'q'"):
        table_at().append(frame(id=[1]), request_of(partition_by=("q",)))
    with pytest.raises(DestinationError, match="can't partition by 'f'"):
        table_at().append(frame(id=[1], f=[1.5]), request_of(partition_by=("f",)))
    with pytest.raises(DestinationError, match="all columns are partition columns"):
        table_at().append(frame(id=[1]), request_of(partition_by=("id",)))


def test_what_a_killed_first_load_staged_is_no_obstacle(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    for stage in ("table/dc-flow-0-00000.parquet", "table/p=1/dc-flow-0-00000.parquet"):
        (tmp_path / stage).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / stage).write_bytes(b"half a file")
    table_at().append(frame(id=[1], p=[1]), request_of(partition_by=("p",)))
    assert rows(tmp_path / "table") == [(1, 1)]


def test_catalog_names_and_other_formats_are_refused_by_name(engine: BaseEngine[pl.LazyFrame]) -> None:
    with pytest.raises(EngineError, match="has no catalog that says where it is; give the connection a base_path"):
        engine.table(TableRef(format="delta", name="a.b.c"))
    with pytest.raises(EngineError, match=r"no 'hudi' tables yet\. Possible: delta, iceberg"):
        engine.table(TableRef(format="hudi", path="/x"))
    with pytest.raises(EngineError, match="give the connection catalog_options"):
        engine.table(TableRef(format="iceberg", path="/x"))


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
    table_at().append(frame(id=[1]), request_of(1, stem="first"))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", refuse)
    with pytest.raises(DestinationError, match="no space left"):
        table_at().append(frame(id=[2]), request_of(2))
    assert files_of(tmp_path / "table") == referred(tmp_path / "table") == {"dc-first-00000.parquet"}
