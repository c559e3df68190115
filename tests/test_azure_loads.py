"""Loads on OneLake's protocol and on a storage account: tables and flat files, states and leases there too."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.observability.records import FlowStatus
from tests.azure import ONELAKE, azure_project, make_container

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.projects import Record
    from tests.remote import RemoteProject
    from tools.services.model import Running


@pytest.fixture(scope="module")
def server(azurite: Running) -> Running:
    make_container(azurite)
    return azurite


@pytest.fixture
def project(tmp_path: Path, server: Running) -> RemoteProject:
    return azure_project(tmp_path, server, "onelake")


def flow(destination: Record, connection: str = "landing_parquet", **source: object) -> Record:
    return {
        "name": "events",
        "source": {"connection_name": connection, "table": "events", **source},
        "destination": {"table": "events", "load_type": "append", **destination},
        "transform": {"system_columns": False},
    }


def rows(**columns: Sequence[object]) -> pl.DataFrame:
    return pl.DataFrame(columns)


@pytest.mark.parametrize("account", ["lake", "onelake"])
def test_delta_tables(tmp_path: Path, server: Running, account: str) -> None:
    project = azure_project(tmp_path, server, account)
    project.write(flow({"connection_name": "lake"}, watermark_columns=["id"]))
    project.land("events/1.parquet", rows(id=[1, 2], a=["x", "y"]))
    first = project.load()
    assert first.commit is not None
    assert (first.commit.rows, first.commit.files) == (2, 1)
    project.land("events/2 #%20ü.parquet", rows(id=[3], a=["z"]))
    assert project.load().status is FlowStatus.SUCCEEDED
    assert project.load().status is FlowStatus.SKIPPED
    assert project.table("events").sort("id").rows() == [(1, "x"), (2, "y"), (3, "z")]
    [name] = project.names("state/flows")
    state = json.loads(project.platform.read(f"{project.root}/state/flows/{name}").data)
    assert (state["seq"], state["lease"]) == (2, None)

    project.platform.delete(f"{project.root}/state")
    project.land("events/4.parquet", rows(id=[4], a=["w"]))
    assert project.load().attempts == 1  # the state is taken from the table
    upsert: Record = {"connection_name": "lake", "load_type": "merge_upsert", "merge_keys": ["id"]}
    project.write(flow(upsert, watermark_columns=["id"]))
    project.land("events/5.parquet", rows(id=[5], a=["v"]))
    project.load()
    assert sorted(project.table("events")["id"]) == [1, 2, 3, 4, 5]
    copy = flow({"connection_name": "lake", "table": "copy", "load_type": "overwrite"}, "lake")
    project.write({**copy, "name": "copy"})
    project.load()
    assert project.table("copy").height == 5


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_flat_files(project: RemoteProject, kind: str) -> None:
    out: Record = {"connection_name": f"out_{kind}"}
    project.write(flow(out, "landing_csv", watermark_columns=["id"]))
    for number in (1, 2):
        project.land(f"events/{number}.csv", rows(id=[number], a=["x"]))
        project.load()
    assert project.load().status is FlowStatus.SKIPPED
    files = [name for name in project.names("out/events") if not name.startswith("_")]
    assert len(files) == 2
    back = flow({"connection_name": "lake", "load_type": "overwrite"}, f"out_{kind}")
    project.write({**back, "name": "back"})
    project.load()
    assert sorted(map(str, project.table("events")["id"])) == ["1", "2"]
    project.land("events/1.jsonl", rows(id=["3"], a=["y"]))
    project.write(flow({**out, "load_type": "overwrite"}, "landing_jsonl"))
    project.load()
    [name] = [name for name in project.names("out/events") if not name.startswith("_")]
    assert name not in files


@pytest.mark.parametrize("kind", ["delta", "parquet"])
def test_a_run_that_is_killed_loses_and_doubles_nothing(project: RemoteProject, kind: str) -> None:
    out = "lake" if kind == "delta" else "out_parquet"
    project.write(flow({"connection_name": out}, watermark_columns=["id"]))
    project.land("events/1.parquet", rows(id=[1, 2]))
    project.load()
    project.land("events/2.parquet", rows(id=[3]))
    for step in ("check", "finish"):  # just before the commit; after it, before the state
        code = f"""
import os, signal
import datacoolie.state as s
from datacoolie import Project
s.HeldLease.{step} = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
Project.load({str(project.folder)!r}).run()
"""
        killed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=120)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert project.attempt().status is FlowStatus.SKIPPED  # it adopts the commit
    project.write({**flow({"connection_name": "lake", "table": "all", "load_type": "overwrite"}, out), "name": "all"})
    project.load()
    assert sorted(project.table("all")["id"]) == [1, 2, 3]


def test_tables_and_files_have_their_places_on_onelake(project: RemoteProject) -> None:
    project.land("events/1.parquet", rows(id=[1]))
    project.places = {"lake": f"{project.root}/lake", "out": f"{ONELAKE}/Tables/out"}
    for connection, said in (
        ("lake", r"on OneLake delta tables are written below an item's Tables, and '.*/Files/.*/lake/events' is not"),
        ("out_csv", r"on OneLake csv files are written below an item's Files, and '.*/Tables/out/events' is not"),
    ):
        project.write(flow({"connection_name": connection}))
        with pytest.raises(ConfigurationError, match=said):
            project.attempt()
    assert project.names("lake") == project.names("out") == []


def test_the_doctor_looks_at_azure(project: RemoteProject) -> None:
    project.write(flow({"connection_name": "lake"}))
    command = [sys.executable, "-m", "datacoolie", "doctor", str(project.folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {(check["subject"], check["what"]): check["ok"] for check in json.loads(done.stdout)["checks"]}
    for what in ("list", "write", "conditional write", "clock"):
        assert found["state", what] is True
        assert found["connection lake", what] is True
    assert [*project.names("state"), *project.names("lake")] == []
