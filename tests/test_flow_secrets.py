"""Secrets in the settings of a source or destination: used, and never printed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

import pytest

import datacoolie
from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.secret_resolver import BaseSecretResolver
from datacoolie.orchestration.results import RunResult
from datacoolie.plugins import resolver_registry
from tests.projects import Project, Record, append_flow

if TYPE_CHECKING:
    from collections.abc import Iterator
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


class Rotating(BaseSecretResolver):
    """Gives another separator each time; `made` are the settings of each resolver."""

    made: ClassVar[list[str]] = []
    given: ClassVar[list[str]] = []
    closed: ClassVar[int] = 0

    def __init__(self, *, mode: str = "") -> None:
        self.made.append(mode)

    def resolve(self, key: str, source: str) -> str:
        assert (key, source) == ("SEP", "a")
        self.given.append(f"wrong {CANARY} {len(self.given)}" if self.made[-1] or not self.given else ",")
        return self.given[-1]

    def close(self) -> None:
        Rotating.closed += 1


@pytest.fixture
def rotating() -> Iterator[type[Rotating]]:
    resolver_registry.register("rotating", Rotating)
    Rotating.made.clear()
    Rotating.given.clear()
    Rotating.closed = 0
    yield Rotating
    resolver_registry.unregister("rotating")


def test_secrets_that_changed_in_the_middle_are_read_again_once(project: Project, rotating: type[Rotating]) -> None:
    project.write(flow({"sep": "SEP"}, {"rotating:a": ["read_options.sep"]}))
    record = project.attempt()
    assert record.error is None
    assert rotating.given == [f"wrong {CANARY} 0", ","]
    assert (rotating.made, rotating.closed) == ([""], 1)


def test_a_project_says_how_secrets_are_fetched(project: Project, rotating: type[Rotating]) -> None:
    project.write(flow({"sep": "SEP"}, {"rotating:a": ["read_options.sep"]}))
    settings = {"metadata": ["project.yaml"], "resolvers": {"rotating": {"cache_ttl": 60, "mode": "never right"}}}
    (project.folder / "datacoolie.yaml").write_text(json.dumps(settings))
    result = datacoolie.Project.load(project.folder).run()
    assert isinstance(result, RunResult)
    (record,) = result
    assert record.error is not None
    assert "can't honour sep: '***'" in record.error.message
    assert rotating.made == ["never right"]
    assert len(rotating.given) == 2


def test_settings_of_a_resolver_that_is_not_there(project: Project) -> None:
    (project.folder / "datacoolie.yaml").write_text('{"metadata": [], "resolvers": {"valt": {}}}')
    with pytest.raises(ConfigurationError, match=r"No secret resolver is called 'valt'\. Installed: .*env"):
        datacoolie.Project.load(project.folder)
