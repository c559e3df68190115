"""Loads by Spark that end in the middle: another run takes the lease, or the driver is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

import polars as pl
import pytest

import datacoolie
from datacoolie.observability.events import StageStarted
from datacoolie.orchestration import project as running
from datacoolie.orchestration.results import RunResult
from datacoolie.state import LeaseKeeper
from tests.projects import append_flow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie.observability import events
    from datacoolie_engine_spark import SparkEngine
    from tests.projects import Project


class UntilCommit:
    """Hears when a load has decided what to commit, and Spark is about to write it."""

    wants_rows = False

    def __init__(self) -> None:
        self.reached = Event()

    def begin(self, run_id: str, flows: Sequence[str]) -> None:
        pass

    def handle(self, event: events.Event) -> None:
        if isinstance(event, StageStarted) and event.stage == "commit":
            self.reached.set()

    def end(self) -> None:
        pass


def test_a_load_whose_lease_is_taken_ends_in_the_middle_of_its_statement(
    project: Project, spark_engine: SparkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "LeaseKeeper", partial(LeaseKeeper, ttl=1.5))
    # Minutes of work, in pieces between which Spark looks whether it is to end.
    work = "sha2(cast(repeat(cast(id as string), 2000000) as binary), 256)"
    project.write(append_flow(transform={"additional_columns": [{"column": "work", "expression": work}]}))
    (project.landing / "events").mkdir()
    rows = pl.DataFrame({"id": range(1000, 3000)})
    rows.write_parquet(project.landing / "events/1.parquet", row_group_size=1)
    loaded = datacoolie.Project.load(project.folder / "project.yaml", engine="spark")
    tracker = spark_engine.session.sparkContext.statusTracker()
    listener = UntilCommit()
    with ThreadPoolExecutor(1) as thread:
        run = thread.submit(loaded.run, listener=listener)
        assert listener.reached.wait(300)
        while not tracker.getActiveJobsIds() and not run.done():
            time.sleep(0.01)
        loaded.states.unlock("events", force=True)
        result = run.result(300)
    assert isinstance(result, RunResult)
    (record,) = result
    assert record.error is not None
    assert record.error.type == "LeaseLostError", record.error.message
    assert not (project.lake / "events/_delta_log/00000000000000000000.json").exists()


KILLED = """
import os, signal, sys, threading
import datacoolie
from datacoolie_engine_spark import SparkEngine
from datacoolie_engine_spark.delta.table import DeltaTable
from tools.services import spark

os.setpgid(0, 0)  # Java is killed too
reached = threading.Barrier(2, action=lambda: os.killpg(0, signal.SIGKILL))
save = DeltaTable._save

def saved(table, writer):
    if table._ref.path.endswith("before"):
        reached.wait()
    save(table, writer)
    reached.wait()

DeltaTable._save = saved
engine = SparkEngine(master="local[2]", conf=spark.SMALL, jars=str(spark.jars()))
print(engine.session.version)
print(datacoolie.Project.load(sys.argv[1], engine="spark").run())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed in a group")
def test_drivers_that_are_killed_before_and_after_their_commit_leave_each_row_once(
    project: Project, spark_engine: SparkEngine
) -> None:
    tables = "before", "after"
    project.write(*(append_flow(name=name, destination={"table": name}) for name in tables))
    (project.landing / "events").mkdir()
    pl.DataFrame({"id": [1, 2, 3]}).write_parquet(project.landing / "events/1.parquet")
    command = [sys.executable, "-c", KILLED, str(project.folder / "project.yaml")]
    killed = subprocess.run(command, check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed
    assert project.table("after")["id"].sort().to_list() == [1, 2, 3]
    assert not (project.lake / "before/_delta_log").exists()

    pl.DataFrame({"id": [4]}).write_parquet(project.landing / "events/2.parquet")
    assert spark_engine.session.version  # the session that the project finds
    result = datacoolie.Project.load(project.folder / "project.yaml", engine="spark").run()
    assert isinstance(result, RunResult)
    assert [record.error for record in result] == [None, None]
    for name in tables:
        assert project.table(name)["id"].sort().to_list() == [1, 2, 3, 4]
