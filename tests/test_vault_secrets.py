"""Flows whose secrets are in a real Vault: used, read again when they change, and never printed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import hvac
import pytest

from tests.projects import Project, append_flow

if TYPE_CHECKING:
    from pathlib import Path

    from tools.services.model import Running

CANARY = "c4nary/of=Vault+1"


@pytest.fixture
def project(tmp_path: Path, vault_server: Running) -> Project:
    """A project that reads a file in which the secret stands for null."""
    project = Project(tmp_path)
    (project.landing / "events").mkdir(parents=True)
    (project.landing / "events" / "1.csv").write_text(f"id,v\n1,{CANARY}\n2,x\n")
    project.write(
        append_flow(
            source={
                "connection_name": "landing_csv",
                "watermark_columns": [],
                "configure": {"read_options": {"nullValue": "nothing"}},
                "secrets_ref": {"vault:secret/flows/app?ttl=60": ["read_options.nullValue"]},
            },
            destination={"connection_name": "out_csv", "load_type": "overwrite"},
        )
    )
    address = vault_server.address
    resolvers = {"vault": {"address": address["url"], "ca": address["ca"], "token": address["token"]}}
    settings = {"metadata": ["project.yaml"], "resolvers": resolvers}
    (tmp_path / "datacoolie.yaml").write_text(json.dumps(settings))
    root = hvac.Client(url=address["url"], token=address["token"], verify=address["ca"])
    root.secrets.kv.v2.create_or_update_secret("flows/app", {"nothing": CANARY})
    return project


def run(project: Project, *options: str) -> subprocess.CompletedProcess[str]:
    command = project.command("run", str(project.folder), *options)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_secret_of_vault_is_used_and_not_printed(project: Project) -> None:
    done = run(project, "-v")
    assert done.returncode == 0, done.stderr
    (written,) = (project.folder / "out" / "events").glob("*.csv")
    assert written.read_text() == "id,v\n1,\n2,x\n"
    records = [path.read_text() for path in (project.folder / ".datacoolie").rglob("*.json")]
    assert records
    for text in (done.stdout, done.stderr, *records):
        assert CANARY not in text


def test_a_secret_that_is_not_there(project: Project) -> None:
    document = project.folder / "project.yaml"
    document.write_text(document.read_text().replace('"nothing"', '"nothin"'))
    done = run(project)
    assert done.returncode == 1
    assert "'secret/flows/app' has no field 'nothin'. Fields: nothing. Did you mean 'nothing'?" in " ".join(
        (done.stdout + done.stderr).split()
    )
    assert not (project.folder / "out").exists()
