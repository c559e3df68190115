"""Iceberg: what each load type leaves, what the snapshots say, and who wins; read back by pyiceberg's own reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.core.exceptions import DestinationError, EngineError, ErrorClass
from datacoolie.engines import CommitConflictError, MergePlan, TableOps, TableRef, WriteRequest
from datacoolie.sql import parse
from datacoolie_engine_polars.iceberg import commits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from datacoolie_engine_polars import PolarsEngine

Open = Callable[..., TableOps[pl.LazyFrame]]
Request = Callable[..., WriteRequest[pl.LazyFrame]]


def frame(**columns: Sequence[object]) -> pl.LazyFrame:
    return pl.LazyFrame(columns)


def rows(table: Table) -> list[tuple[object, ...]]:
    """Read a table with pyiceberg, sorted."""
    return sorted(pl.DataFrame(table.scan().to_arrow()).rows(), key=repr)


def files_below(folder: Path) -> set[str]:
    return {str(one.relative_to(folder)) for one in folder.rglob("*.parquet")}


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
    with pytest.raises(EngineError, match="which the platform does not know"):
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
