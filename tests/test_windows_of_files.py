"""Windows by date folders and by the times of files, and loads that replace when nothing is new."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.projects import append_flow

if TYPE_CHECKING:
    from pathlib import Path

    from tests.projects import Project, Record

MODIFIED = "__file_modification_time"


def land(project: Project, name: str, ids: list[int], *, at: int = 0, **columns: list[object]) -> Path:
    """Write a Parquet file below `landing/events`, modified so many minutes into 2024."""
    path = project.landing / "events" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({"id": ids, **columns}).write_parquet(path)
    os.utime(path, (moment(at).timestamp(),) * 2)
    return path


def moment(minute: int) -> datetime:
    return datetime(2024, 1, 1 + minute // 1440, minute // 60 % 24, minute % 60, tzinfo=UTC)


def loaded(project: Project) -> list[int]:
    return sorted(project.table("events")["id"].to_list())


def in_date_folders(template: str, **source: object) -> tuple[Record, list[Record]]:
    """Return a flow by `t` from a connection with date folders, and the connection."""
    configure = {"base_path": "landing", "date_folder_partitions": template}
    connection: Record = {"name": "dated", "format": "parquet", "configure": configure}
    return append_flow(source={"connection_name": "dated", "watermark_columns": ["t"], **source}), [connection]


@pytest.mark.parametrize(
    ("template", "folders"),
    [
        ("{year}/{month}/{day}", ["2023/12/31", "2024/02/28", "2024/02/29"]),
        (
            "year={year}/month={month}/day={day}",
            ["year=2023/month=12/day=31", "year=2024/month=2/day=28", "year=2024/month=2/day=29"],
        ),
        ("{year}/{month}", ["2023/11", "2024/1", "2024/02"]),
        ("y{year}", ["y2022", "y2023", "y2024"]),
        ("{year}/{month}/{day}/{hour}", ["2024/02/28/23", "2024/02/29/11", "2024/02/29/12"]),
    ],
)
def test_date_folders_that_end_before_the_window_are_not_opened(
    project: Project, template: str, folders: list[str]
) -> None:
    flow, connections = in_date_folders(template)
    project.write(flow, connections=connections)
    noon = datetime(2024, 2, 29, 12)  # noqa: DTZ001 - a wall clock's time, as in the folders
    old = [land(project, f"{folder}/a.parquet", [number], t=[noon]) for number, folder in enumerate(folders)]
    project.load()
    assert loaded(project) == [0, 1, 2]

    for path in old[:2]:
        path.write_bytes(b"this is no Parquet file")
    land(project, f"{folders[2]}/b.parquet", [3], t=[noon.replace(minute=1)])
    record = project.load()
    assert record.window is not None
    assert record.window.files == 2
    assert loaded(project) == [0, 1, 2, 3]

    old[2].write_bytes(b"this is no Parquet file")
    failed = project.attempt()
    assert failed.error is not None
    assert str(old[2]) in failed.error.message


def test_a_folder_named_by_another_zone_is_read(project: Project) -> None:
    flow, connections = in_date_folders("{year}/{month}/{day}")
    project.write(flow, connections=connections)
    one = datetime(2024, 1, 16, 1, tzinfo=UTC)
    land(project, "2024/01/15/evening_in_new_york.parquet", [1], t=[one])
    project.load()
    land(project, "2024/01/15/late_evening.parquet", [2], t=[one.replace(hour=4)])
    project.load()
    assert loaded(project) == [1, 2]


@pytest.mark.parametrize(("boundary", "ids"), [("exclusive", [1]), ("inclusive", [1, 2])])
def test_the_folder_of_the_mark_is_opened_when_rows_at_the_mark_count(
    project: Project, boundary: str, ids: list[int]
) -> None:
    flow, connections = in_date_folders("{year}/{month}/{day}", configure={"watermark": {"boundary": boundary}})
    project.write(flow, connections=connections)
    land(project, "2024/02/29/a.parquet", [1], t=[date(2024, 2, 29)])
    project.load()
    land(project, "2024/02/29/late.parquet", [2], t=[date(2024, 2, 29)])
    project.load()
    assert loaded(project) == ids


def test_a_look_back_opens_the_folders_it_reaches(project: Project) -> None:
    flow, connections = in_date_folders("{year}/{month}/{day}", configure={"backward_days": 2})
    flow["destination"] = {**flow["destination"], "load_type": "merge_upsert", "merge_keys": ["id"]}  # type: ignore[dict-item]
    project.write(flow, connections=connections)
    for day in (1, 2, 3, 4):
        land(project, f"2024/03/0{day}/a.parquet", [day], t=[date(2024, 3, day)])
    project.load()
    (project.landing / "events/2024/03/01/a.parquet").write_bytes(b"broken")
    land(project, "2024/03/02/late.parquet", [5], t=[date(2024, 3, 2)])
    record = project.load()
    assert record.window is not None
    assert (record.window.files, record.window.low) == (4, {"t": date(2024, 3, 2)})
    assert loaded(project) == [1, 2, 3, 4, 5]


def test_folders_that_are_no_dates_and_other_watermarks_prune_nothing(project: Project) -> None:
    flow, connections = in_date_folders("{year}/{month}", watermark_columns=["id"])
    project.write(flow, connections=connections)
    land(project, "2020/01/a.parquet", [10])
    project.load()
    land(project, "2020/01/b.parquet", [11])
    land(project, "2020/13/c.parquet", [12])
    land(project, "other/d.parquet", [13])
    project.load()
    assert loaded(project) == [10, 11, 12, 13]


def test_new_files_are_loaded_whole_whatever_other_watermarks_say(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": [MODIFIED, "id"]}))
    land(project, "a.parquet", [5, 6], at=1)
    project.load()
    land(project, "moved_in_late.parquet", [1, 9], at=0)
    land(project, "without_ids.parquet", [None], at=2)  # type: ignore[list-item]
    record = project.load()
    assert record.window is not None
    assert record.window.high == {"id": 9, MODIFIED: moment(2)}
    assert project.table("events")["id"].sort().to_list() == [None, 1, 5, 6, 9]
    assert project.load().status == "skipped"


def test_a_lag_leaves_the_newest_files_for_later(project: Project) -> None:
    settings = {"watermark": {"lag": "10m"}}
    project.write(append_flow(source={"watermark_columns": [MODIFIED], "configure": settings}))
    land(project, "a.parquet", [1], at=0)
    land(project, "b.parquet", [2], at=15)
    record = project.load()
    assert record.window is not None
    assert record.window.high == {MODIFIED: moment(5)}
    assert loaded(project) == [1]
    assert project.load().status == "skipped"
    land(project, "c.parquet", [3], at=30)
    land(project, "came_late.parquet", [4], at=2)
    project.load()
    assert loaded(project) == [1, 2, 4]


def test_a_look_back_reads_files_again_when_one_is_new(project: Project) -> None:
    project.write(
        append_flow(
            source={"watermark_columns": [MODIFIED], "configure": {"backward_hours": 1}},
            destination={"load_type": "merge_upsert", "merge_keys": ["id"]},
        )
    )
    land(project, "a.parquet", [1], at=0, v=["a"])
    land(project, "b.parquet", [2], at=61, v=["a"])
    land(project, "c.parquet", [3], at=120, v=["a"])
    project.load()
    assert project.load().status == "skipped"
    land(project, "d.parquet", [4], at=121, v=["a"])
    record = project.load()
    assert record.window is not None
    assert (record.window.files, record.window.low) == (3, {MODIFIED: moment(60)})
    assert record.commit is not None
    assert (record.commit.inserted, record.commit.updated) == (1, 2)


@pytest.mark.parametrize("destination", ["lake", "out_parquet", "out_csv"])
@pytest.mark.parametrize("columns", [["id"], [MODIFIED], []])
def test_a_target_is_emptied_once_when_nothing_is_new(project: Project, destination: str, columns: list[str]) -> None:
    project.write(
        append_flow(
            source={"watermark_columns": columns},
            destination={
                "connection_name": destination,
                "load_type": "overwrite",
                "configure": {"on_empty": "clear"},
            },
        )
    )
    path = land(project, "a.parquet", [1, 2])
    project.load()
    assert rows(project, destination) == [1, 2]
    if not columns:
        path.unlink()
    record = project.load()
    assert (record.status, record.reason) == ("succeeded", "nothing new: the target was emptied")
    assert rows(project, destination) == []
    if columns:
        for state in project.states.glob("*.json"):
            state.unlink()
        assert project.load().reason == "adopted commit 2 of the destination"
    assert project.load().status == "skipped"
    land(project, "b.parquet", [3], at=1)
    assert project.load().commit is not None
    assert rows(project, destination) == [3]


def rows(project: Project, destination: str) -> list[int]:
    if destination == "lake":
        return loaded(project)
    folder = project.folder / "out" / "events"
    if destination == "out_csv":
        return sorted(row for path in folder.glob("*.csv") for row in pl.read_csv(path)["id"])
    return sorted(row for path in folder.glob("*.parquet") for row in pl.read_parquet(path)["id"])


def test_a_window_without_rows_empties_the_target_once(project: Project) -> None:
    project.write(append_flow(destination={"load_type": "full_load", "configure": {"on_empty": "clear"}}))
    land(project, "a.parquet", [5])
    project.load()
    land(project, "b.parquet", [1])
    first = project.load()
    assert first.commit is not None
    assert first.commit.removed_files == 1
    assert loaded(project) == []
    land(project, "c.parquet", [2])
    assert project.load().reason == "no new rows"


def test_an_append_ignores_on_empty(project: Project) -> None:
    project.write(append_flow(destination={"configure": {"on_empty": "clear"}}))
    land(project, "a.parquet", [5])
    project.load()
    assert project.load().status == "skipped"
    assert loaded(project) == [5]


@pytest.mark.parametrize(
    ("form", "nothing", "blank", "record"),
    [
        ("csv", "", "\n\n", "id\n%s\n"),
        ("jsonl", "", "\n" * 8, '{"id": "%s"}\n'),
        ("json", "[]\n", "[      ]", '[{"id": "%s"}]'),
    ],
)
def test_files_that_are_empty_have_no_rows(project: Project, form: str, nothing: str, blank: str, record: str) -> None:
    connection: Record = {"name": "text", "format": form, "configure": {"base_path": "landing"}}
    columns: list[Record] = [{"column": "one", "expression": "1"}]
    source = {"connection_name": "text", "watermark_columns": [MODIFIED]}
    project.write(append_flow(source=source, transform={"additional_columns": columns}), connections=[connection])
    folder = project.landing / "events"
    folder.mkdir()
    (folder / f"a.{form}").write_text(nothing)
    error = project.attempt().error
    assert error is not None
    assert f"no {form} file among 1 files (a.{form})" in error.message

    (folder / f"b.{form}").write_text(record % 1)
    project.load()
    (folder / f"c.{form}").write_text(nothing)
    assert project.load().status == "skipped"
    (folder / f"d.{form}").write_text(blank)
    error = project.attempt().error
    assert error is not None
    assert f"d.{form}: there is not one column in it" in error.message
    (folder / f"d.{form}").write_text(record % 2)
    project.load()
    assert sorted(project.table("events").rows()) == [("1", 1), ("2", 1)]
