"""What the tests of the engine share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from pyiceberg.catalog import load_catalog

from datacoolie.engines import FileScan, MergePlan, TableRef, WriteRequest, WriteResult
from datacoolie.platforms import FileInfo
from datacoolie.testing import tables
from datacoolie_engine_polars import PolarsEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import polars as pl
    from pyiceberg.catalog import Catalog

    from datacoolie.engines import TableOps

    Scan = Callable[..., pl.LazyFrame]
    Request = Callable[..., WriteRequest[pl.LazyFrame]]


@pytest.fixture
def engine() -> PolarsEngine:
    return PolarsEngine()


def info(path: Path) -> FileInfo:
    stat = path.stat()
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    return FileInfo(path=str(path), size=stat.st_size, modified=modified, etag=str(stat.st_mtime_ns))


@pytest.fixture
def scan(engine: PolarsEngine, tmp_path: Path) -> Scan:
    """Scan files below `tmp_path`, given by their relative paths."""

    def make(format: str, *names: str, root: str = "", **more: object) -> pl.LazyFrame:  # noqa: A002 - as in FileScan
        files = tuple(info(tmp_path / name) for name in names)
        return engine.files.scan(FileScan(format=format, root=str(tmp_path / root), files=files, **more))  # type: ignore[arg-type]

    return make


@pytest.fixture
def request_of() -> Request:
    """Make write requests whose commit is number `seq` of a flow."""
    return tables.request_of  # type: ignore[return-value] # the suites' frames are of any engine


@pytest.fixture
def table_at(engine: PolarsEngine, tmp_path: Path) -> Callable[..., TableOps[pl.LazyFrame]]:
    """Open the Delta table at `tmp_path / name`."""

    def make(name: str = "table", version: str | None = None) -> TableOps[pl.LazyFrame]:
        return engine.table(TableRef(format="delta", path=str(tmp_path / name), version=version))

    return make


@pytest.fixture
def options(tmp_path: Path) -> dict[str, str]:
    return {"type": "sql", "uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": str(tmp_path / "warehouse")}


@pytest.fixture
def open_(engine: PolarsEngine, options: dict[str, str]) -> Callable[..., TableOps[pl.LazyFrame]]:
    """Open the table `db.<name>`."""

    def make(name: str = "t", version: str | None = None) -> TableOps[pl.LazyFrame]:
        return engine.table(TableRef(format="iceberg", name=f"db.{name}", catalog_options=options, version=version))

    return make


@pytest.fixture
def catalog(options: dict[str, str]) -> Iterator[Catalog]:
    """Return the catalog as another process sees it."""
    found = load_catalog("default", **options)
    yield found
    found.close()


@pytest.fixture
def merge() -> Callable[..., WriteResult]:
    """Upsert a frame by keys."""

    def run(
        table: TableOps[pl.LazyFrame],
        frame: pl.LazyFrame,
        request: WriteRequest[pl.LazyFrame],
        *keys: str,
        keep: tuple[str, ...] = (),
    ) -> WriteResult:
        return table.merge(frame, MergePlan(keys=keys, keep=keep), request)

    return run
