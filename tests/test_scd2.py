"""History per key (`scd2`): what a table holds after events came in some order, in some batches."""

from __future__ import annotations

import json
import random
import subprocess
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable
from pyiceberg.catalog.sql import SqlCatalog

from datacoolie import Project as Library
from datacoolie.orchestration.results import RunResult
from datacoolie_engine_polars import copy_on_write
from tests.projects import Project, Record

if TYPE_CHECKING:
    from pathlib import Path

    from datacoolie.observability.records import FlowRecord

Event = tuple[int | None, int, str | None]
"""Key, hour, value; without a value the key is closed."""
Row = tuple[int | None, int, int | None, bool, str | None]
"""Key, from hour, to hour, whether it is current, value."""

START = datetime(2024, 2, 28, 12)  # noqa: DTZ001 - a time without zone is one of the types


def timelines(events: set[Event]) -> list[Row]:
    """Tell what the table has to hold: the versions, and deletes that end nothing."""
    rows: list[Row] = []
    for key, own in groupby(sorted(events, key=lambda one: (repr(one[0]), one[1])), key=lambda one: one[0]):
        value, since = None, None
        for _, hour, new in own:
            if new == value:
                rows += [(key, hour, hour, False, None)] if new is None else []
                continue
            if value is not None and since is not None:
                rows.append((key, since, hour, False, value))
            value, since = new, hour
        if value is not None and since is not None:
            rows.append((key, since, None, True, value))
    return sorted(rows, key=repr)


def flow(**configure: object) -> Record:
    return {
        "name": "customers",
        "source": {"connection_name": "landing", "table": "events", "watermark_columns": ["__file_modification_time"]},
        "destination": {
            "connection_name": "lake",
            "table": "customers",
            "load_type": "scd2",
            "merge_keys": ["id"],
            "configure": {
                "scd2_effective_column": "At",
                "scd2_delete_expression": "value is null",
                **configure,
            },
        },
    }


def land(project: Project, name: str, events: list[Event], **more: list[object]) -> None:
    frame = pl.DataFrame(
        {
            "id": pl.Series([key for key, _, _ in events], dtype=pl.Int64),
            "At": pl.Series([START + timedelta(hours=hour) for _, hour, _ in events], dtype=pl.Datetime("us")),
            "value": pl.Series([value for _, _, value in events], dtype=pl.String),
            **more,
        }
    )
    (project.landing / "events").mkdir(parents=True, exist_ok=True)
    frame.write_parquet(project.landing / "events" / f"{name}.parquet")


def load(project: Project) -> FlowRecord:
    """Run in this process and return the flow's record."""
    result = Library.load(str(project.folder / "project.yaml")).run()
    assert isinstance(result, RunResult)
    [record] = result.records
    return record


def read(project: Project, connection: str = "lake") -> pl.DataFrame:
    """Read the table with its format's own library."""
    if connection == "lake":
        return pl.DataFrame(DeltaTable(project.lake / "customers").to_pyarrow_table())
    catalog = SqlCatalog("default", uri=f"sqlite:///{project.folder}/catalog.db")
    rows = pl.DataFrame(catalog.load_table("db.customers").scan().to_arrow())
    catalog.close()
    return rows


def history(project: Project, connection: str = "lake") -> list[Row]:
    rows = read(project, connection).select("id", "__valid_from", "__valid_to", "__is_current", "value").rows()
    found = [
        (key, hours(since), None if to is None else hours(to), current, value)
        for key, since, to, current, value in rows
    ]
    return sorted(found, key=repr)


def hours(time: datetime) -> int:
    return round((time - START).total_seconds() / 3600)


def random_events(rng: random.Random) -> list[Event]:
    pairs = {(rng.choice([1, 2, None]), rng.randrange(8)) for _ in range(rng.randrange(1, 14))}
    return [(key, hour, rng.choice(["a", "b", "c", None])) for key, hour in sorted(pairs, key=repr)]


ICEBERG: Record = {
    "name": "ice",
    "format": "iceberg",
    "database": "db",
    "configure": {"catalog_options": {"type": "sql", "uri": "sqlite:///catalog.db", "warehouse": "warehouse"}},
}


