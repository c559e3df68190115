"""Killed runs, lost state and second runs: after the next run every row is there once."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.projects import append_flow

if TYPE_CHECKING:
    from tests.projects import Project

KILL = "import os, signal\ndef die(*a, **k): os.kill(os.getpid(), signal.SIGKILL)\n"

STEPS = {
    "before the lease is taken": "import datacoolie.state as s; s.LeaseKeeper.take = die",
    "after the lease is taken": ("import datacoolie.orchestration.load as l; l.Load._attempt_until_settled = die"),
    "before anything is staged": "import datacoolie.destinations.lakehouse as d; d.TableDestination.load = die",
    "after staging, before the commit": "import datacoolie.sources.files as f; f.FileSource.verify = die",
    "just before the commit": "import datacoolie.state as s; s.HeldLease.check = die",
    "after the commit, before the state": "import datacoolie.state as s; s.HeldLease.finish = die",
}

RUN = "\nfrom datacoolie import Project\nProject.load(path).run()\n"


def land(project: Project, name: str, ids: list[int]) -> None:
    folder = project.landing / "events"
    folder.mkdir(exist_ok=True)
    pl.DataFrame({"id": ids, "text": [f"row {i}" for i in ids]}).write_parquet(folder / name)


def loaded(project: Project) -> list[int]:
    return sorted(project.table("events")["id"].to_list())


@pytest.mark.parametrize("load_type", ["append", "merge_upsert", "overwrite"])
@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_is_killed_loses_and_doubles_nothing(project: Project, step: str, load_type: str) -> None:
    project.write(append_flow(destination={"load_type": load_type, "merge_keys": ["id"]}))
    land(project, "a.parquet", [1, 2, 3])
    assert project.run()[0]["status"] == "succeeded"
    land(project, "b.parquet", [4, 5])
    killed = project.python(KILL + STEPS[step] + RUN)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    before = [1, 2, 3]
    after = [4, 5] if load_type == "overwrite" else [1, 2, 3, 4, 5]
    assert loaded(project) in (before, after)

    assert project.run()[0]["status"] in {"succeeded", "skipped"}
    assert loaded(project) == after
    assert project.run()[0]["status"] == "skipped"
    assert loaded(project) == after


def test_a_load_without_watermark_is_not_doubled_by_the_run_after_a_kill(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": []}))
    land(project, "a.parquet", [1, 2, 3])
    killed = project.python(KILL + STEPS["after the commit, before the state"] + RUN)
    assert killed.returncode == -signal.SIGKILL
    assert loaded(project) == [1, 2, 3]
    assert project.run()[0]["status"] == "skipped"
    assert loaded(project) == [1, 2, 3]


@pytest.mark.parametrize("damage", ["deleted", "truncated", "older"])
def test_state_is_rebuilt_from_the_destination(project: Project, damage: str) -> None:
    project.write(append_flow())
    land(project, "a.parquet", [1, 2])
    project.run()
    (state,) = project.states.glob("*.json")
    old = state.read_bytes()
    land(project, "b.parquet", [3])
    project.run()
    match damage:
        case "deleted":
            state.unlink()
        case "truncated":
            state.write_bytes(state.read_bytes()[:20])
        case _:
            state.write_bytes(old)
    (record,) = project.run()
    assert (record["status"], record["reason"]) == ("skipped", "adopted commit 2 of the destination")
    assert loaded(project) == [1, 2, 3]
    land(project, "c.parquet", [4])
    assert project.run()[0]["commit"]["seq"] == 3  # type: ignore[index]
    assert loaded(project) == [1, 2, 3, 4]


def test_two_runs_at_once(project: Project) -> None:
    project.write(append_flow())
    land(project, "a.parquet", [1, 2, 3])
    code = "import datacoolie.sources.files as f\nold = f.FileSource.verify\n"
    code += "def slow(self, window):\n    print('reading', flush=True); input(); old(self, window)\n"
    code += "f.FileSource.verify = slow" + RUN
    prelude = f"path = {str(project.folder / 'project.yaml')!r}\n"
    with subprocess.Popen(
        [*project.command()[:1], "-c", prelude + code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        assert first.stdout.readline() == "reading\n"
        (second,) = project.run()
        assert second["status"] == "failed"
        error = second["error"]
        assert isinstance(error, dict)
        assert error["type"] == "LeaseHeldError"
        assert str(first.pid) in error["message"]
        first.stdin.write("\n")
        first.stdin.close()
        assert first.wait(timeout=120) == 0
    assert loaded(project) == [1, 2, 3]
    assert project.run()[0]["status"] == "skipped"


@pytest.mark.parametrize(("signalled", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_end_by_signal_releases_the_lease_and_leaves_nothing(
    project: Project, signalled: signal.Signals, code: int
) -> None:
    project.write(append_flow())
    folder = project.landing / "events"
    folder.mkdir()
    pl.select(id=pl.int_range(15_000_000), text=pl.int_range(15_000_000).cast(pl.String)).write_parquet(
        folder / "big.parquet"
    )
    with subprocess.Popen(
        project.command("run", str(project.folder / "project.yaml")), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as running:
        table = project.lake / "events"
        while not (table.exists() and any(table.rglob("*.parquet"))):
            assert running.poll() is None, running.communicate()
            time.sleep(0.01)
        running.send_signal(signalled)
        assert running.wait(timeout=120) == code
    assert not list(table.rglob("*.parquet"))
    (state,) = project.states.glob("*.json")
    assert json.loads(state.read_text())["lease"] is None
    assert project.run()[0]["commit"]["rows"] == 15_000_000  # type: ignore[index]


def test_a_run_that_is_ended_after_its_pass_commits_nothing(project: Project) -> None:
    project.write(append_flow())
    land(project, "a.parquet", [1, 2, 3])
    code = "import time, datacoolie.sources.files as f\nold = f.FileSource.verify\n"
    code += "def slow(*a):\n    print('staged', flush=True); time.sleep(4); old(*a)\n"
    code += "f.FileSource.verify = slow\nfrom datacoolie.cli import main\nmain()"
    with subprocess.Popen(
        [*project.command()[:1], "-c", code, "run", str(project.folder / "project.yaml")], stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert b"staged" in running.stdout.readline()
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=120) == 143
    assert not list(project.lake.rglob("*.*"))
    assert project.run()[0]["commit"]["rows"] == 3  # type: ignore[index]


def test_a_file_that_changes_while_it_is_read(project: Project) -> None:
    project.write(append_flow())
    land(project, "a.parquet", [1, 2, 3])
    victim = project.landing / "events" / "a.parquet"
    code = "import datacoolie.sources.files as f, polars as pl\nold = f.FileSource.verify\n"
    code += f"def change(*a):\n    pl.DataFrame({{'id': [9]}}).write_parquet({str(victim)!r}); old(*a)\n"
    code += "f.FileSource.verify = change\nfrom datacoolie import Project\n(r,) = Project.load(path).run()\n"
    done = project.python(code + "print(r.status, r.error.type, r.error.message)")
    assert done.stdout.startswith("failed SourceError"), done.stderr
    assert f"{victim}: the file changed while it was read" in done.stdout
    assert not (project.lake / "events" / "_delta_log").exists()
    assert not list((project.lake / "events").rglob("*.parquet"))


def test_an_overwrite_without_new_rows_keeps_what_is_there(project: Project) -> None:
    project.write(append_flow(destination={"load_type": "overwrite"}))
    land(project, "a.parquet", [5, 6])
    project.run()
    land(project, "b.parquet", [1, 2])
    (record,) = project.run()
    assert (record["status"], record["reason"]) == ("skipped", "no new rows")
    assert loaded(project) == [5, 6]


def test_rows_without_watermark_are_counted_and_not_doubled(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["id", "other"]}))
    folder = project.landing / "events"
    folder.mkdir()
    schema = {"id": pl.Int64, "other": pl.Int64}
    pl.DataFrame({"id": [5, None], "other": [None, None]}, schema).write_parquet(folder / "a.parquet")
    assert project.run()[0]["window"]["null_watermarks"] == 1  # type: ignore[index]
    pl.DataFrame({"id": [None, None, 1], "other": [7, None, None]}, schema).write_parquet(folder / "b.parquet")
    (record,) = project.run()
    assert record["window"]["null_watermarks"] == 2  # type: ignore[index]
    assert sorted(project.table("events").rows(), key=str) == [(5, None), (None, 7), (None, None)]
    assert project.run()[0]["status"] == "skipped"


def test_a_watermark_that_is_null_everywhere_doubles_nothing(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["m"]}))
    folder = project.landing / "events"
    folder.mkdir()
    frame = pl.DataFrame({"id": [1, 2], "m": [None, None]}, {"id": pl.Int64, "m": pl.Int64})
    frame.write_parquet(folder / "a.parquet")
    project.run()
    frame.head(1).write_parquet(folder / "b.parquet")
    project.run()
    assert loaded(project) == [1, 2]


@pytest.mark.parametrize(("value", "said"), [(float("nan"), "NaN"), (float("inf"), "infinity")])
def test_a_mark_above_which_nothing_is_is_refused(project: Project, value: float, said: str) -> None:
    project.write(append_flow(source={"watermark_columns": ["m"]}))
    folder = project.landing / "events"
    folder.mkdir()
    pl.DataFrame({"id": [1, 2], "m": [1.0, value]}).write_parquet(folder / "a.parquet")
    (record,) = project.run()
    error = record["error"]
    assert isinstance(error, dict)
    assert error["type"] == "WatermarkError"
    assert f"'m' holds {said}" in error["message"]
    assert not (project.lake / "events").exists()


def test_an_upsert_finds_keys_behind_the_coarse_bounds_of_other_writers(project: Project) -> None:
    moment = datetime(2024, 1, 1, microsecond=123456, tzinfo=UTC)
    pl.DataFrame({"id": [moment], "text": ["old"]}).write_delta(project.lake / "events")
    project.write(
        append_flow(source={"watermark_columns": []}, destination={"load_type": "merge_upsert", "merge_keys": ["id"]})
    )
    (project.landing / "events").mkdir()
    pl.DataFrame({"id": [moment], "text": ["new"]}).write_parquet(project.landing / "events" / "a.parquet")
    (record,) = project.run()
    assert record["status"] == "succeeded"
    assert project.table("events").rows() == [(moment, "new")]


def test_a_record_that_cannot_be_written_fails_no_load(project: Project) -> None:
    project.write(append_flow())
    land(project, "a.parquet", [1])
    runs = project.states.parent / "runs"
    runs.parent.mkdir(parents=True)
    runs.write_text("in the way")
    done = project.start("--json")
    assert done.returncode == 0
    assert "the record was not written" in done.stderr
    assert loaded(project) == [1]
