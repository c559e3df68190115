"""Secrets in the settings of a source or destination: used, and never printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.projects import Project, Record, append_flow

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "c4nary-of-the-tests"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    (project.landing / "events").mkdir(parents=True)
    (project.landing / "events" / "1.csv").write_text(f"id,v\n1,{CANARY}\n2,x\n")
    return project


def flow(options: Record, secrets_ref: Record, end: str = "source") -> Record:
    kind = "read_options" if end == "source" else "write_options"
    secret = {"configure": {kind: options}, "secrets_ref": secrets_ref}
    ends: dict[str, Record] = {
        "source": {"connection_name": "landing_csv", "watermark_columns": []},
        "destination": {"connection_name": "out_csv", "load_type": "overwrite"},
    }
    return append_flow(**{name: {**given, **(secret if name == end else {})} for name, given in ends.items()})


def printed(project: Project) -> str:
    """Run, plan and run again as JSON, and return all that was printed and recorded."""
    runs = [project.start(*arguments) for arguments in (("-v",), ("--dry-run", "-v"), ("--json",))]
    records = [path.read_text() for path in (project.folder / ".datacoolie").rglob("*.json")]
    assert records
    return "\n".join([*(run.stdout + run.stderr for run in runs), *records])


def test_a_source_reads_by_a_secret(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_NOTHING", CANARY)
    project.write(flow({"nullValue": "NOTHING"}, {"env:APP_": ["read_options.nullValue"]}))
    assert CANARY not in printed(project)
    (written,) = (project.folder / "out" / "events").glob("*.csv")
    assert written.read_text() == "id,v\n1,\n2,x\n"


def test_a_destination_writes_by_a_secret(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_NOTHING", "-" + CANARY)
    project.write(flow({"nullValue": "NOTHING"}, {"env:APP_": ["write_options.nullValue"]}, end="destination"))
    (project.landing / "events" / "1.csv").write_text("id,v\n1,\n")
    assert CANARY not in printed(project)
    (written,) = (project.folder / "out" / "events").glob("*.csv")
    assert written.read_text() == f"id,v\n1,-{CANARY}\n"


@pytest.mark.parametrize("value", [CANARY, None], ids=["no valid setting", "not there"])
def test_a_secret_that_is_no_setting(project: Project, monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value:
        monkeypatch.setenv("SEP", value)
    project.write(flow({"sep": "SEP"}, {"": ["read_options.sep"]}))
    text = printed(project)
    assert CANARY not in text
    expected = "can't honour sep: '***'" if value else "The environment variable 'SEP' is not set."
    assert expected in text
    assert not (project.folder / "out").exists()
