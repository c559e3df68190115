"""Loads on S3: tables and flat files, states and leases there too."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.observability.records import FlowStatus
from tests.s3 import S3Project, make_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.projects import Record
    from tools.services.model import Running


@pytest.fixture(scope="module", params=["moto_server", "versitygw"])
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    running: Running = request.getfixturevalue(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", running.address["key"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", running.address["secret"])
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        make_bucket(running.address["url"])
        yield running.address["url"]


@pytest.fixture
def project(tmp_path: Path, server: str) -> S3Project:
    return S3Project(tmp_path, server)


def flow(destination: Record, **source: object) -> Record:
    return {
        "name": "events",
        "source": {"connection_name": "landing_parquet", "table": "events", **source},
        "destination": {"table": "events", **destination},
        "transform": {"system_columns": False},
    }


def delta(load_type: str, **more: object) -> Record:
    return {"connection_name": "lake", "load_type": load_type, **more}


def rows(**columns: Sequence[object]) -> pl.DataFrame:
    return pl.DataFrame(columns)


def test_appends_to_delta(project: S3Project) -> None:
    project.write(flow(delta("append"), watermark_columns=["id"]))
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


def test_a_state_that_is_lost_is_taken_from_the_table(project: S3Project) -> None:
    project.write(flow(delta("append"), watermark_columns=["id"]))
    project.land("events/1.parquet", rows(id=[1, 2]))
    project.load()
    project.platform.delete(f"{project.root}/state")
    project.land("events/2.parquet", rows(id=[3]))
    assert project.load().attempts == 1
    assert sorted(project.table("events")["id"]) == [1, 2, 3]


def test_replaces_upserts_and_partitions_of_delta(project: S3Project) -> None:
    project.write(flow(delta("overwrite", partition_columns=["day"])))
    project.land("events/1.parquet", rows(id=[1, 2, 3], day=["a b", "100%", None], v=[1, 1, 1]))
    project.load()
    upsert = delta("merge_upsert", merge_keys=["id"], partition_columns=["day"])
    project.write(flow(upsert))
    project.platform.delete(f"{project.root}/landing")
    project.land("events/2.parquet", rows(id=[2, 4], day=["100%", "new"], v=[2, 2], more=["m", "n"]))
    record = project.load()
    assert record.commit is not None
    assert (record.commit.inserted, record.commit.updated) == (1, 1)
    project.write({**flow({"table": "copy", **delta("overwrite")}, connection_name="lake"), "name": "copy"})
    project.load()
    assert project.table("copy").sort("id").rows() == [
        (1, "a b", 1, None),
        (2, "100%", 2, "m"),
        (3, None, 1, None),
        (4, "new", 2, "n"),
    ]


def test_histories_in_delta(project: S3Project) -> None:
    scd2 = delta("scd2", merge_keys=["id"], configure={"scd2_effective_column": "at"})
    project.write(flow(scd2, watermark_columns=["at"]))
    times = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    project.land("events/1.parquet", rows(id=[1, 2], at=times[:2], name=["a", "b"]))
    project.load()
    project.land("events/2.parquet", rows(id=[1], at=times[2:], name=["c"]))
    project.load()
    found = project.table("events").sort("id", "__valid_from").select("id", "name", "__valid_from", "__is_current")
    assert found.rows() == [(1, "a", times[0], False), (1, "c", times[2], True), (2, "b", times[1], True)]


@pytest.mark.parametrize("server", ["versitygw"], indirect=True)
@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl", "json", "avro"])
def test_flat_files(project: S3Project, kind: str) -> None:
    out: Record = {"connection_name": f"out_{kind}", "load_type": "append"}
    project.write(flow(out, connection_name="landing_csv", watermark_columns=["id"]))
    for number in (1, 2):
        project.land(f"events/{number}.csv", rows(id=[number], a=["x"]))
        project.load()
    files = [name for name in project.names("out/events") if not name.startswith("_")]
    assert len(files) == 2
    back = flow({"connection_name": "lake", "load_type": "overwrite"}, connection_name=f"out_{kind}")
    project.write({**back, "name": "back"})
    project.load()
    assert sorted(map(str, project.table("events")["id"])) == ["1", "2"]
    project.land("events/1.jsonl", rows(id=["3"], a=["y"]))
    project.write(flow({**out, "load_type": "overwrite"}, connection_name="landing_jsonl"))
    project.load()
    [name] = [name for name in project.names("out/events") if not name.startswith("_")]
    assert name not in files
