"""Sources whose columns change: loads that widen the table, and those that refuse to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable

from tests.projects import append_flow

if TYPE_CHECKING:
    from tests.projects import Project


def land(project: Project, name: str, data: pl.DataFrame) -> None:
    folder = project.landing / "events"
    folder.mkdir(exist_ok=True)
    data.write_parquet(folder / name)


@pytest.mark.parametrize("load_type", ["append", "overwrite", "merge_upsert"])
def test_a_wider_source_widens_the_table_in_the_commit_of_the_load(project: Project, load_type: str) -> None:
    project.write(append_flow(destination={"load_type": load_type, "merge_keys": ["id"]}))
    land(project, "a.parquet", pl.DataFrame({"id": [1, 2], "n": [1, 2]}, schema_overrides={"n": pl.Int32}))
    project.run()
    land(project, "b.parquet", pl.DataFrame({"id": [3], "n": [2**40], "more": ["x"]}))
    [record] = project.run()
    commit = record["commit"]
    assert isinstance(commit, dict)
    assert (commit["rows"], commit["schema_changes"]) == (1, ["n: int -> bigint", "new column more: string"])
    assert DeltaTable(project.lake / "events").version() == 1
    kept = [] if load_type == "overwrite" else [(1, 1, None), (2, 2, None)]
    assert sorted(project.table("events").rows()) == [*kept, (3, 2**40, "x")]
    assert project.run()[0]["status"] == "skipped"


def test_what_is_rewritten_is_said(project: Project) -> None:
    project.write(append_flow())
    land(project, "a.parquet", pl.DataFrame({"id": [1], "n": [1.5]}, schema_overrides={"n": pl.Float32}))
    project.start()
    land(project, "b.parquet", pl.DataFrame({"id": [2], "n": [2.5]}))
    done = project.start()
    assert "n: float -> double; all rows of the table are written again" in done.stderr
    assert project.table("events").sort("id").rows() == [(1, 1.5), (2, 2.5)]


def test_a_narrower_source_is_refused_and_the_table_stays(project: Project) -> None:
    project.write(append_flow())
    land(project, "a.parquet", pl.DataFrame({"id": [1], "n": [1]}))
    project.run()
    before = sorted(path.name for path in (project.lake / "events").rglob("*"))
    (project.landing / "events/a.parquet").unlink()
    land(project, "b.parquet", pl.DataFrame({"id": [2], "n": ["two"]}))
    [record] = project.run()
    assert record["status"] == "failed"
    assert "column 'n' is bigint in the table, but string in the batch" in str(record["error"])
    assert sorted(path.name for path in (project.lake / "events").rglob("*")) == before


def test_a_rename_in_the_flow_renames_the_column_of_the_table(project: Project) -> None:
    project.write(append_flow())
    land(project, "a.parquet", pl.DataFrame({"id": [1], "CustNm": ["a"]}))
    project.run()
    assert project.table("events").columns == ["id", "custnm"]
    project.write(append_flow(transform={"rename_columns": {"CustNm": "customer"}}))
    land(project, "b.parquet", pl.DataFrame({"id": [2], "CustNm": ["b"]}))
    [record] = project.run()
    commit = record["commit"]
    assert isinstance(commit, dict)
    assert commit["schema_changes"] == ["custnm is called customer"]
    assert project.table("events").sort("id").rows(named=True) == [
        {"id": 1, "customer": "a"},
        {"id": 2, "customer": "b"},
    ]
