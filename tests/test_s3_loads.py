"""Loads on S3: tables and flat files, states and leases there too."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from datacoolie.observability.records import FlowStatus
from datacoolie.platforms import Dialect
from tests.s3 import make_bucket, s3_project

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.projects import Record
    from tests.remote import RemoteProject
    from tools.services.model import Running


@pytest.fixture(scope="module", params=["versitygw"])
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    running: Running = request.getfixturevalue(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", running.address["key"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", running.address["secret"])
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        make_bucket(running.address["url"])
        yield running.address["url"]


@pytest.fixture
def project(tmp_path: Path, server: str) -> RemoteProject:
    return s3_project(tmp_path, server)


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


@pytest.mark.parametrize("server", ["moto_server", "versitygw"], indirect=True)
def test_appends_to_delta(project: RemoteProject) -> None:
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


def test_a_state_that_is_lost_is_taken_from_the_table(project: RemoteProject) -> None:
    project.write(flow(delta("append"), watermark_columns=["id"]))
    project.land("events/1.parquet", rows(id=[1, 2]))
    project.load()
    project.platform.delete(f"{project.root}/state")
    project.land("events/2.parquet", rows(id=[3]))
    assert project.load().attempts == 1
    assert sorted(project.table("events")["id"]) == [1, 2, 3]


def test_files_of_this_machine_go_to_s3(project: RemoteProject, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(flow(delta("append"), watermark_columns=["id"]), state=".datacoolie")
    document = json.loads((project.folder / "flows.json").read_text())
    document["connections"].append({"name": "here", "format": "parquet", "configure": {"base_path": "in"}})
    document["dataflows"][0]["source"]["connection_name"] = "here"
    (project.folder / "flows.json").write_text(json.dumps(document))
    rows(id=[1]).write_parquet(project.folder / "in/events/1.parquet", mkdir=True)
    # Credentials that end: Polars asks for them while it runs.
    issued = {"Version": 1, "AccessKeyId": "test", "SecretAccessKey": "testtest", "SessionToken": None}
    expires = datetime.now(UTC) + timedelta(hours=1)
    script = f"import json; print(json.dumps({ {**issued, 'Expiration': expires.isoformat()}!r}))"
    (project.folder / "issue.py").write_text(script)
    command = f"{sys.executable} {project.folder / 'issue.py'}"
    (project.folder / "config").write_text(f"[default]\ncredential_process = {command}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(project.folder / "config"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    project.load()
    rows(id=[2]).write_parquet(project.folder / "in/events/2.parquet")
    project.load()
    assert sorted(project.table("events")["id"]) == [1, 2]
    assert project.names("state") == []
    [state] = (project.folder / ".datacoolie/flows").glob("*.json")
    assert state.stat().st_mode & 0o077 == 0
    again = flow({**delta("overwrite"), "table": "copy"}, connection_name="lake")
    project.write({**again, "name": "copy"})
    project.load()
    assert sorted(project.table("copy")["id"]) == [1, 2]


def test_replaces_upserts_and_partitions_of_delta(project: RemoteProject) -> None:
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


def test_histories_in_delta(project: RemoteProject) -> None:
    scd2 = delta("scd2", merge_keys=["id"], configure={"scd2_effective_column": "at"})
    project.write(flow(scd2, watermark_columns=["at"]))
    times = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    project.land("events/1.parquet", rows(id=[1, 2], at=times[:2], name=["a", "b"]))
    project.load()
    project.land("events/2.parquet", rows(id=[1], at=times[2:], name=["c"]))
    project.load()
    found = project.table("events").sort("id", "__valid_from").select("id", "name", "__valid_from", "__is_current")
    assert found.rows() == [(1, "a", times[0], False), (1, "c", times[2], True), (2, "b", times[1], True)]


def test_iceberg_tables(project: RemoteProject) -> None:
    ice: Record = {"connection_name": "ice", "load_type": "append"}
    project.write(flow(ice, watermark_columns=["id"]))
    project.land("events/1.parquet", rows(id=[1, 2], v=["a", "b"]))
    project.load()
    project.write(flow({**ice, "load_type": "merge_upsert", "merge_keys": ["id"]}, watermark_columns=["id"]))
    project.land("events/2.parquet", rows(id=[3], v=["c"]))
    project.load()
    project.platform.delete(f"{project.root}/landing")
    project.land("events/3.parquet", rows(id=[4, 4], v=["x", "d"], w=[1, 2]))
    project.write(flow({**ice, "load_type": "merge_overwrite", "merge_keys": ["id"]}, watermark_columns=["id"]))
    project.load()
    options = project.platform.storage_options(project.root, Dialect.ICEBERG)
    with SqlCatalog("tests", uri=f"sqlite:///{project.folder / 'catalog.db'}", **options) as catalog:
        table = catalog.load_table("db.events")
        assert table.location().startswith(f"{project.root}/warehouse/")
        found = sorted(table.scan().to_arrow().to_pylist(), key=lambda row: (row["id"], row["v"]))
    assert [tuple(row.values()) for row in found] == [
        (1, "a", None),
        (2, "b", None),
        (3, "c", None),
        (4, "d", 2),
        (4, "x", 1),
    ]
    back = flow({"connection_name": "lake", "load_type": "overwrite"}, connection_name="ice")
    project.write({**back, "name": "back"})
    project.load()
    assert project.table("events").height == 5


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl", "json", "avro"])
def test_flat_files(project: RemoteProject, kind: str) -> None:
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
