"""`datacoolie state`: what is saved of flows, and what people may change in it."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from click.testing import CliRunner, Result

from datacoolie.cli.app import app
from datacoolie.state.process import this_process
from tests.projects import append_flow

if TYPE_CHECKING:
    from tests.projects import Project, Record


def land(project: Project, name: str, ids: list[int]) -> None:
    folder = project.landing / "events"
    folder.mkdir(exist_ok=True)
    pl.DataFrame({"id": ids}).write_parquet(folder / f"{name}.parquet")


def call(project: Project, action: str, *arguments: str) -> Result:
    command = ["state", action, str(project.folder / "project.yaml"), *arguments]
    return CliRunner().invoke(app, command, prog_name="datacoolie")


def run(project: Project) -> Record:
    done = CliRunner().invoke(app, ["run", "--json", str(project.folder / "project.yaml")], prog_name="datacoolie")
    (line,) = done.stdout.splitlines()
    record: Record = json.loads(line)
    return record


def answer(project: Project, action: str, *arguments: str) -> Record:
    done = call(project, action, "--json", *arguments)
    (line,) = done.stdout.splitlines() or [f'"{done.stderr}"']
    found: Record = json.loads(line)
    return found


def loaded(project: Project) -> list[int]:
    return sorted(project.table("events")["id"].to_list())


@pytest.fixture
def loads(project: Project) -> Project:
    """Return a project whose flow has loaded 1, 2 and then 3."""
    project.write(append_flow())
    land(project, "a", [1, 2])
    run(project)
    land(project, "b", [3])
    run(project)
    return project


def lease(project: Project, **changes: object) -> None:
    """Put a lease of somebody into the state."""
    (path,) = project.states.glob("*.json")
    me = this_process()
    held = {
        "run_id": "other",
        "host": me.host,
        "pid": me.pid,
        "process_started": me.started,
        "boot_id": me.boot_id,
        "pid_namespace": me.pid_namespace,
        "acquired_at": "2024-02-29T12:00:00+00:00",
        "expires_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }
    path.write_text(json.dumps({**json.loads(path.read_text()), "lease": {**held, **changes}}))


def test_show(loads: Project) -> None:
    found = answer(loads, "show")
    state = found["state"]
    assert isinstance(state, dict)
    assert state.pop("saved_at")
    assert found == {
        "flow": "events",
        "damaged": False,
        "state": {"mark": {"id": 3}, "seq": 2, "epoch": 1, "lease": None},
        "history": [],
    }
    text = call(loads, "show").stdout.splitlines()
    assert text[0].split() == ["flow", "mark", "load", "epoch", "saved"]
    assert text[1].split()[:4] == ["events", "3", "2", "1"]


def test_show_says_who_is_loading(loads: Project) -> None:
    lease(loads, host="elsewhere", pid=77)
    assert "run other (process 77 on elsewhere) since 2024-02-29 12:00:00Z" in call(loads, "show").stdout


def test_show_without_and_with_a_damaged_state(project: Project) -> None:
    project.write(append_flow())
    assert answer(project, "show")["state"] is None
    assert "no state" in call(project, "show").stdout
    land(project, "a", [1])
    run(project)
    (path,) = project.states.glob("*.json")
    path.write_text("{")
    assert answer(project, "show")["damaged"] is True
    assert "damaged; the next run takes it from the destination" in call(project, "show").stdout


def test_set_lets_rows_above_the_mark_be_loaded_once_more(loads: Project) -> None:
    done = call(loads, "set", "-s", "events", "--mark", "id=1")
    assert done.stdout == "events: the next run loads above 1 (epoch 1, after load 2)\n"
    assert run(loads)["commit"]["seq"] == 3  # type: ignore[index]
    assert loaded(loads) == [1, 2, 2, 3, 3]
    assert run(loads)["status"] == "skipped"


def test_set_counts_although_the_state_was_lost(loads: Project) -> None:
    """Otherwise the next run would take the mark of the newest commit instead."""
    shutil.rmtree(loads.states)
    assert answer(loads, "set", "-s", "events", "--mark", "id=2")["seq"] == 2
    run(loads)
    assert loaded(loads) == [1, 2, 3, 3]


def test_set_before_the_first_load(project: Project) -> None:
    project.write(append_flow())
    land(project, "a", [1, 2, 3])
    assert answer(project, "set", "-s", "events", "--mark", "id=2")["mark"] == {"id": 2}
    assert run(project)["status"] == "succeeded"
    assert loaded(project) == [3]


def test_set_a_time_of_files(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["__file_modification_time"]}))
    for name, second in (("old", 1_000), ("new", 2_000)):
        land(project, name, [second])
        os.utime(project.landing / "events" / f"{name}.parquet", (second, second))
    run(project)
    answer(project, "set", "-s", "events", "--mark", "__file_modification_time=1970-01-01T00:16:40Z")
    run(project)
    assert loaded(project) == [1000, 2000, 2000]
    done = call(project, "set", "-s", "events", "--mark", "__file_modification_time=1970-01-01T00:16:40")
    assert (done.exit_code, "can't be read as datetime with zone" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mark", "id=1"], "Name the flows with --select"),
        (
            ["-s", "events", "--mark", "idd=1"],
            "'idd' is no watermark column. Watermark columns: id. Did you mean 'id'?",
        ),
        (["-s", "events", "--mark", "id=one"], "Watermark column 'id': 'one' can't be read as int"),
        (["-s", "events", "--mark", "id"], "--mark 'id': write COLUMN=VALUE"),
        (["-s", "event", "--mark", "id=1"], "Did you mean 'events'?"),
    ],
)
def test_set_refuses_by_name(loads: Project, arguments: list[str], message: str) -> None:
    before = [path.read_bytes() for path in loads.states.glob("*.json")]
    done = call(loads, "set", *arguments)
    assert done.exit_code in {1, 2}
    assert message in done.stderr
    assert [path.read_bytes() for path in loads.states.glob("*.json")] == before


def test_reset_loads_everything_in_a_new_epoch(loads: Project) -> None:
    done = call(loads, "reset", "-s", "events")
    assert done.stdout == "events: the next run loads from the start (epoch 2, after load 2)\n"
    commit = run(loads)["commit"]
    assert isinstance(commit, dict)
    assert (commit["epoch"], commit["seq"]) == (2, 3)
    assert loaded(loads) == [1, 1, 2, 2, 3, 3]


def test_reset_of_a_lost_state_does_not_start_numbers_again(loads: Project) -> None:
    shutil.rmtree(loads.states)
    found = answer(loads, "reset", "-s", "events")
    assert (found["epoch"], found["seq"], found["mark"]) == (2, 2, None)
    run(loads)
    assert loaded(loads) == [1, 1, 2, 2, 3, 3]


def test_changes_are_written_down(loads: Project) -> None:
    call(loads, "set", "-s", "events", "--mark", "id=1")
    call(loads, "reset", "-s", "events")
    history = answer(loads, "show")["history"]
    assert isinstance(history, list)
    assert all(change.pop("at") for change in history)
    by = f"{getpass.getuser()}@{socket.gethostname()}"
    assert history == [
        {
            "by": by,
            "action": "set",
            "before": {"epoch": 1, "seq": 2, "mark": {"id": 3}},
            "after": {"epoch": 1, "seq": 2, "mark": {"id": 1}},
        },
        {
            "by": by,
            "action": "reset",
            "before": {"epoch": 1, "seq": 2, "mark": {"id": 1}},
            "after": {"epoch": 2, "seq": 2, "mark": None},
        },
    ]
    shown = call(loads, "show").stdout
    assert re.search(rf"events: set by {re.escape(by)} at \S+ \S+Z \(mark 3 -> 1\)", shown)
    assert re.search(rf"events: reset by {re.escape(by)} at \S+ \S+Z \(epoch 1 -> 2, mark 1 -> start\)", shown)


@pytest.mark.parametrize("action", ["set", "reset"])
def test_a_flow_that_is_loaded_now_is_not_changed(loads: Project, action: str) -> None:
    lease(loads, host="elsewhere", pid=77)
    done = call(loads, action, "-s", "events")
    assert done.exit_code == 1
    assert "is being loaded by run other (process 77 on elsewhere)" in done.stderr
    assert answer(loads, "show")["history"] == []


def test_unlock_refuses_a_live_holder_on_this_host(loads: Project) -> None:
    lease(loads)
    done = call(loads, "unlock", "-s", "events")
    assert done.exit_code == 1
    assert f"run other (process {os.getpid()}) is alive on this machine" in done.stderr
    forced = answer(loads, "unlock", "-s", "events", "--force")
    unlocked = forced["unlocked"]
    assert isinstance(unlocked, dict)
    assert unlocked["pid"] == os.getpid()
    assert answer(loads, "show")["state"]["lease"] is None  # type: ignore[index]


def test_unlock_a_holder_elsewhere(loads: Project) -> None:
    lease(loads, host="elsewhere", pid=77)
    land(loads, "c", [4])
    assert run(loads)["status"] == "failed"
    assert (
        "unlocked; it was held by run other (process 77 on elsewhere)" in call(loads, "unlock", "-s", "events").stdout
    )
    assert run(loads)["status"] == "succeeded"
    again = call(loads, "unlock", "-s", "events")
    assert (again.exit_code, "nobody holds its lease" in again.stderr) == (2, True)


def verified(project: Project) -> tuple[object, object, object, int]:
    done = call(project, "verify", "--json")
    found = json.loads(done.stdout)
    return found["agreement"], found["state"], found["destination"], done.exit_code


@pytest.mark.parametrize("connection", ["lake", "out_parquet"])
def test_verify(project: Project, connection: str) -> None:
    project.write(append_flow(destination={"connection_name": connection}))
    land(project, "a", [1])
    assert verified(project) == ("same", 0, 0, 0)
    run(project)
    (path,) = project.states.glob("*.json")
    old = path.read_bytes()
    land(project, "b", [2])
    run(project)
    assert verified(project) == ("same", 2, 2, 0)
    path.write_bytes(old)
    assert verified(project) == ("behind", 1, 2, 0)
    path.unlink()
    assert verified(project) == ("behind", 0, 2, 0)
    run(project)
    shutil.rmtree(project.folder / ("lake" if connection == "lake" else "out"))
    assert verified(project) == ("ahead", 2, 0, 1)
    assert "the table was deleted or replaced. Reset the state" in call(project, "verify").stdout
    assert not (project.folder / "lake" / "events").exists()


def test_verify_a_destination_that_cannot_be_read(loads: Project) -> None:
    for log in (loads.lake / "events" / "_delta_log").glob("*.json"):
        log.write_text("{")
    agreement, *_, code = verified(loads)
    assert (agreement, code) == ("unknown", 1)


@pytest.mark.parametrize("connection", ["lake", "out_parquet"])
@pytest.mark.parametrize("load_type", ["append", "overwrite"])
def test_a_table_that_was_deleted_is_not_filled_with_what_is_new_alone(
    project: Project, connection: str, load_type: str
) -> None:
    project.write(append_flow(destination={"connection_name": connection, "load_type": load_type}))
    land(project, "a", [1, 2])
    run(project)
    folder = project.folder / ("lake" if connection == "lake" else "out") / "events"
    shutil.rmtree(folder)
    land(project, "b", [3])
    record = run(project)
    if load_type == "overwrite":  # the window's rows are all that there is to be
        assert record["status"] == "succeeded"
        return
    error = record["error"]
    assert isinstance(error, dict)
    assert error["message"] == (
        f"{folder}: the table was deleted, but by the state of dataflow 'events' everything up to 2 is in it. To load "
        "everything again: datacoolie state reset --select events. To load only what is above it: datacoolie state set "
        "--select events"
    )
    assert not folder.exists()
    call(project, "reset", "-s", "events")
    assert run(project)["commit"]["rows"] == 3  # type: ignore[index]


def test_another_table_in_the_place_of_the_one_that_was_loaded_into(loads: Project) -> None:
    shutil.rmtree(loads.lake / "events")
    pl.DataFrame({"id": [0]}).write_delta(loads.lake / "events")
    land(loads, "c", [4])
    record = run(loads)
    error = record["error"]
    assert isinstance(error, dict)
    assert "this is another table than the one that was loaded into" in error["message"]
    assert call(loads, "set", "-s", "events").exit_code == 0
    assert run(loads)["status"] == "succeeded"
    assert loaded(loads) == [0, 4]


@pytest.mark.parametrize("connection", ["lake", "out_parquet"])
@pytest.mark.parametrize("damage", ["deleted", "truncated", "older", "of another machine"])
def test_state_is_rebuilt(project: Project, connection: str, damage: str) -> None:
    project.write(append_flow(destination={"connection_name": connection}))
    land(project, "a", [1, 2])
    run(project)
    (state,) = project.states.glob("*.json")
    old = state.read_bytes()
    land(project, "b", [3])
    run(project)
    match damage:
        case "deleted":
            state.unlink()
        case "truncated":
            state.write_bytes(state.read_bytes()[:20])
        case "older":
            state.write_bytes(old)
        case _:
            shutil.rmtree(project.states.parent)
            project.states.mkdir(parents=True)
    assert run(project)["reason"] == "adopted commit 2 of the destination"
    land(project, "c", [4])
    assert run(project)["commit"]["seq"] == 3  # type: ignore[index]
    if connection == "lake":
        assert loaded(project) == [1, 2, 3, 4]
    else:
        found = pl.read_parquet(project.folder / "out" / "events" / "*.parquet")
        assert sorted(found["id"]) == [1, 2, 3, 4]


def test_set_names_a_column_that_would_make_every_row_new(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["id", "n"]}))
    done = call(project, "set", "-s", "events", "--mark", "id=2")
    assert done.exit_code == 2
    assert "events: 'n' has no value yet, without which all of its rows would be new; give it one" in done.stderr
    assert answer(project, "set", "-s", "events", "--mark", "id=2", "--mark", "n=5")["mark"] == {"id": 2, "n": 5}


@pytest.mark.parametrize("arguments", [["reset"], ["set"]])
def test_verify_after_somebody_gave_a_deleted_table_up(loads: Project, arguments: list[str]) -> None:
    shutil.rmtree(loads.lake / "events")
    assert verified(loads) == ("ahead", 2, 0, 1)
    call(loads, *arguments, "-s", "events")
    assert verified(loads) == ("same", 2, 0, 0)


def test_a_table_is_known_from_a_commit_that_was_taken_over(loads: Project) -> None:
    """Otherwise, were it deleted, the next load would make one of the new rows alone."""
    shutil.rmtree(loads.states)
    assert run(loads)["reason"] == "adopted commit 2 of the destination"
    shutil.rmtree(loads.lake / "events")
    land(loads, "c", [4])
    error = run(loads)["error"]
    assert isinstance(error, dict)
    assert "the table was deleted" in error["message"]
