"""Secrets planted at every entrance, looked for at every exit."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import traceback
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

import datacoolie
from datacoolie.core.exceptions import DataCoolieError
from datacoolie.core.secret_resolver import BaseSecretResolver
from datacoolie.orchestration.results import RunResult
from datacoolie.plugins import resolver_registry
from tests.projects import Project, Record, append_flow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "c4nary/{}+ü 'w\"%"
"""Every one has signs that others escape."""


def canary(entrance: str) -> str:
    return SECRET.format(entrance)


ENTRANCES = (
    "connection", "nested", "source", "destination", "variable", "literal", "url", "resolver", "project", "fetched",
)  # fmt: skip


def assert_silent(text: str, where: str) -> None:
    """Look for what all secrets have in common, as it is and encoded, and for each as a whole."""
    assert "c4nary" not in text, f"{where}: {text[max(text.find('c4nary') - 200, 0) :][:400]}"
    for offset in range(3):
        core = base64.b64encode(b"\0" * offset + b"c4nary/").decode()[4:-4]
        assert core not in text, where
    for entrance in ENTRANCES:
        for form in (
            quote(canary(entrance), safe=""),
            json.dumps(canary(entrance))[1:-1],
            repr(canary(entrance))[1:-1],
        ):
            assert form not in text, where


class Careless(BaseSecretResolver):
    """Shows what it was made with in all it says."""

    def __init__(self, *, token: str) -> None:
        self.token = token

    def resolve(self, key: str, source: str) -> str:
        if key == "absent":
            message = f"GET https://vault/{source}?token={quote(self.token, safe='')}: 403"
            raise DataCoolieError(message, {"header": f"Bearer {self.token}"}) from ValueError(self.token)
        return canary(key)


@pytest.fixture(autouse=True)
def _careless() -> Iterator[None]:
    resolver_registry.register("careless", Careless)
    yield
    resolver_registry.unregister("careless")


def flow(name: str, source: Record | None = None, destination: Record | None = None, **more: object) -> Record:
    given: Record = {"connection_name": "landing_csv", "table": "events", "watermark_columns": [], **(source or {})}
    return append_flow(
        name=name,
        source=given,
        destination={"connection_name": "out_csv", "table": name, "load_type": "overwrite", **(destination or {})},
        **more,
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Flows that fail with a secret in what goes wrong, and some that succeed with one."""
    for entrance in ENTRANCES:
        monkeypatch.setenv(f"C_{entrance.upper()}", canary(entrance))
    project = Project(tmp_path)
    (project.landing / "events").mkdir(parents=True)
    (project.landing / "events" / "1.csv").write_text("id,v\n1,a\n2,b\n")
    wrong = {"read_options": {"sep": "CONNECTION"}}
    deep = {"base_path": "landing", "storage_options": {"deep": {"er": "NESTED"}}}
    url = f"s3://ann:{quote(canary('url'), safe='')}@bucket/x"
    connections: list[Record] = [
        {"name": "a", "format": "csv", "configure": {"base_path": "landing", **wrong}},
        {"name": "b", "format": "csv", "configure": {"base_path": "NESTED"}, "secrets_ref": {"env:C_": ["base_path"]}},
        {
            "name": "c",
            "format": "csv",
            "configure": {"base_path": "landing", "read_options": {"quote": "${C_VARIABLE}"}},
        },
        {
            "name": "d",
            "format": "csv",
            "configure": {"base_path": "landing", "storage_options": {"password": canary("literal")}},
        },
        {"name": "e", "format": "csv", "configure": {"base_path": url}, "is_active": False},
    ]
    connections[0]["secrets_ref"] = {"env:C_": ["read_options.sep"]}
    connections[2]["configure"] = {
        **deep,
        "storage_options": {"password": "${C_VARIABLE}"},
        "read_options": {"sep": canary("literal")},
    }
    own = {"env:C_": ["read_options.nullValue"]}
    project.write(
        flow("by_connection", {"connection_name": "a"}),
        flow("by_path", {"connection_name": "b"}),
        flow("by_literal", {"connection_name": "c"}),
        flow("works", {"connection_name": "d"}),
        flow("by_url", {"connection_name": "e"}),
        flow("by_source", {"configure": {"read_options": {"nullValue": "SOURCE"}}, "secrets_ref": own}),
        flow(
            "by_destination",
            None,
            {"configure": {"write_options": {"sep": "DESTINATION"}}, "secrets_ref": {"env:C_": ["write_options.sep"]}},
        ),
        flow(
            "refused",
            {"configure": {"read_options": {"sep": "absent"}}, "secrets_ref": {"careless:a": ["read_options.sep"]}},
        ),
        flow(
            "fetched",
            {"configure": {"read_options": {"sep": "fetched"}}, "secrets_ref": {"careless:a": ["read_options.sep"]}},
        ),
        connections=connections,
    )
    settings = {"metadata": ["project.yaml"], "resolvers": {"careless": {"token": canary("resolver")}}}
    (tmp_path / "datacoolie.yaml").write_text(json.dumps(settings))
    return project


def test_python(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever has logging on sees what the framework logs, and whoever prints an object what it is."""
    caplog.set_level(logging.DEBUG)
    loaded = datacoolie.Project.load(project.folder)
    assert_silent(repr(loaded.metadata), "repr")
    result = loaded.run()
    assert isinstance(result, RunResult)
    failed = {record.flow for record in result if record.error}
    assert failed >= {"by_connection", "by_path", "by_literal", "by_destination", "refused", "fetched"}
    assert {record.flow for record in result} - failed >= {"works"}
    assert_silent(repr(result), "records")
    assert_silent(repr(loaded.plan()), "plan")
    assert_silent(repr(loaded.examine()), "examine")
    assert_silent(caplog.text, "log")
    kept = [path for path in (project.folder / ".datacoolie").rglob("*") if path.is_file()]
    assert len(kept) > 8
    for path in kept:
        assert_silent(path.read_text(), str(path))


def test_exceptions(project: Project) -> None:
    loaded = datacoolie.Project.load(project.folder)
    with pytest.raises(DataCoolieError) as caught:
        loaded._workspace.secrets.fill({"x": "absent"}, {"careless:a": ["x"]}, "Here")
    text = "".join([*traceback.format_exception(caught.value), repr(caught.value), str(caught.value.details)])
    assert "Here: configure.x ('absent') can't be retrieved" in text
    # A cause is as it was until it leaves the framework.
    assert_silent(f"{caught.value}{caught.value!r}{caught.value.details}", "error")


@pytest.mark.parametrize(
    "arguments",
    [["validate"], ["run", "-v"], ["run", "--json"], ["plan", "-v"], ["doctor", "-v"], ["state", "show", "--json"]],
    ids=" ".join,
)
def test_the_command_line(project: Project, arguments: list[str]) -> None:
    """In a process of its own, where the careless resolver is not known, and what needs it would stop everything."""
    (project.folder / "datacoolie.yaml").write_text('{"metadata": ["project.yaml"]}')
    document = json.loads((project.folder / "project.yaml").read_text())
    document["dataflows"] = [each for each in document["dataflows"] if "careless:a" not in json.dumps(each)]
    (project.folder / "project.yaml").write_text(json.dumps(document))
    command = project.command(*arguments, str(project.folder))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=dict(os.environ))
    assert done.returncode in {0, 1}, done.stderr
    assert done.stdout
    assert_silent(done.stdout, "standard output")
    assert_silent(done.stderr, "standard error")
