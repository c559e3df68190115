"""Loads into tables by Spark and Polars in turn: the same document, the same table, as if one engine had done it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import write_deltalake
from pyiceberg.catalog import load_catalog

import datacoolie
from datacoolie.observability.records import FlowStatus
from datacoolie.orchestration.results import RunResult

if TYPE_CHECKING:
    from datacoolie.observability.records import CommitRecord, FlowRecord
    from tests.projects import Project, Record

pytestmark = pytest.mark.usefixtures("spark_session")  # in which the engine works


def at(day: int) -> datetime:
    return datetime(2024, 5, day, tzinfo=UTC)


class Lake:
    """Tables of one format, loaded from a Delta table that others write."""

    def __init__(self, project: Project, format_: str) -> None:
        self.project, self.format = project, format_
        self.flow: Record = {}
        root = project.folder
        self.options = {"type": "sql", "uri": f"sqlite:///{root}/catalog.db", "warehouse": f"{root}/warehouse"}
        self.catalog = {"catalog_options": self.options}

    def write(self, load_type: str, *, source: Record | None = None, **destination: object) -> None:
        """Write a document of one flow."""
        target: Record = (
            {"name": "target", "format": "delta", "configure": {"base_path": "target"}}
            if self.format == "delta"
            else {
                "name": "target",
                "format": "iceberg",
                "database": "db",
                "configure": {"catalog_options": self.options},
            }
        )
        self.project.write(
            {
                "name": "orders",
                "source": {"connection_name": "lake", "table": "orders", "watermark_columns": ["at"], **(source or {})},
                "destination": {
                    "connection_name": "target",
                    "table": "orders",
                    "load_type": load_type,
                    "merge_keys": ["id"] if "merge" in load_type or load_type == "scd2" else [],
                    **destination,
                },
                "transform": {"system_columns": False},
            },
            connections=[target],
        )

    def land(self, *rows: tuple[object, ...], schema: tuple[str, ...] = ("id", "v", "at")) -> None:
        """Add rows to what is loaded from."""
        frame = pl.DataFrame(list(rows), schema=list(schema), orient="row")
        path = self.project.lake / "orders"
        write_deltalake(path, frame, mode="append", schema_mode="merge" if path.exists() else None)

    def run(self, engine: str) -> FlowRecord:
        """Load by an engine; it must not fail."""
        result = datacoolie.Project.load(self.project.folder / "project.yaml", engine=engine).run()
        assert isinstance(result, RunResult)
        (record,) = result
        assert record.error is None, record.error
        return record

    def commit(self, engine: str) -> CommitRecord:
        """Load by an engine what is new."""
        commit = self.run(engine).commit
        assert commit is not None
        return commit

    def rows(self, *columns: str) -> list[tuple[object, ...]]:
        """Return the target's rows as the format's library reads them."""
        if self.format == "delta":
            found = pl.read_delta(str(self.project.folder / "target" / "orders"))
        else:
            catalog = load_catalog("default", **self.options)
            found = pl.DataFrame(catalog.load_table("db.orders").scan().to_arrow())
            catalog.close()
        return sorted(found.select(columns or found.columns).rows(), key=repr)


@pytest.fixture(params=["delta", "iceberg"])
def lake(request: pytest.FixtureRequest, project: Project) -> Lake:
    return Lake(project, request.param)


def test_engines_append_and_merge_in_turn(lake: Lake) -> None:
    lake.write("append")
    lake.land((1, "a", at(1)), (2, "b", at(2)))
    assert lake.commit("polars").rows == 2
    lake.land((3, "c", at(3)))
    by_spark = lake.commit("spark")
    assert (by_spark.rows, by_spark.seq) == (1, 2)
    assert lake.run("spark").status is FlowStatus.SKIPPED
    lake.land((4, "d", at(4)))
    assert lake.commit("polars").seq == 3
    assert lake.rows("id", "v") == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
    lake.write("merge_upsert")
    lake.land((1, "A", at(5), 7), (9, "i", at(5), 8), schema=("id", "v", "at", "more"))
    merged = lake.commit("spark")
    assert (merged.rows, merged.inserted, merged.updated) == (2, 1, 1)
    assert merged.schema_changes == ("new column more: bigint",)
    lake.land((9, "I", at(6), 3), schema=("id", "v", "at", "more"))
    assert lake.commit("polars").updated == 1
    expected = [(1, "A", 7), (2, "b", None), (3, "c", None), (4, "d", None), (9, "I", 3)]
    assert lake.rows("id", "v", "more") == expected


def test_a_state_that_is_lost_is_found_in_the_table(lake: Lake) -> None:
    lake.write("append")
    lake.land((1, "a", at(1)))
    lake.run("spark")
    for state in lake.project.states.iterdir():
        state.unlink()
    assert lake.run("spark").reason == "adopted commit 1 of the destination"
    for state in lake.project.states.iterdir():
        state.unlink()
    assert lake.run("polars").reason == "adopted commit 1 of the destination"
    assert lake.rows("id") == [(1,)]