@pytest.mark.parametrize(
    ("connection", "seed"), [*(("lake", seed) for seed in range(40)), *(("ice", seed) for seed in range(40, 50))]
)
def test_any_order_any_batches_any_repetition_give_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connection: str, seed: int
) -> None:
    if seed % 2:
        monkeypatch.setattr(copy_on_write, "_ROWS_AT_ONCE", 2)  # keys are rebuilt in several steps
    rng = random.Random(seed)  # noqa: S311 - test data
    events = random_events(rng)
    project = Project(tmp_path)
    document = flow()
    document["destination"]["connection_name"] = connection  # type: ignore[index] # a map
    project.write(document, connections=[ICEBERG])
    arriving = events + rng.sample(events, rng.randrange(len(events) + 1))
    rng.shuffle(arriving)
    seen: set[Event] = set()
    number = 0
    while arriving:
        batch = [arriving.pop() for _ in range(min(len(arriving), rng.randrange(1, 6)))]
        land(project, f"{number:03}", batch)
        number += 1
        assert load(project).error is None
        seen.update(batch)
        assert history(project, connection) == timelines(seen)


def rows_of(project: Project, *columns: str) -> list[tuple[object, ...]]:
    return sorted(read(project).select(columns).rows(), key=repr)


def test_the_columns_of_a_history_in_order(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(flow())
    land(project, "1", [(1, 0, "a")])
    load(project)
    schema = {field.name: str(field.type) for field in DeltaTable(project.lake / "customers").to_pyarrow_table().schema}
    assert list(schema) == [
        *("id", "at", "value", "__valid_from", "__valid_to", "__is_current", "__repeats"),
        *("__created_at", "__updated_at", "__updated_by", "__dataflow_run_id"),
    ]
    assert schema["__valid_from"] == schema["__valid_to"] == "timestamp[us]"


def test_a_repetition_changes_no_row_and_a_late_event_only_those_it_splits(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(flow())
    land(project, "1", [(1, 0, "a"), (1, 4, "b"), (2, 0, "x")])
    first = load(project)
    land(project, "2", [(1, 0, "a"), (2, 0, "x")])
    repeated = load(project)
    assert repeated.commit is not None
    assert (repeated.commit.rows, repeated.commit.updated, repeated.commit.removed_files) == (0, 0, 0)
    land(project, "3", [(1, 2, "c")])
    late = load(project)
    assert late.commit is not None
    assert (late.commit.inserted, late.commit.updated, late.commit.deleted) == (1, 1, 0)
    assert history(project) == [
        (1, 0, 2, False, "a"),
        (1, 2, 4, False, "c"),
        (1, 4, None, True, "b"),
        (2, 0, None, True, "x"),
    ]
    runs = {(key, hours(since)): run for key, since, run in rows_of(project, "id", "__valid_from", "__dataflow_run_id")}  # type: ignore[arg-type] # a time
    assert runs == {(1, 0): late.run_id, (1, 2): late.run_id, (1, 4): first.run_id, (2, 0): first.run_id}
    created = rows_of(project, "__created_at", "__valid_from")
    assert len({one for one, _ in created}) == 2


def test_a_version_that_a_late_event_makes_a_repetition_goes(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(flow())
    land(project, "1", [(1, 0, "a"), (1, 4, "b")])
    load(project)
    land(project, "2", [(1, 2, "b")])
    record = load(project)
    assert record.commit is not None
    assert (record.commit.inserted, record.commit.updated, record.commit.deleted) == (1, 1, 1)
    assert history(project) == [(1, 0, 2, False, "a"), (1, 2, None, True, "b")]


def test_columns_that_are_ignored_come_from_the_first_event_of_a_version_whatever_the_order(tmp_path: Path) -> None:
    events: list[Event] = [(1, 0, "a"), (1, 2, "a"), (1, 4, "a"), (1, 3, "b")]
    expected = [(1, 0, 3, False, "a"), (1, 3, 4, False, "b"), (1, 4, None, True, "a")]
    for name, order in {"once": [events], "late": [[event] for event in events], "back": [events[::-1]]}.items():
        project = Project(tmp_path / name)
        project.landing.mkdir(parents=True)
        project.write(flow(scd2_ignore_columns=["Note"]))
        for number, batch in enumerate(order):
            land(project, str(number), batch, Note=[f"at {hour}" for _, hour, _ in batch])
            load(project)
        assert history(project) == expected
        assert rows_of(project, "__valid_from", "note") == [
            (START + timedelta(hours=hour), f"at {hour}") for hour in (0, 3, 4)
        ]


@pytest.mark.parametrize("connection", ["lake", "ice"])
def test_what_events_said_of_a_column_survives_its_new_name(tmp_path: Path, connection: str) -> None:
    project = Project(tmp_path)
    document = flow(scd2_ignore_columns=["Note"])
    document["destination"]["connection_name"] = connection  # type: ignore[index] # a map
    project.write(document, connections=[ICEBERG])
    land(project, "1", [(1, 0, "a"), (1, 2, "a")], Note=["at 0", "at 2"])
    assert load(project).error is None
    project.write({**document, "transform": {"rename_columns": {"Note": "Remark"}}}, connections=[ICEBERG])
    land(project, "2", [(1, 1, "b")], Note=["at 1"])
    assert load(project).error is None
    found = read(project, connection).sort("__valid_from")
    assert found["remark"].to_list() == ["at 0", "at 1", "at 2"]


def test_a_column_that_was_ignored_makes_versions_once_it_is_tracked(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(flow(scd2_ignore_columns=["Note"]))
    land(project, "1", [(1, 0, "a"), (1, 2, "a")], Note=["x", "y"])
    assert load(project).error is None
    project.write(flow())
    land(project, "2", [(1, 3, "a"), (1, 4, "a")], Note=["y", "z"])
    assert load(project).error is None
    assert rows_of(project, "__valid_from", "note") == [
        (START + timedelta(hours=hour), note) for hour, note in ((0, "x"), (2, "y"), (4, "z"))
    ]


def test_a_column_that_is_called_as_one_of_the_timelines_own_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(flow())
    land(project, "1", [(1, 0, "a")], __run=[7])
    record = load(project)
    assert record.error is not None
    assert "columns of a history can't be called __run" in record.error.message
    assert not project.lake.exists()


def test_a_table_that_spells_columns_in_another_case_is_continued(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(flow())
    land(project, "1", [(1, 0, "a")])
    assert load(project).error is None
    upper = read(project).rename({"id": "ID", "value": "VALUE", "at": "AT"})
    upper.write_delta(
        str(project.lake / "customers"), mode="overwrite", delta_write_options={"schema_mode": "overwrite"}
    )
    land(project, "2", [(1, 1, "b"), (1, 2, "b")])
    assert load(project).error is None
    assert read(project).sort("__valid_from").select("ID", "VALUE").rows() == [(1, "a"), (1, "b")]


def test_only_tracked_columns_make_a_version(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(flow(scd2_track_columns=["VALUE"]))
    land(project, "1", [(1, 0, "a"), (1, 1, "a"), (1, 2, "b")], other=[1, 2, 3])
    load(project)
    assert history(project) == [(1, 0, 2, False, "a"), (1, 2, None, True, "b")]
    assert rows_of(project, "other") == [(1,), (3,)]


@pytest.mark.parametrize("batches", [1, 2])
def test_different_attributes_at_one_time_are_an_error_that_names_them(tmp_path: Path, batches: int) -> None:
    project = Project(tmp_path)
    project.write(flow())
    events: list[Event] = [(7, 0, "a"), (7, 3, "a"), (7, 3, "b")]
    land(project, "1", events[: 3 if batches == 1 else 2])
    if batches == 2:
        load(project)
        land(project, "2", events[2:])
    record = load(project)
    assert record.error is not None
    assert "id, __valid_from: (7, datetime.datetime(2024, 2, 28, 15, 0))" in record.error.message
    assert "latest_data_columns" in record.error.message
    assert (project.lake / "customers").exists() is (batches == 2)


@pytest.mark.parametrize("batches", [1, 2])
def test_the_latest_of_different_attributes_at_one_time_counts(tmp_path: Path, batches: int) -> None:
    project = Project(tmp_path)
    document = flow()
    document["transform"] = {"latest_data_columns": ["Sent"]}
    project.write(document)
    events: list[Event] = [(7, 0, "a"), (7, 3, "new"), (7, 3, "old")]
    sent: list[object] = [1, 9, 5]
    cut = 3 if batches == 1 else 2
    land(project, "1", events[:cut], Sent=sent[:cut])
    load(project)
    if batches == 2:
        land(project, "2", events[2:], Sent=sent[2:])
        load(project)
    assert history(project) == [(7, 0, 3, False, "a"), (7, 3, None, True, "new")]


def test_events_without_a_time_are_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(flow())
    land(project, "1", [(1, 0, "a")])
    path = project.landing / "events" / "1.parquet"
    pl.read_parquet(path).with_columns(At=pl.lit(None, pl.Datetime("us"))).write_parquet(path)
    record = load(project)
    assert record.error is not None
    assert "1 rows have no effective time (scd2_effective_column)" in record.error.message
    assert not list(project.lake.rglob("*.parquet"))


def test_a_full_snapshot_closes_the_keys_that_are_missing(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(flow(scd2_full_snapshot=True))
    land(project, "1", [(1, 0, "a"), (2, 0, "x"), (None, 0, "n")])
    load(project)
    land(project, "2", [(1, 5, "a"), (3, 5, "z")])
    load(project)
    expected = [(1, 0, None, True, "a"), (2, 0, 5, False, "x"), (3, 5, None, True, "z"), (None, 0, 5, False, "n")]
    assert history(project) == sorted(expected, key=repr)
    land(project, "3", [(1, 9, "a"), (2, 9, "x"), (3, 9, "z")])
    load(project)
    expected += [(2, 9, None, True, "x")]
    assert history(project) == sorted(expected, key=repr)


def test_versions_by_day_in_partitions_of_current_and_past_rows(tmp_path: Path) -> None:
    project = Project(tmp_path)
    document = flow()
    document["source"] = {**document["source"], "filter_expression": "value != 'skip'"}  # type: ignore[dict-item] # a map
    document["destination"]["partition_columns"] = ["__is_current"]  # type: ignore[index] # a map
    document["transform"] = {"additional_columns": [{"column": "day", "expression": "cast(At as date)"}]}
    document["destination"]["configure"]["scd2_effective_column"] = "day"  # type: ignore[index] # a map
    project.write(document)
    land(project, "1", [(1, 0, "a"), (2, 0, "skip")])
    load(project)
    land(project, "2", [(1, 24, "b")])
    load(project)
    assert rows_of(project, "id", "__valid_from", "__valid_to", "__is_current", "value") == [
        (1, date(2024, 2, 28), date(2024, 2, 29), False, "a"),
        (1, date(2024, 2, 29), None, True, "b"),
    ]
    folders = {path.parent.name for path in project.lake.rglob("*.parquet")}
    assert folders == {"__is_current=true", "__is_current=false"}


def test_a_history_that_another_tool_made_is_continued(tmp_path: Path) -> None:
    project = Project(tmp_path)
    document = flow()
    document["transform"] = {"system_columns": False}
    project.write(document)
    made = pl.DataFrame(
        {
            "id": [1, 1, 2],
            "at": [START, START + timedelta(hours=4), START],
            "value": ["a", "b", "x"],
            "__valid_from": [START, START + timedelta(hours=4), START],
            "__valid_to": [START + timedelta(hours=3), None, None],
            "__is_current": [False, True, True],
        }
    )
    made.write_delta(str(project.lake / "customers"))
    land(project, "1", [(1, 1, "a"), (1, 2, "c"), (2, 6, None)])
    assert load(project).error is None
    assert history(project) == [
        (1, 0, 2, False, "a"),
        (1, 2, 3, False, "c"),
        (1, 4, None, True, "b"),
        (2, 0, 6, False, "x"),
    ]


def check(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = project.command("check", "scd2", *arguments, str(project.folder / "project.yaml"))
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_check_scd2_proves_a_history_that_was_loaded(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(flow())
    land(project, "1", [(1, 0, "a"), (1, 3, None), (1, 5, "b"), (2, 1, None), (3, 0, "x"), (3, 4, "y")])
    load(project)
    done = check(project, "customers")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("customers: a history of 5 versions, of which 2 hold\n")


def test_check_scd2_names_what_is_wrong_and_how_often(tmp_path: Path) -> None:
    project = Project(tmp_path)
    document = flow(scd2_delete_expression=None)
    project.write(document)
    hour = timedelta(hours=1)
    versions = [
        (1, START, START + 2 * hour, False),
        (1, START + hour, None, True),
        (2, START, None, False),
        (3, START, START + hour, False),
        (3, START + 3 * hour, None, True),
        (4, START + hour, START, False),
        (5, START, None, True),
        (5, START, None, True),
    ]
    ids, starts, ends, current = zip(*versions, strict=True)
    rows = {"id": ids, "__valid_from": starts, "__valid_to": ends, "__is_current": current}
    pl.DataFrame(rows).write_delta(str(project.lake / "customers"))
    done = check(project, "customers", "--json")
    assert done.returncode == 1
    assert {fault["what"]: (fault["rows"], fault["example"]) for fault in json.loads(done.stdout)["faults"]} == {
        "ends before it begins": (1, 4),
        "begins when another version of its key does": (1, 5),
        "overlaps the next version of its key": (2, 1),
        "__is_current is not whether __valid_to is null": (1, 2),
        "ends before the next version of its key begins, and nothing deletes": (1, 3),
        "has ended without a next version, and nothing deletes": (1, 4),
    }
    assert "1 version (such as that of key 2): __is_current is not" in check(project, "customers").stderr


def test_check_scd2_of_a_table_that_nobody_writes_names_those_that_there_are(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(flow())
    done = check(project, "custmers")
    assert done.returncode == 2
    assert "There are: customers. Did you mean 'customers'?" in done.stderr
