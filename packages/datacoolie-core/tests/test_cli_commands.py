"""`validate`, `schema` and `plugins`, on real documents and what is installed."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint, version
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from datacoolie import plugins
from datacoolie.cli.app import app
from datacoolie.platforms.local import LocalPlatform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BAD = """\
connections:
  - {name: landing, fromat: csv}
  - {name: lake, format: delta}
dataflows:
  - name: orders
    source: {connection_name: landing, table: orders}
    destination: {connection_name: lake, table: orders, load_type: upsert, merge_keys: [id]}
"""


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, prog_name="datacoolie")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    pytest.importorskip("datacoolie_engine_polars", reason="the engine is a package of its own")
    assert call("init", str(tmp_path)).exit_code == 0
    return tmp_path


def test_a_valid_project_is_counted(project: Path) -> None:
    result = call("validate", str(project))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "valid: 2 connections, 3 dataflows; engine polars, platform local\n"


def test_a_valid_project_as_json(project: Path) -> None:
    assert json.loads(call("validate", "--json", str(project)).stdout) == {
        "valid": True,
        "connections": 2,
        "dataflows": 3,
        "schema_hints": 0,
        "engine": "polars",
        "platform": "local",
        "remarks": [],
    }


def test_several_documents_are_one(project: Path) -> None:
    metadata = project / "metadata"
    result = call("validate", str(metadata / "connections.yaml"), str(metadata / "dataflows.yaml"))
    assert result.stdout == "valid: 2 connections, 3 dataflows; engine polars, platform local\n"
    alone = call("validate", str(metadata / "dataflows.yaml"))
    assert alone.exit_code == 2
    assert "source.connection_name: is not a known connection (value 'landing'" in alone.stdout


def test_the_current_folder_is_the_default(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    assert call("validate").stdout.startswith("valid: 2 connections")


def test_every_fault_is_named_with_its_place(tmp_path: Path) -> None:
    document = tmp_path / "bad.yaml"
    document.write_text(BAD)
    result = call("validate", str(document))
    lines = result.stdout.splitlines()
    assert (result.exit_code, result.stderr) == (2, "")
    assert lines[0].startswith(f"{document}:2:21: connections[0].fromat: is not a known field")
    assert lines[0].endswith("did you mean 'format'?)")
    assert lines[1].startswith(f"{document}:7:68: dataflows[0].destination.load_type: ")
    assert lines[2:] == ["2 faults in 1 file"]


def test_faults_as_json(tmp_path: Path) -> None:
    document = tmp_path / "bad.yaml"
    document.write_text(BAD)
    result = call("validate", "--json", str(document))
    data = json.loads(result.stdout)
    assert result.exit_code == 2
    assert data["valid"] is False
    assert [(fault["line"], fault["column"], fault["near"]) for fault in data["faults"]] == [
        (2, 21, "format"),
        (7, 68, "merge_upsert"),
    ]


@pytest.mark.parametrize("command", ["plan", "run"])
def test_faults_stop_a_plan_and_a_run(tmp_path: Path, command: str) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    result = call(command, str(tmp_path / "bad.yaml"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: [DocumentError] The metadata has 2 faults:\n")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]


def test_an_unknown_engine_is_named_with_a_near_one(project: Path) -> None:
    result = call("plan", "--engine", "polar", str(project))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: [ConfigurationError] No engine is called 'polar'.")
    assert result.stderr.endswith("Did you mean 'polars'?\n")


def test_schemas_are_json_schemas() -> None:
    for what, field in (("document", "dataflows"), ("project", "engine")):
        data = json.loads(call("schema", what).stdout)
        assert data["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert field in data["properties"]
    assert call("schema").stdout == call("schema", "document").stdout


def test_plugins_are_listed_with_their_distribution_and_health() -> None:
    result = call("plugins")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["name", "kind", "distribution", "version", "health", "class"]
    local = ["local", "platform", "datacoolie-core", version("datacoolie-core"), "ok"]
    assert [*local, "datacoolie.platforms.local:LocalPlatform"] in lines


@pytest.fixture
def _broken_plugin() -> Iterator[None]:
    plugins.platform_registry.list_plugins()
    discovered = plugins.platform_registry._discovered
    assert discovered is not None
    point = EntryPoint("broken", "no_such_module_anywhere:Platform", "datacoolie.platforms")
    plugins.platform_registry._discovered = {**discovered, "broken": (point,)}
    yield
    plugins.platform_registry.clear()


@pytest.mark.usefixtures("_broken_plugin")
def test_a_broken_plugin_hides_no_other_and_ends_with_1() -> None:
    result = call("plugins", "--json")
    found = {data["name"]: data for data in map(json.loads, result.stdout.splitlines()) if data["kind"] == "platform"}
    assert result.exit_code == 1
    assert found["local"]["error"] is None
    assert "No module named 'no_such_module_anywhere'" in found["broken"]["error"]
    table, remark = call("plugins").stdout.split("\n\n")
    assert ["broken", "platform", "unknown", "unknown", "broken"] in [line.split()[:5] for line in table.splitlines()]
    assert "platform broken: no_such_module_anywhere:Platform of unknown unknown can't be imported" in remark


def test_a_plugin_registered_by_hand() -> None:
    plugins.platform_registry.register("mine", LocalPlatform)
    try:
        lines = [line.split() for line in call("plugins").stdout.splitlines()]
    finally:
        plugins.platform_registry.unregister("mine")
    assert ["mine", "platform", "(by", "hand)", "ok", "datacoolie.platforms.local:LocalPlatform"] in lines
