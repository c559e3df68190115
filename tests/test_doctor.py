"""`datacoolie doctor`, as a user runs it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from tests.projects import Project, Record, append_flow

if TYPE_CHECKING:
    import pytest


def doctor(project: Project, *options: str) -> subprocess.CompletedProcess[str]:
    command = project.command("doctor", str(project.folder / "project.yaml"), *options)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def checks(project: Project) -> dict[tuple[str, str], Record]:
    told = json.loads(doctor(project, "--json").stdout)
    return {(check["subject"], check["what"]): check for check in told["checks"]}


def test_a_project_that_can_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_BASE", str(project.landing))
    landing: Record = {"name": "there", "format": "parquet", "configure": {"base_path": "BASE"}}
    landing["secrets_ref"] = {"env:APP_": ["base_path"]}
    project.write(append_flow(source={"connection_name": "there"}), connections=[landing])
    before = sorted(project.folder.rglob("*"))
    done = doctor(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 findings; datacoolie-core " in done.stdout
    assert str(project.landing) not in done.stdout
    found = checks(project)
    assert {key: check["ok"] for key, check in found.items()} == {
        ("state", "list"): True,
        ("state", "write"): True,
        ("state", "conditional write"): True,
        ("state", "clock"): True,
        ("connection lake", "list"): True,
        ("connection lake", "write"): True,
        ("connection lake", "conditional write"): True,
        ("connection lake", "clock"): True,
        ("connection there", "secrets"): True,
        ("connection there", "list"): True,
    }
    left = [path for path in sorted(project.folder.rglob("*")) if path not in before and path.is_file()]
    assert left == []


def test_findings(project: Project) -> None:
    secret: Record = {"name": "lost", "format": "parquet", "configure": {"base_path": "BASE"}}
    secret["secrets_ref"] = {"env:NOWHERE_": ["base_path"]}
    project.write(append_flow(destination={"connection_name": "lost"}), connections=[secret])
    done = doctor(project)
    assert done.returncode == 1
    assert "1 finding;" in done.stdout
    lost = checks(project)["connection lost", "secrets"]
    assert "variable 'NOWHERE_BASE' is not set" in str(lost["detail"])
    assert lost["fix"] == "Correct secrets_ref, or give whoever runs this the right to read the secret."


def test_a_catalog(project: Project) -> None:
    options = {"type": "sql", "uri": "sqlite:///catalog.db", "warehouse": "warehouse"}
    catalog: Record = {"name": "tables", "format": "iceberg", "configure": {"catalog_options": options}}
    project.write(append_flow(destination={"connection_name": "tables", "schema_name": "shop"}), connections=[catalog])
    check = checks(project)["connection tables", "catalog"]
    assert (check["ok"], check["detail"]) == (True, "answers; 0 of the tables are there")


def test_a_connection_that_is_not_tried_is_said_by_name(project: Project) -> None:
    connections: list[Record] = [
        {"name": "shop", "format": "sql", "configure": {"url": "postgresql://shop"}},
        {"name": "web", "format": "api", "configure": {"base_url": "https://shop.example"}},
    ]
    flows = [append_flow(name=each["name"], source={"connection_name": each["name"]}) for each in connections]
    project.write(*flows, connections=connections)
    done = doctor(project)
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    nothing = "reachable not tried nothing reads from connections of type"
    assert [line for line in said if "not tried" in line] == [
        f"connection shop {nothing} database yet",
        f"connection web {nothing} api yet",
    ]
    assert done.returncode == 0
