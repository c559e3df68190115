"""Iceberg: what each load type leaves, what the snapshots say, and who wins; read back by pyiceberg's own reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest

from datacoolie.core.exceptions import DestinationError, EngineError, ErrorClass, SourceError
from datacoolie.core.types import LongType, StringType
from datacoolie.engines import CommitConflictError, MergePlan, Observation, TableOps, TableRef, WriteRequest
from datacoolie.sql import agg, col, count, parse
from datacoolie_engine_polars.iceberg import commits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from datacoolie_engine_polars import PolarsEngine

Open = Callable[..., TableOps[pl.LazyFrame]]
Request = Callable[..., WriteRequest[pl.LazyFrame]]


class RefusedError(Exception):
    pass


def frame(**columns: Sequence[object]) -> pl.LazyFrame:
    return pl.LazyFrame(columns)


def rows(table: Table) -> list[tuple[object, ...]]:
    """Read a table with pyiceberg, sorted."""
    return sorted(pl.DataFrame(table.scan().to_arrow()).rows(), key=repr)


def files_below(folder: Path) -> set[str]:
    return {str(one.relative_to(folder)) for one in folder.rglob("*.parquet")}


def test_a_first_append_makes_the_table(catalog: Catalog, open_: Open, request_of: Request) -> None:
    table = open_()
    assert not table.exists
    result = table.append(frame(id=[1, 2], name=["a", None]), request_of())
    assert (result.rows, result.files, result.removed_files) == (2, 1, 0)
    assert rows(catalog.load_table("db.t")) == [(1, "a"), (2, None)]
    assert open_().schema() == {"id": LongType(), "name": StringType()}
    assert len(catalog.load_table("db.t").snapshots()) == 1


def test_a_second_append_adds_rows(catalog: Catalog, open_: Open, request_of: Request) -> None:
    open_().append(frame(id=[1]), request_of(1))
    result = open_().append(frame(id=[2]), request_of(2))
    table = catalog.load_table("db.t")
    assert rows(table) == [(1,), (2,)]
    assert result.version == str(table.metadata.current_snapshot_id)


def test_the_snapshot_says_what_was_decided(catalog: Catalog, open_: Open, request_of: Request) -> None:
    source = frame(id=[1, 2, 5])
    kept = source.filter(pl.col("id") > 1)
    observe = {
        "n": Observation(frame=source, aggregate=count()),
        "top": Observation(frame=source, aggregate=agg("max", col("id"))),
        "kept": Observation(frame=kept, aggregate=count()),
    }
    open_().append(kept, request_of(7, observe=observe))
    snapshot = catalog.load_table("db.t").current_snapshot()
    assert snapshot is not None
    assert snapshot.summary is not None
    assert snapshot.summary["datacoolie.seq"] == "7"
    assert snapshot.summary["datacoolie.epoch"] == "2"
    assert snapshot.summary["datacoolie.dataflow_id"] == "flow"
    assert snapshot.summary["datacoolie.observed"] == "{'n': 3, 'top': 5, 'kept': 2}"
    commit = open_().committed("flow", after=6)
    assert commit is not None
    assert (commit.token.seq, commit.token.epoch, commit.metadata["mark"]) == (7, 2, "mark 7")
    assert open_().committed("flow", after=7) is None
    assert open_().committed("another flow") is None
    assert open_().history(1)[0]["datacoolie.mark"] == "mark 7"


def test_committed_finds_the_flows_own_commit_below_those_of_others(open_: Open, request_of: Request) -> None:
    open_().append(frame(id=[1]), request_of(1, flow="a"))
    for seq in (1, 2, 3):
        open_().append(frame(id=[1]), request_of(seq, flow="b"))
    found = open_().committed("a")
    assert found is not None
    assert found.metadata["mark"] == "mark 1"


def test_a_commit_whose_snapshot_is_expired_is_not_taken_for_none(
    catalog: Catalog, open_: Open, request_of: Request
) -> None:
    open_().append(frame(id=[1]), request_of(1, flow="a"))
    open_().append(frame(id=[1]), request_of(1, flow="b"))
    table = catalog.load_table("db.t")
    table.maintenance.expire_snapshots().by_id(table.snapshots()[0].snapshot_id).commit()
    assert open_().committed("a", after=1) is None
    with pytest.raises(DestinationError, match="load 1 of dataflow a is in the table, but the table no longer says"):
        open_().committed("a")


def test_a_decision_that_refuses_leaves_nothing(
    tmp_path: Path, catalog: Catalog, open_: Open, request_of: Request
) -> None:
    open_().append(frame(id=[1], day=["x"]), request_of(1, partition_by=("day",)))
    before = files_below(tmp_path)

    def refuse(_: object) -> object:
        raise RefusedError

    for write in ("append", "overwrite"):
        request = request_of(2)
        object.__setattr__(request, "decide", refuse)
        with pytest.raises(RefusedError):
            getattr(open_(), write)(frame(id=[2], day=["y"]), request)
    request = request_of(1)
    object.__setattr__(request, "decide", refuse)
    with pytest.raises(RefusedError):
        open_("other").append(frame(id=[2]), request)
    assert rows(catalog.load_table("db.t")) == [(1, "x")]
    assert files_below(tmp_path) == before
    assert not catalog.table_exists("db.other")


def test_overwrite_replaces_all_rows_in_one_snapshot(catalog: Catalog, open_: Open, request_of: Request) -> None:
    open_().append(frame(id=[1]), request_of(1))
    open_().append(frame(id=[2]), request_of(2))
    result = open_().overwrite(frame(id=[3, 4]), request_of(3))
    table = catalog.load_table("db.t")
    assert rows(table) == [(3,), (4,)]
    assert (result.rows, result.files, result.removed_files) == (2, 1, 2)
    assert len(table.snapshots()) == 3
    open_().overwrite(frame(id=[3]).clear(), request_of(4))
    assert rows(catalog.load_table("db.t")) == []
    open_().overwrite(frame(id=[7]), request_of(5))
    assert rows(catalog.load_table("db.t")) == [(7,)]


def test_a_version_is_read_as_it_was(catalog: Catalog, open_: Open, request_of: Request) -> None:
    open_().append(frame(id=[1]), request_of(1))
    pinned = open_().version
    open_().overwrite(frame(id=[2]), request_of(2))
    assert open_().version != pinned
    assert open_(version=pinned).version == pinned
    assert open_(version=pinned).scan().collect().rows() == [(1,)]
    assert open_().scan().collect().rows() == [(2,)]
    catalog.drop_table("db.t")
    open_().append(frame(id=[1]), request_of(1))
    with pytest.raises(SourceError, match="another table"):
        open_(version=pinned).scan()


def test_a_table_without_snapshot_is_empty(catalog: Catalog, open_: Open, request_of: Request) -> None:
    catalog.create_namespace("db")
    catalog.create_table("db.t", pa.schema([("id", pa.int64())]))
    version = open_().version
    assert open_().scan().collect().rows() == []
    open_().overwrite(frame(id=[1]), request_of(1))
    assert open_().scan().collect().rows() == [(1,)]
    assert open_(version=version).scan().collect().rows() == []


EVERY_TYPE = pl.DataFrame(
    {
        "int": [1, None],
        "short": [1, None],
        "double": [1.5, float("nan")],
        "text": ["ä", None],
        "bytes": [b"\x00", None],
        "flag": [True, None],
        "day": [date(2024, 2, 29), None],
        "moment": [datetime(2024, 2, 29, 1, 2, 3, 456, tzinfo=UTC), None],
        "local": [datetime(1969, 2, 28, 1, 2, 3), None],  # noqa: DTZ001 - without zone on purpose
        "money": [Decimal("12345678.90"), None],
        "list": [[1, 2], None],
        "struct": [{"a": 1, "b": "x"}, None],
        "deep": [[{"a": [1.0]}], []],
    },
    schema_overrides={
        "int": pl.Int32,
        "short": pl.Int16,
        "moment": pl.Datetime("us", "UTC"),
        "local": pl.Datetime("us"),
        "money": pl.Decimal(20, 2),
    },
)


def test_every_type_comes_back(catalog: Catalog, open_: Open, request_of: Request) -> None:
    open_().append(EVERY_TYPE.lazy(), request_of(1))
    expected = EVERY_TYPE.cast({"short": pl.Int32})
    assert open_().scan().collect().equals(expected, null_equal=True)
    table = catalog.load_table("db.t")
    assert repr(pl.DataFrame(table.scan().to_arrow()).rows()) == repr(expected.rows())
    assert str(table.schema().find_type("short")) == "int"
    assert str(table.schema().find_type("moment")) == "timestamptz"
    found = table.scan(row_filter="int = 1 and text = 'ä'").to_arrow().num_rows
    assert found == 1


def test_a_void_column_is_refused(tmp_path: Path, open_: Open, request_of: Request) -> None:
    with pytest.raises(DestinationError, match="column 'nothing' is void"):
        open_().append(frame(id=[1], nothing=[None]), request_of(1))
    assert files_below(tmp_path) == set()


def test_an_append_follows_other_writers(catalog: Catalog, open_: Open, request_of: Request) -> None:
    open_().append(frame(id=[1]), request_of(1))
    first, second = open_(), open_()
    assert first.exists
    assert second.exists
    first.append(frame(id=[2]), request_of(2))
    second.append(frame(id=[3]), request_of(1, flow="other"))
    assert rows(catalog.load_table("db.t")) == [(1,), (2,), (3,)]


def test_an_append_does_not_follow_its_own_flow(
    tmp_path: Path, catalog: Catalog, open_: Open, request_of: Request
) -> None:
    open_().append(frame(id=[1]), request_of(1))
    first, second = open_(), open_()
    assert first.exists
    assert second.exists
    first.append(frame(id=[2]), request_of(2))
    before = files_below(tmp_path)
    with pytest.raises(CommitConflictError):
        second.append(frame(id=[2]), request_of(2, stem="again"))
    assert rows(catalog.load_table("db.t")) == [(1,), (2,)]
    assert files_below(tmp_path) == before


WRITES: dict[str, Callable[[TableOps[pl.LazyFrame], WriteRequest[pl.LazyFrame]], object]] = {
    "overwrite": lambda table, request: table.overwrite(frame(id=[3]), request),
    "overwrite a part": lambda table, request: table.overwrite(frame(id=[3]), request, where=parse("id > 0")),
    "merge": lambda table, request: table.merge(frame(id=[1]), MergePlan(keys=("id",)), request),
    "append a new column": lambda table, request: table.append(frame(id=[3], more=[1]), request),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_on_an_older_version_is_refused(
    tmp_path: Path, catalog: Catalog, open_: Open, request_of: Request, write: str
) -> None:
    open_().append(frame(id=[1]), request_of(1))
    stale = open_()
    assert stale.exists
    open_().append(frame(id=[2]), request_of(1, flow="other"))
    before = files_below(tmp_path)
    with pytest.raises(CommitConflictError, match="somebody else's commit came first"):
        WRITES[write](stale, request_of(2))
    assert rows(catalog.load_table("db.t")) == [(1,), (2,)]
    assert files_below(tmp_path) == before


def test_a_table_that_is_made_twice(tmp_path: Path, catalog: Catalog, open_: Open, request_of: Request) -> None:
    first, second = open_(), open_()
    assert not first.exists
    assert not second.exists
    first.append(frame(id=[1]), request_of(1))
    before = files_below(tmp_path)
    with pytest.raises(CommitConflictError):
        second.append(frame(id=[2]), request_of(1, flow="other"))
    assert rows(catalog.load_table("db.t")) == [(1,)]
    assert files_below(tmp_path) == before


def test_a_table_that_is_dropped_and_made_again_is_another(catalog: Catalog, open_: Open, request_of: Request) -> None:
    open_().append(frame(id=[1]), request_of(1))
    stale = open_()
    assert stale.exists
    catalog.drop_table("db.t")
    with pytest.raises(CommitConflictError):
        stale.append(frame(id=[2]), request_of(2))
    open_().append(frame(id=[1]), request_of(1))
    stale = open_()
    assert stale.exists
    catalog.drop_table("db.t")
    open_().append(frame(id=[5]), request_of(1))
    with pytest.raises(CommitConflictError):
        stale.append(frame(id=[2]), request_of(2))
    assert rows(catalog.load_table("db.t")) == [(5,)]


def test_no_retries_of_the_library_follow_others_unasked(catalog: Catalog, open_: Open, request_of: Request) -> None:
    open_().append(frame(id=[1]), request_of(1))
    with catalog.load_table("db.t").transaction() as transaction:
        transaction.set_properties({"commit.retry.num-retries": "9"})
    stale = open_()
    assert stale.exists
    open_().append(frame(id=[2]), request_of(1, flow="other"))
    with pytest.raises(CommitConflictError):
        stale.overwrite(frame(id=[3]), request_of(2))
    assert catalog.load_table("db.t").properties["commit.retry.num-retries"] == "9"


def test_a_catalog_that_is_not_there(engine: PolarsEngine, tmp_path: Path) -> None:
    lost = {"type": "sql", "uri": f"sqlite:///{tmp_path}/no/such/folder/c.db", "warehouse": str(tmp_path)}
    with pytest.raises(DestinationError, match=r"catalog 'default' can't be used: .*unable to open") as caught:
        _ = engine.table(TableRef(format="iceberg", name="db.t", catalog_options=lost)).exists
    assert caught.value.error_class is ErrorClass.TRANSIENT
    for wrong in ({"type": "sqll", "uri": "x"}, {"warehouse": "x"}):
        with pytest.raises(EngineError, match="can't be made of its catalog_options"):
            _ = engine.table(TableRef(format="iceberg", name="db.t", catalog_options=wrong)).exists
    driver = {"type": "sql", "uri": "oracle://x", "warehouse": "x"}
    with pytest.raises(EngineError, match=r"needs 'cx_Oracle|oracledb', which is not installed"):
        _ = engine.table(TableRef(format="iceberg", name="db.t", catalog_options=driver)).exists


def test_what_a_catalog_or_its_files_can_not_do_is_said(tmp_path: Path, open_: Open, request_of: Request) -> None:
    with pytest.raises(DestinationError, match=r"can't make this table: .*hierarchical namespaces are not supported"):
        open_("deep.t").append(frame(id=[1]), request_of(1))
    open_().append(frame(id=[1]), request_of(1))
    late = pl.LazyFrame({"id": [2], "day": [10_000_000]}).with_columns(pl.col("day").cast(pl.Date))
    with pytest.raises(DestinationError, match="outside of the years 1 to 9999"):
        open_().append(late, request_of(2))
    assert len(files_below(tmp_path)) == 1
    for manifest in tmp_path.rglob("*-m0.avro"):
        manifest.unlink()
    with pytest.raises(DestinationError, match=r"metadata can't be read: .*No such file"):
        open_().overwrite(frame(id=[2]), request_of(3))


def test_files_that_are_not_on_this_machine(catalog: Catalog, open_: Open, request_of: Request) -> None:
    open_().append(frame(id=[1]), request_of(1))
    with catalog.load_table("db.t").transaction() as transaction:
        transaction.set_properties({"write.data.path": "s3://bucket/data"})
    with pytest.raises(EngineError, match="only tables on local disks can be written yet"):
        open_().append(frame(id=[2]), request_of(2))


def test_a_commit_that_is_made_although_its_answer_is_lost(
    catalog: Catalog, open_: Open, request_of: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_().append(frame(id=[1]), request_of(1))
    table = open_()
    assert table.exists
    commit = type(catalog).commit_table

    def lose(*arguments: object) -> None:
        commit(*arguments)  # type: ignore[arg-type] # whatever it was called with
        raise ConnectionResetError

    monkeypatch.setattr(type(catalog), "commit_table", lose)
    assert table.append(frame(id=[2]), request_of(2)).rows == 1
    monkeypatch.undo()
    assert rows(catalog.load_table("db.t")) == [(1,), (2,)]
    assert commits.newest(catalog.load_table("db.t"), "flow", after=1, where="") is not None


@pytest.mark.parametrize("kind", ["append", "merge"])
def test_a_column_is_renamed_without_a_rewrite(catalog: Catalog, open_: Open, request_of: Request, kind: str) -> None:
    open_().append(frame(id=[1], name=["old"]), request_of(1))
    open_().append(frame(id=[2], name=["old"]), request_of(2))
    batch, request = frame(id=[2, 3], title=["new", "new"]), request_of(3, renames={"name": "title"})
    if kind == "merge":
        result = open_().merge(batch, MergePlan(keys=("id",)), request)
    else:
        result = open_().append(batch, request)
    assert result.schema_changes == ("name is called title",)
    assert result.removed_files == (1 if kind == "merge" else 0)
    kept = [(1, "old"), (2, "new"), (3, "new")] if kind == "merge" else [(1, "old"), (2, "new"), (2, "old"), (3, "new")]
    assert rows(catalog.load_table("db.t")) == kept
    assert sorted(open_().scan().collect().rows()) == kept
