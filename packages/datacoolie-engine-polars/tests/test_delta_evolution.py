"""Delta tables whose types widen: read back with delta-rs, Arrow and Polars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable, QueryBuilder

from datacoolie.core.exceptions import DestinationError
from datacoolie.core.models import SchemaPolicy
from datacoolie.engines import Commit, CommitConflictError, TableOps, Token, WriteRequest, WriteResult
from datacoolie.sql import parse

if TYPE_CHECKING:
    from pathlib import Path

Open = Callable[..., TableOps[pl.LazyFrame]]
Request = Callable[..., WriteRequest[pl.LazyFrame]]


def frame(**columns: Sequence[object]) -> pl.LazyFrame:
    return pl.LazyFrame(columns)


def readers(path: Path) -> list[list[tuple[object, ...]]]:
    """Return the rows as Polars, Arrow and DataFusion read them."""
    table = DeltaTable(path)
    queried = QueryBuilder().register("t", table).execute("SELECT * FROM t").read_all()
    frames = (pl.read_delta(str(path)), pl.DataFrame(table.to_pyarrow_table()), pl.DataFrame(queried))
    return [sorted(one.rows(), key=repr) for one in frames]


def listing(path: Path) -> set[str]:
    return {str(one.relative_to(path)) for one in path.rglob("*") if one.is_file()}


@pytest.mark.parametrize(
    ("old", "new", "kind", "stored", "added"),
    [
        (pl.Int32, pl.Int64, "bigint", 1, 2),
        (pl.Int8, pl.Int32, "int", 1, 2),
        (pl.Float32, pl.Float64, "double", 1.0, 2.0),
        (pl.Int32, pl.Float64, "double", 1.0, 2.0),
        (pl.Decimal(9, 2), pl.Decimal(12, 4), "decimal(12,4)", Decimal("1.0000"), Decimal("2.0000")),
        (pl.Int32, pl.Decimal(8, 2), "decimal(12,2)", Decimal("1.00"), Decimal("2.00")),
        (pl.Decimal(5, 1), pl.Int64, "decimal(20,1)", Decimal("1.0"), Decimal("2.0")),
    ],
)
def test_an_append_widens_a_column_for_every_reader(
    tmp_path: Path,
    table_at: Open,
    request_of: Request,
    *,
    old: pl.DataType,
    new: pl.DataType,
    kind: str,
    stored: object,
    added: object,
) -> None:
    table_at().append(frame(id=[1], n=[1]).cast({"n": old}), request_of(1))
    was = str(table_at().schema()["n"])
    result = table_at().append(frame(id=[2], n=[2]).cast({"n": new}), request_of(2))
    assert (result.rows, result.files, result.removed_files) == (1, 1, 1)
    assert result.schema_changes == (f"n: {was} -> {kind}",)
    assert str(table_at().schema()["n"]) == kind
    assert readers(tmp_path / "table") == [[(1, stored), (2, added)]] * 3
    assert DeltaTable(tmp_path / "table").protocol().writer_features is None


def test_a_widening_is_one_commit_with_the_token(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    for number in (1, 2):
        table_at().append(frame(id=[number], n=[1]).cast({"n": pl.Int32}), request_of(number))
    table_at().append(frame(id=[3], n=[2**40], more=["x"]), request_of(3))
    assert DeltaTable(tmp_path / "table").version() == 2
    expected = Commit(token=Token(seq=3, epoch=2, dataflow_id="flow"), metadata={"mark": "mark 3", "observed": "{}"})
    assert table_at().committed("flow", after=2) == expected
    old = DeltaTable(tmp_path / "table", version=1)
    assert sorted(pl.DataFrame(old.to_pyarrow_table()).rows()) == [(1, 1), (2, 1)]


def test_a_widening_refuses_a_version_that_it_did_not_read(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    narrow = frame(id=[1], n=[1]).cast({"n": pl.Int32})
    table_at().append(narrow, request_of(1))
    slow = table_at()
    assert slow.exists
    table_at().append(narrow, request_of(2, flow="other"))
    before = listing(tmp_path / "table")
    with pytest.raises(CommitConflictError):
        slow.append(frame(id=[2], n=[2**40]), request_of(2))
    assert listing(tmp_path / "table") == before


def test_a_widened_partition_column_and_the_rows_of_each_partition(
    tmp_path: Path, table_at: Open, request_of: Request
) -> None:
    narrow = frame(id=[1, 2, 3], p=[7, 8, None]).cast({"p": pl.Int32})
    table_at().append(narrow, request_of(1, partition_by=("p",)))
    table_at().append(frame(id=[4], p=[2**40]), request_of(2))
    assert readers(tmp_path / "table") == [[(1, 7), (2, 8), (3, None), (4, 2**40)]] * 3


def test_an_overwrite_of_a_part_widens_the_rest(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    for number in (1, 2):
        table_at().append(frame(id=[number], n=[number]).cast({"n": pl.Int32}), request_of(number))
    result = table_at().overwrite(frame(id=[2, 3], n=[2**40, 3]), request_of(3), where=parse("id = 2"))
    assert (result.rows, result.removed_files) == (2, 2)
    assert readers(tmp_path / "table") == [[(1, 1), (2, 2**40), (3, 3)]] * 3


Write = Callable[..., WriteResult]


@pytest.fixture(params=["append", "overwrite", "merge"])
def write(request: pytest.FixtureRequest, merge: Write) -> Write:
    def run(table: TableOps[pl.LazyFrame], batch: pl.LazyFrame, asked: WriteRequest[pl.LazyFrame]) -> WriteResult:
        if request.param == "merge":
            return merge(table, batch, asked, "id")
        result: WriteResult = getattr(table, request.param)(batch, asked)
        return result

    return run


def test_a_field_added_to_a_struct_costs_no_rewrite(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[1, 2], s=[{"a": 1}, None]), request_of(1))
    result = table_at().append(frame(id=[3], s=[{"a": 3, "b": "x"}]), request_of(2))
    assert result.removed_files == 0
    assert result.schema_changes == ("s: struct<a:bigint> -> struct<a:bigint,b:string>",)
    polars, arrow, datafusion = readers(tmp_path / "table")
    expected = [(1, {"a": 1, "b": None}), (2, None), (3, {"a": 3, "b": "x"})]
    assert polars == arrow == datafusion == expected


def test_columns_of_timestamps_without_zone_can_come_later(
    tmp_path: Path, table_at: Open, request_of: Request, write: Write
) -> None:
    table_at().append(frame(id=[1]), request_of(1))
    write(
        table_at(),
        frame(id=[2], at=["2024-05-01 12:00:00"]).with_columns(pl.col("at").str.to_datetime()),
        request_of(2),
    )
    assert str(table_at().schema()["at"]) == "timestamp_ntz"
    assert "2024, 5, 1, 12, 0" in repr(readers(tmp_path / "table")[0])


RENAMES = {"name": "title"}


def test_renaming_that_the_table_forbids_is_refused(
    tmp_path: Path, table_at: Open, request_of: Request, write: Write
) -> None:
    table_at().append(frame(id=[1], name=["a"]), request_of(1, partition_by=("name",)))
    with pytest.raises(DestinationError, match="name can't be renamed, because the table is partitioned by it"):
        write(table_at(), frame(id=[2], title=["b"]), request_of(2, renames=RENAMES))
    table_at("other").append(frame(id=[1], name=["a"]), request_of(1))
    with pytest.raises(DestinationError, match="schema_policy is strict"):
        write(table_at("other"), frame(id=[2], title=["b"]), request_of(2, renames=RENAMES, policy=SchemaPolicy.STRICT))
    DeltaTable(tmp_path / "other").alter.add_constraint({"named": "name <> ''"})
    with pytest.raises(DestinationError, match="column 'name' can't be renamed, because of a rule of the table: check"):
        write(table_at("other"), frame(id=[2], title=["b"]), request_of(2, renames=RENAMES))
