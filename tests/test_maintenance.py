"""Table care through the product: after loads and by `datacoolie maintain`, beside loads that go on."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable

import datacoolie
from datacoolie.core.exceptions import ConfigurationError, DataCoolieError
from datacoolie.orchestration.results import RunResult
from tests.projects import append_flow

if TYPE_CHECKING:
    from pathlib import Path

    from datacoolie.observability.records import MaintenanceRecord
    from tests.projects import Project, Record

HOUR = 3600


def land(project: Project, *ids: int) -> None:
    folder = project.landing / "events"
    folder.mkdir(exist_ok=True)
    pl.DataFrame({"id": list(ids), "p": [i % 2 for i in ids]}).write_parquet(folder / f"{ids[0]:05d}.parquet")


def loaded(project: Project) -> datacoolie.Project:
    return datacoolie.Project.load(project.folder / "project.yaml")


def run(project: Project) -> Record:
    """Run the one flow there is and return its record as data."""
    result = loaded(project).run()
    assert isinstance(result, RunResult)
    [record] = result
    return record.to_json()


def load(project: Project, numbers: range) -> None:
    for number in numbers:
        land(project, number)
        record = run(project)
        assert record["status"] == "succeeded", record


def maintain(project: Project) -> MaintenanceRecord:
    """Maintain the one destination there is."""
    [record] = loaded(project).maintain()
    return record


def state(project: Project) -> Path:
    [path] = project.states.glob("*.json")
    return path


def ids(project: Project) -> list[int]:
    """Return the ids as Polars and Arrow read them, which have to agree."""
    read = sorted(project.table("events")["id"].to_list())
    assert read == sorted(DeltaTable(project.lake / "events").to_pyarrow_table()["id"].to_pylist())
    return read


def files(project: Project) -> set[str]:
    return {path.name for path in (project.lake / "events").rglob("*.parquet") if "_delta_log" not in path.parts}


def age(path: Path, hours: float) -> None:
    then = time.time() - hours * HOUR
    os.utime(path, (then, then))


def test_maintain_joins_files_and_loads_go_on(project: Project) -> None:
    project.write(append_flow())
    load(project, range(1, 5))
    done = subprocess.run(
        project.command("maintain", str(project.folder / "project.yaml"), "--json"),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    record = json.loads(done.stdout)
    assert (record["destination"], record["joined_files"], record["new_files"]) == ("lake.events", 4, 1)
    assert record["removed_files"] == 0, "old versions stay for a week"
    assert len(DeltaTable(project.lake / "events").file_uris()) == 1
    assert ids(project) == [1, 2, 3, 4]
    load(project, range(5, 6))
    assert ids(project) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("load_type", ["append", "overwrite", "merge_upsert"])
def test_the_token_is_found_after_care_when_the_state_is_lost(project: Project, load_type: str) -> None:
    configure = {"maintenance": {"optimize": True, "vacuum": True, "retention_hours": 0}}
    project.write(append_flow(destination={"load_type": load_type, "merge_keys": ["id"], "configure": configure}))
    load(project, range(1, 4))
    DeltaTable(project.lake / "events").create_checkpoint()
    maintain(project)
    before = ids(project)
    state(project).unlink()
    assert run(project)["status"] == "skipped"
    assert ids(project) == before
    assert len(files(project)) == 1, "what is no longer part of the table is removed"


def forget(project: Project) -> None:
    """Let the log keep its newest entry alone, as delta-rs does when entries are older than the table says."""
    path = project.lake / "events"
    entries = sorted((path / "_delta_log").glob("*.json"))
    for entry in entries[:-1]:
        age(entry, 48)
    DeltaTable(path).create_checkpoint()
    DeltaTable(path).cleanup_metadata()
    assert [entry["version"] for entry in DeltaTable(path).history()] == [int(entries[-1].stem)]


def test_a_mark_that_the_log_would_forget_is_said_again(project: Project) -> None:
    project.write(append_flow(destination={"configure": {"maintenance": {"vacuum": True}}}))
    load(project, range(1, 4))
    table = DeltaTable(project.lake / "events")
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 days"})
    maintain(project)
    forget(project)
    state(project).unlink()
    assert run(project)["status"] == "skipped"
    load(project, range(4, 5))
    assert ids(project) == [1, 2, 3, 4]


def test_a_log_that_forgot_the_mark_hurts_only_when_the_state_is_lost_too(project: Project) -> None:
    project.write(append_flow())
    load(project, range(1, 4))
    table = DeltaTable(project.lake / "events")
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 days"})
    forget(project)
    load(project, range(4, 5))
    table.alter.set_table_properties({"delta.appendOnly": "true"})
    forget(project)
    state(project).unlink()
    record = run(project)
    assert record["status"] == "failed"
    assert "the table no longer says up to where it loaded" in str(record["error"])
    assert ids(project) == [1, 2, 3, 4]


def test_leftovers_of_dead_runs_go_and_those_of_live_runs_stay(project: Project) -> None:
    project.write(append_flow())
    load(project, range(1, 2))
    table = project.lake / "events"
    dead, fresh = table / "dc-part-0-2-dead-1-00000.parquet", table / "dc-part-0-2-fresh-1-00000.parquet"
    for path in (dead, fresh):
        path.write_bytes(b"staged")
    age(dead, 24 * 8)
    free = state(project).read_text()
    held = json.loads(free)
    held["lease"] = {
        "run_id": "live",
        "host": "elsewhere",
        "pid": 1,
        "process_started": None,
        "boot_id": None,
        "pid_namespace": None,
        "acquired_at": "2026-01-01T00:00:00+00:00",
        "expires_at": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + HOUR)),
    }
    state(project).write_text(json.dumps(held))
    assert maintain(project).removed_files == 0
    assert dead.exists(), "a run is loading, and may have staged it"
    state(project).write_text(free)
    assert maintain(project).removed_files == 1
    assert not dead.exists()
    assert fresh.exists(), "it may be a run of another project"
    assert ids(project) == [1]


def test_a_load_joins_files_when_there_are_many_small_ones(project: Project) -> None:
    project.write(append_flow(destination={"configure": {"maintenance": {"optimize": True, "vacuum": True}}}))
    load(project, range(1, 10))
    assert len(DeltaTable(project.lake / "events").file_uris()) == 9
    land(project, 10)
    maintenance = run(project)["maintenance"]
    assert isinstance(maintenance, dict)
    assert (maintenance["joined_files"], maintenance["new_files"], maintenance["error"]) == (10, 1, "")
    assert len(DeltaTable(project.lake / "events").file_uris()) == 1
    assert ids(project) == list(range(1, 11))


def test_maintenance_that_fails_fails_no_load(project: Project) -> None:
    maintenance = {"optimize": True, "zorder_by": ["missing"]}
    project.write(append_flow(destination={"configure": {"maintenance": maintenance}}))
    load(project, range(1, 2))
    assert "can't order by 'missing': it is no column. Columns: id, p." in maintain(project).error
    broken = (
        "import datacoolie_engine_polars.delta.care as c, deltalake\ndef fail(*a, **k): raise OSError(5, 'broken')\n"
    )
    land(project, 2)
    done = project.python(
        broken + "c._many_small = lambda table: True\ndeltalake.table.TableOptimizer.compact = fail\n"
        "from datacoolie import Project\nfor r in Project.load(path).run(): print(r.status, '|', r.maintenance.error)"
    )
    assert done.stdout.startswith("succeeded | "), done.stderr
    assert "Input/output error" in done.stdout
    assert ids(project) == [1, 2]


def test_zorder_puts_rows_in_order(project: Project) -> None:
    maintenance = {"optimize": True, "zorder_by": ["ID"]}
    project.write(append_flow(destination={"configure": {"maintenance": maintenance}}))
    land(project, 5, 3, 1)
    run(project)
    land(project, 2, 4, 6)
    (project.landing / "events/00002.parquet").rename(project.landing / "events/b.parquet")
    run(project)
    assert maintain(project).new_files == 1
    assert project.table("events")["id"].to_list() == sorted(ids(project))


def test_flat_files_are_tidied(project: Project) -> None:
    project.write(append_flow(destination={"connection_name": "out_parquet"}))
    load(project, range(1, 2))
    staged = project.folder / "out/events/_datacoolie/other-flow/staged/0-dead/x.parquet"
    staged.parent.mkdir(parents=True)
    staged.write_bytes(b"staged")
    assert maintain(project).removed_files == 0
    age(staged, 2)
    assert maintain(project).removed_files == 1
    assert not staged.exists()
    read = pl.read_parquet(project.folder / "out/events/*.parquet")
    assert read["id"].to_list() == [1]


def test_snapshots_of_iceberg_expire_and_its_files_are_not_joined(project: Project) -> None:
    catalog = {"type": "sql", "uri": f"sqlite:///{project.folder}/catalog.db", "warehouse": str(project.folder / "ice")}
    ice: Record = {"name": "ice", "format": "iceberg", "database": "db", "configure": {"catalog_options": catalog}}
    settings = {"vacuum": True, "retention_hours": 0}
    flow = append_flow(
        destination={"connection_name": "ice", "load_type": "overwrite", "configure": {"maintenance": settings}}
    )
    project.write(flow, connections=[ice])
    load(project, range(1, 4))
    record = maintain(project)
    assert (record.error, record.removed_files > 2) == ("", True)
    state(project).unlink()
    assert run(project)["status"] == "skipped"
    flow = append_flow(destination={"connection_name": "ice", "configure": {"maintenance": {"optimize": True}}})
    project.write(flow, connections=[ice])
    with pytest.raises(ConfigurationError, match=r"maintenance\.optimize of iceberg tables by the engine polars"):
        run(project)


def test_what_can_not_be_done_is_refused_by_name(project: Project) -> None:
    flat = {"connection_name": "out_parquet", "configure": {"maintenance": {"optimize": True}}}
    project.write(append_flow(destination=flat))
    with pytest.raises(ConfigurationError, match=r"maintenance\.optimize of flat files is not supported yet"):
        run(project)
    project.write(append_flow(destination={"configure": {"maintenance": {"zorder_by": ["id"]}}}))
    with pytest.raises(DataCoolieError, match="zorder_by needs optimize: true"):
        loaded(project)


LOADS = """
import sys, polars as pl
from datacoolie import Project
for n in range(1, 16):
    pl.DataFrame({"id": [n], "p": [n % 2]}).write_parquet(f"{sys.argv[1]}/landing/events/{n:05d}.parquet")
    [record] = Project.load(path).run()
    assert record.status == "succeeded", record.error
"""

CARE = """
import os, sys
from datacoolie import Project
while not os.path.exists(sys.argv[1] + "/done"):
    [record] = Project.load(path).maintain()
    print(record.joined_files, record.error)
"""


@pytest.mark.parametrize("load_type", ["append", "merge_upsert"])
def test_loads_beside_maintenance_lose_and_double_nothing(project: Project, load_type: str) -> None:
    configure = {"maintenance": {"optimize": True, "vacuum": True, "retention_hours": 24}}
    project.write(append_flow(destination={"load_type": load_type, "merge_keys": ["id"], "configure": configure}))
    (project.landing / "events").mkdir()
    processes = [project.spawn(code, str(project.folder)) for code in (LOADS, CARE)]
    _, errors = processes[0].communicate(timeout=300)
    (project.folder / "done").touch()
    cared, care_errors = processes[1].communicate(timeout=60)
    assert processes[0].returncode == 0, errors
    assert processes[1].returncode == 0, care_errors
    joined = [int(line.split(" ", 1)[0]) for line in cared.splitlines()]
    assert sum(joined) > 0, cared
    assert ids(project) == list(range(1, 16))
