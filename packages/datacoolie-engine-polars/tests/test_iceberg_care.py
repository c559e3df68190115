"""Care for Iceberg tables: what expires, what stays, and what is found afterwards."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from pyiceberg.catalog import load_catalog

from datacoolie.core.exceptions import DestinationError
from datacoolie.engines import CanVacuum, TableOps, TableRef, WriteRequest

if TYPE_CHECKING:
    from pathlib import Path

    from datacoolie.engines import Tidied
    from datacoolie_engine_polars import PolarsEngine

Open = Callable[[], TableOps[pl.LazyFrame]]
Request = Callable[..., WriteRequest[pl.LazyFrame]]

NOW = timedelta()


@pytest.fixture
def options(tmp_path: Path) -> dict[str, str]:
    return {"type": "sql", "uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": str(tmp_path / "warehouse")}


@pytest.fixture
def open_(engine: PolarsEngine, options: dict[str, str]) -> Open:
    return lambda: engine.table(TableRef(format="iceberg", name="db.t", catalog_options=options))


@pytest.fixture
def loaded(open_: Open, request_of: Request, options: dict[str, str]) -> Callable[[], list[int]]:
    """Make a table of three loads by two flows; return what reads its ids by pyiceberg."""
    open_().append(pl.LazyFrame({"id": [1]}), request_of(1, flow="quiet"))
    open_().append(pl.LazyFrame({"id": [2]}), request_of(1, flow="busy"))
    open_().overwrite(pl.LazyFrame({"id": [3]}), request_of(2, flow="busy"))
    time.sleep(0.01)
    table = load_catalog("default", **options).load_table("db.t")

    def read() -> list[int]:
        found: list[int] = table.refresh().scan().to_arrow()["id"].to_pylist()
        return found

    return read


def vacuum(table: TableOps[pl.LazyFrame], *, leftovers: bool = False, if_due: bool = False) -> Tidied | None:
    assert isinstance(table, CanVacuum)
    return table.vacuum(keep=NOW, leftovers=leftovers, if_due=if_due)


def data_files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("dc-*.parquet")}


def test_the_files_that_are_left_are_those_that_snapshots_need(
    tmp_path: Path, open_: Open, loaded: Callable[[], list[int]], options: dict[str, str], request_of: Request
) -> None:
    vacuum(open_())
    open_().append(pl.LazyFrame({"id": [4]}), request_of(3, flow="busy"))
    table = load_catalog("default", **options).load_table("db.t")
    for snapshot in table.snapshots():
        assert table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows in {1, 2}
    assert sorted(loaded()) == [3, 4]
    assert len(data_files(tmp_path)) == 2


def test_nothing_expires_before_its_time(open_: Open, loaded: Callable[[], list[int]]) -> None:
    assert vacuum(open_(), if_due=True) is None
    table = open_()
    assert isinstance(table, CanVacuum)
    assert table.vacuum(keep=timedelta(hours=1), leftovers=True) is None
    assert len(open_().history(10)) == 3
    assert loaded() == [3]


def test_leftovers_of_dead_runs_go(tmp_path: Path, open_: Open, loaded: Callable[[], list[int]]) -> None:
    folder = tmp_path / "warehouse/db/t/data"
    dead, fresh, foreign = (folder / name for name in ("dc-dead.parquet", "dc-fresh.parquet", "theirs.parquet"))
    for path in (dead, fresh, foreign):
        path.write_bytes(b"staged")
    for path in folder.iterdir():
        if path != fresh:
            os.utime(path, (time.time() - 90_000,) * 2)
    vacuum(open_(), leftovers=False)
    assert dead.exists()
    vacuum(open_(), leftovers=True)
    assert [path.exists() for path in (dead, fresh, foreign)] == [False, True, True]
    assert loaded() == [3]


def test_files_in_a_folder_that_tables_may_share_are_no_leftovers(
    tmp_path: Path, open_: Open, options: dict[str, str], loaded: Callable[[], list[int]]
) -> None:
    shared, below = tmp_path / "shared/dc-of-another-table.parquet", tmp_path / "warehouse/db/t/data/x/dc-other.parquet"
    for path in (shared, below):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"rows")
        os.utime(path, (time.time() - 90_000,) * 2)
    vacuum(open_(), leftovers=True)
    with load_catalog("default", **options).load_table("db.t").transaction() as transaction:
        transaction.set_properties({"write.data.path": f"file://{shared.parent}"})
    vacuum(open_(), leftovers=True)
    assert shared.exists()
    assert below.exists()
    assert loaded() == [3]


def test_a_table_whose_files_may_belong_to_another_one(
    open_: Open, options: dict[str, str], request_of: Request
) -> None:
    open_().append(pl.LazyFrame({"id": [1]}), request_of(1))
    open_().overwrite(pl.LazyFrame({"id": [2]}), request_of(2))
    with load_catalog("default", **options).load_table("db.t").transaction() as transaction:
        transaction.set_properties({"gc.enabled": "false"})
    with pytest.raises(DestinationError, match=r"gc.enabled is false: .* none can be removed"):
        vacuum(open_(), leftovers=True)
    assert len(open_().history(10)) == 2
