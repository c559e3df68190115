"""Delta tables that demand something of their rows, made by delta-rs: rows that break it are refused, others not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable, Field, Schema, write_deltalake
from deltalake.schema import ArrayType, PrimitiveType, StructType

from datacoolie.core.exceptions import DestinationError
from datacoolie.engines import TableOps, WriteRequest, WriteResult
from datacoolie.sql import parse

if TYPE_CHECKING:
    from pathlib import Path

Open = Callable[..., TableOps[pl.LazyFrame]]
Request = Callable[..., WriteRequest[pl.LazyFrame]]
Write = Callable[..., WriteResult]

LONG, TEXT = PrimitiveType("long"), PrimitiveType("string")


def frame(**columns: Sequence[object]) -> pl.LazyFrame:
    return pl.LazyFrame(columns)


def rows(path: Path) -> list[tuple[object, ...]]:
    return sorted(pl.DataFrame(DeltaTable(path).to_pyarrow_table()).rows(), key=repr)


@pytest.fixture(params=["append", "overwrite", "merge"])
def write(request: pytest.FixtureRequest, merge: Write) -> Write:
    def run(table: TableOps[pl.LazyFrame], batch: pl.LazyFrame, asked: WriteRequest[pl.LazyFrame]) -> WriteResult:
        if request.param == "merge":
            return merge(table, batch, asked, "id")
        result: WriteResult = getattr(table, request.param)(batch, asked)
        return result

    return run


@pytest.fixture
def not_null(tmp_path: Path) -> Path:
    fields = [
        Field("id", LONG, nullable=False),
        Field("v", TEXT, nullable=False, metadata={"comment": "said of v"}),
        Field("n", PrimitiveType("integer")),
    ]
    DeltaTable.create(tmp_path / "table", Schema(fields))
    return tmp_path / "table"


def test_what_the_schema_says_of_columns_survives_a_load_that_replaces_it(
    not_null: Path, table_at: Open, request_of: Request, write: Write
) -> None:
    before = DeltaTable(not_null).schema().fields
    write(table_at(), frame(id=[1], v=["x"], n=[2**40], more=[1]), request_of(1))
    assert DeltaTable(not_null).schema().fields == [*before[:2], Field("n", LONG), Field("more", LONG)]


@pytest.fixture
def constrained(tmp_path: Path) -> Path:
    write_deltalake(tmp_path / "table", pl.DataFrame({"id": [1], "v": ["x"]}))
    DeltaTable(tmp_path / "table").alter.add_constraint({"small": "id < 10 AND v <> ''"})
    return tmp_path / "table"


def test_a_replaced_part_keeps_the_constraint(constrained: Path, table_at: Open, request_of: Request) -> None:
    with pytest.raises(DestinationError, match="checkConstraints: small"):
        table_at().overwrite(frame(id=[11], v=["y"]), request_of(1), where=parse("id = 1"))
    table_at().overwrite(frame(id=[3], v=["y"]), request_of(1), where=parse("id = 1"))
    assert rows(constrained) == [(3, "y")]


def test_a_constraint_that_is_not_understood_is_refused_by_name(
    tmp_path: Path, table_at: Open, request_of: Request, write: Write
) -> None:
    write_deltalake(tmp_path / "table", pl.DataFrame({"id": [1]}))
    DeltaTable(tmp_path / "table").alter.add_constraint({"odd": "id > 0"})
    log = tmp_path / "table/_delta_log/00000000000000000001.json"
    log.write_text(log.read_text().replace("id > 0", "my_function(id) > 0"))
    with pytest.raises(DestinationError, match=r"checkConstraints: odd \(my_function.*'my_function'"):
        write(table_at(), frame(id=[2]), request_of(1))
    assert rows(tmp_path / "table") == [(1,)]


def test_an_invariant(tmp_path: Path, table_at: Open, request_of: Request, write: Write) -> None:
    invariant = json.dumps({"expression": {"expression": "id > 0"}})
    DeltaTable.create(tmp_path / "table", Schema([Field("id", LONG, metadata={"delta.invariants": invariant})]))
    with pytest.raises(DestinationError, match=r"2 rows break .* invariants: id > 0"):
        write(table_at(), frame(id=[-1, -2, 3]), request_of(1))
    write(table_at(), frame(id=[1]), request_of(1))
    assert rows(tmp_path / "table") == [(1,)]


@pytest.mark.parametrize(
    "kind",
    [StructType([Field("a", LONG, nullable=False)]), ArrayType(LONG, contains_null=False)],
    ids=["struct", "list"],
)
def test_a_field_that_must_not_be_null_is_refused(
    tmp_path: Path, table_at: Open, request_of: Request, write: Write, kind: StructType | ArrayType
) -> None:
    DeltaTable.create(tmp_path / "table", Schema([Field("id", LONG), Field("inner", kind)]))
    with pytest.raises(DestinationError, match="fields inside of 'inner' that must not be null"):
        write(table_at(), frame(id=[1]), request_of(1))


def test_the_change_feed_shows_appends_and_overwrites_and_other_changes_are_refused(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Write
) -> None:
    path = tmp_path / "table"
    write_deltalake(path, pl.DataFrame({"id": [1]}), configuration={"delta.enableChangeDataFeed": "true"})
    table_at().append(frame(id=[2]), request_of(1))
    table_at().overwrite(frame(id=[3]), request_of(2))
    with pytest.raises(DestinationError, match="changeDataFeed"):
        merge(table_at(), frame(id=[3]), request_of(3), "id")
    with pytest.raises(DestinationError, match="changeDataFeed"):
        table_at().overwrite(frame(id=[3]), request_of(3), where=parse("id = 3"))
    feed = pl.DataFrame(DeltaTable(path).load_cdf(starting_version=1).read_all())
    assert sorted(feed.select("id", "_change_type", "_commit_version").rows()) == [
        (1, "delete", 2),
        (2, "delete", 2),
        (2, "insert", 1),
        (3, "insert", 2),
    ]


def test_care_goes_on_under_rules(constrained: Path, table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[2], v=["y"]), request_of(1))
    done = table_at().optimize(options={})  # type: ignore[attr-defined]
    assert (done.files, done.removed_files) == (1, 2)
    assert rows(constrained) == [(1, "x"), (2, "y")]
