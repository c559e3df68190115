"""`merge_overwrite`: rows of the batch's keys, or of the window, are replaced."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable

from tests.projects import Project, Record, append_flow

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def days(*numbers: int) -> list[date]:
    return [date(2024, 3, number) for number in numbers]


def land(project: Project, name: str, frame: pl.DataFrame) -> None:
    (project.landing / "events").mkdir(parents=True, exist_ok=True)
    frame.write_parquet(project.landing / "events" / f"{name}.parquet")


def rows(project: Project) -> list[tuple[object, ...]]:
    return sorted(pl.DataFrame(DeltaTable(project.lake / "events").to_pyarrow_table()).rows(), key=repr)


def window_flow(**changes: object) -> Record:
    return append_flow(
        source={"watermark_columns": ["day"], "configure": {"backward_days": 2}},
        destination={"load_type": "merge_overwrite", "configure": {"replace_by_watermark": True}},
        **changes,
    )


def test_all_rows_of_the_keys_of_a_batch_are_replaced(project: Project) -> None:
    project.write(append_flow(destination={"load_type": "merge_overwrite", "merge_keys": ["order"]}))
    land(project, "1", pl.DataFrame({"id": [1, 2, 3], "order": [7, 7, 8], "line": ["a", "b", "c"]}))
    project.run()
    land(project, "2", pl.DataFrame({"id": [4, 5], "order": [7, 9], "line": ["A", "z"]}))
    [record] = project.run()
    assert record["status"] == "succeeded"
    assert record["guarantee"] == "idempotent"
    assert record["guarantee_reason"] == "the same rows replace all rows of the same keys, in one commit"
    assert rows(project) == [(3, 8, "c"), (4, 7, "A"), (5, 9, "z")]


def test_rows_that_the_source_no_longer_has_inside_the_window_are_gone(project: Project) -> None:
    project.write(window_flow())
    land(project, "1", pl.DataFrame({"day": days(1, 8, 9, 9, 10), "v": ["old", "a", "b", "c", "d"]}))
    project.run()
    land(project, "1", pl.DataFrame({"day": days(1, 8, 9, 11), "v": ["unseen", "A", "B", "E"]}))
    [record] = project.run()
    assert record["status"] == "succeeded"
    expected = [(1, "old"), (8, "A"), (9, "B"), (11, "E")]
    assert rows(project) == sorted([(date(2024, 3, day), v) for day, v in expected], key=repr)
    assert DeltaTable(project.lake / "events").version() == 1


def test_a_first_load_takes_the_place_of_all_rows(project: Project) -> None:
    pl.DataFrame({"day": days(1, 30), "v": ["x", "y"]}).write_delta(str(project.lake / "events"))
    project.write(window_flow())
    land(project, "1", pl.DataFrame({"day": days(2), "v": ["a"]}))
    project.run()
    assert rows(project) == [(date(2024, 3, 2), "a")]


def test_a_renamed_watermark_column_is_found_in_the_target(project: Project) -> None:
    flow = window_flow(transform={"rename_columns": {"Day": "on"}})
    flow["source"]["watermark_columns"] = ["Day"]  # type: ignore[index] # a map
    project.write(flow)
    land(project, "1", pl.DataFrame({"Day": days(1, 9), "v": ["a", "b"]}))
    project.run()
    land(project, "2", pl.DataFrame({"Day": days(10), "v": ["c"]}))
    land(project, "1", pl.DataFrame({"Day": days(1), "v": ["a"]}))
    [record] = project.run()
    assert record["status"] == "succeeded"
    assert rows(project) == [(date(2024, 3, 1), "a"), (date(2024, 3, 10), "c")]


def test_a_watermark_column_that_does_not_reach_the_target_as_it_is_fails_and_writes_nothing(project: Project) -> None:
    flow = window_flow(transform={"schema_hints": [{"column_name": "n", "data_type": "boolean"}]})
    flow["source"] = {**append_flow()["source"], "watermark_columns": ["n"]}  # type: ignore[dict-item] # a map
    project.write(flow)
    land(project, "1", pl.DataFrame({"n": [1], "v": ["a"]}))
    project.run()
    land(project, "2", pl.DataFrame({"n": [2], "v": ["b"]}))
    [record] = project.run()
    assert record["status"] == "failed"
    assert "has to keep its type" in str(record["error"])
    assert rows(project) == [(True, "a")]
