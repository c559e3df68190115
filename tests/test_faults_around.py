"""What happens around a load: a pause, a clock that is set, other writers and readers. Nothing is lost or doubled."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import write_deltalake
from deltalake.exceptions import CommitFailedError

from tests.projects import append_flow
from tools.crash.arena import Arena
from tools.crash.boundaries import Fault, load_with, trace
from tools.crash.cases import CASES, Case
from tools.crash.children import Child, Loaded, load

if TYPE_CHECKING:
    from tests.projects import Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are forked, and stopped")
every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_commit = pytest.mark.parametrize(
    "case", [case for case in CASES if case.format not in {"csv", "jsonl", "json", "avro"}], ids=str
)
BY_NAME = {str(case): case for case in CASES}

COMMITS = ("create_write_transaction", "SqlCatalog.commit_table", "write_if_absent")
"""How the names of the calls end that make a commit."""


def loaded_once(folder: Path, case: Case, rows: int = 10) -> Arena:
    """Return a project of which one batch is loaded and another one has landed."""
    arena = Arena(folder, case, rows=rows)
    arena.land()
    Child(load, arena.document).value()
    arena.land()
    return arena


def run(arena: Arena) -> Loaded:
    ended = Child(load, arena.document).value()
    assert ended is not None
    return ended


@every_commit
def test_a_process_that_slept_past_its_lease_cannot_commit(case: Case, tmp_path: Path) -> None:
    """It is stopped when it has checked its lease for the last time; another run then loads the same rows."""
    arena = loaded_once(tmp_path, case)
    steps = Child(trace, arena.document).value()
    assert steps
    arena.land()
    commit = max(at for at, step in enumerate(steps) if step.endswith(COMMITS))
    sleeper = Child(load_with, arena.document, Fault(at=commit, when="before", kind="pause"))
    status = Path(f"/proc/{sleeper.process.pid}/stat")
    while (is_now := status.read_text().rpartition(")")[2].split()[0]) != "T":
        assert is_now != "Z", sleeper.value()
        time.sleep(0.01)
    later = Child(load_with, arena.document, Fault(at=0, when="before", kind="forward")).value()
    assert isinstance(later, Loaded)
    assert later.status == "succeeded", later
    assert arena.loaded() == 3
    os.kill(sleeper.process.pid or 0, signal.SIGCONT)
    woken = sleeper.value()
    assert isinstance(woken, Loaded)
    assert (woken.status, woken.error) == ("failed", "LeaseLostError")
    assert arena.loaded() == 3
    assert arena.read_as_others() == arena.expected()
    arena.land()
    assert run(arena).status == "succeeded"
    assert arena.loaded() == 4


@pytest.mark.parametrize("direction", ["forward", "back"])
@pytest.mark.parametrize("case", [BY_NAME["delta-append"], BY_NAME["parquet-append"]], ids=str)
def test_a_clock_that_is_set_at_any_step(case: Case, direction: str, tmp_path: Path) -> None:
    arena = loaded_once(tmp_path, case)
    steps = Child(trace, arena.document).value()
    assert steps
    for at, step in enumerate(steps):
        arena.land()
        ended = Child(load_with, arena.document, Fault(at=at, when="before", kind=direction)).value()  # type: ignore[arg-type]
        assert isinstance(ended, Loaded)
        assert ended.status == "succeeded", (step, ended)
        assert arena.loaded() == len(arena.batches), step
    arena.land()
    assert run(arena).status == "succeeded"
    assert arena.read_as_others() == arena.expected()


@every_case
def test_a_reader_sees_whole_loads(case: Case, tmp_path: Path) -> None:
    arena = loaded_once(tmp_path, case, rows=5_000)
    looks = 0
    for _ in range(3):
        child = Child(load, arena.document)
        while child.process.is_alive():
            assert arena.loaded() is not None
            looks += 1
        assert child.value() is not None
        assert arena.loaded() == len(arena.batches)
        arena.land()
    assert looks > 3


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("name", ["delta-append", "delta-merge_upsert", "iceberg-append", "parquet-append"])
def test_workers_on_one_flow(name: str, workers: int, tmp_path: Path) -> None:
    arena = loaded_once(tmp_path, BY_NAME[name])
    for _ in range(4):
        ended = [child.value() for child in [Child(load, arena.document) for _ in range(workers)]]
        errors = {one.error for one in ended if one and one.status == "failed"}
        assert errors <= {"LeaseHeldError"}
        assert arena.loaded() == len(arena.batches)
        arena.land()
    assert run(arena).status == "succeeded"
    assert arena.read_as_others() == arena.expected()


def write_beside(table: str, times: int) -> int:
    """Append rows that no batch has, again and again, as another program would: delta-rs gives up after a merge."""
    for number in range(times):
        row = {"id": -number - 1, "key": -number - 1, "at": None, "text": "foreign"}
        frame = pl.DataFrame([row], schema=pl.read_delta(table).schema)
        while True:
            with suppress(CommitFailedError):
                write_deltalake(table, frame, mode="append")
                break
        time.sleep(0.05)
    return times


@pytest.mark.parametrize("name", ["delta-append", "delta-merge_upsert", "delta-merge_overwrite-window"])
def test_a_foreign_writer_beside_a_flow(name: str, tmp_path: Path) -> None:
    arena = loaded_once(tmp_path, BY_NAME[name])
    foreign = Child(write_beside, str(arena.table), 40)
    while foreign.process.is_alive():
        assert run(arena).status in {"succeeded", "skipped"}
        arena.land()
    assert foreign.value() == 40
    assert run(arena).status in {"succeeded", "skipped"}
    found = arena.read()
    assert {row[0] for row in found if row[3] == "foreign"} == set(range(-40, 0))
    assert len(found) == 40 + len(arena.expected())
    assert [row for row in found if row[3] != "foreign"] == arena.expected()


def test_a_state_that_cannot_be_read(project: Project) -> None:
    """Reading `/proc/self/mem` from its start is an input/output error."""
    project.write(append_flow())
    (project.landing / "events").mkdir()
    pl.DataFrame({"id": [1]}).write_parquet(project.landing / "events" / "a.parquet")
    project.run()
    (state,) = project.states.glob("*.json")
    state.rename(state.with_suffix(".old"))
    state.symlink_to("/proc/self/mem")
    pl.DataFrame({"id": [2]}).write_parquet(project.landing / "events" / "b.parquet")
    (record,) = project.run()
    error = record["error"]
    assert isinstance(error, dict)
    assert error["type"] == "PlatformError"
    assert error["message"] == f"Can't read '{state}': Input/output error."
    assert project.table("events")["id"].to_list() == [1]
    state.with_suffix(".old").replace(state)
    assert project.run()[0]["status"] == "succeeded"
    assert sorted(project.table("events")["id"]) == [1, 2]
