"""What documents and data may try, and what stops it. SECURITY.md names each."""

from __future__ import annotations

import json
import os
import sqlite3
from typing import TYPE_CHECKING

import polars as pl
import pytest

import datacoolie
from datacoolie.core.exceptions import ConfigurationError
from datacoolie.metadata import DocumentError, FileMetadataProvider
from datacoolie.orchestration.results import RunResult
from tests.projects import Project, Record, append_flow

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    (project.landing / "events").mkdir(parents=True)
    pl.DataFrame({"id": [1]}).write_parquet(project.landing / "events" / "1.parquet")
    return project


@pytest.mark.parametrize("name", ["../../outside", "..", "a/../../b", "..\\outside", "a/..", "a\0b"])
@pytest.mark.parametrize("field", ["table", "schema_name"])
@pytest.mark.parametrize("end", ["source", "destination"])
def test_names_that_lead_out_of_a_base_path(project: Project, end: str, field: str, name: str) -> None:
    project.write(append_flow(**{end: {field: name}}))
    with pytest.raises(DocumentError, match=rf"{end}\.{field}: leads out of the place where tables are"):
        datacoolie.Project.load(project.folder / "project.yaml")


def test_names_with_dots_are_names(project: Project) -> None:
    project.write(append_flow(destination={"table": "a..b"}))
    assert project.load().error is None
    assert (project.lake / "a..b").is_dir()


@pytest.mark.parametrize(("connection", "control"), [("lake", "_delta_log"), ("out_parquet", "_datacoolie")])
def test_values_and_ids_that_lead_elsewhere_are_only_names(tmp_path: Path, connection: str, control: str) -> None:
    folder = tmp_path / "deep" / "project"
    (folder / "landing" / "events").mkdir(parents=True)
    values = ["../../../out", f"{tmp_path}/out", "..", "a\\b"]
    pl.DataFrame({"id": [1, 2, 3, 4], "p": values}).write_parquet(folder / "landing" / "events" / "1.parquet")
    project = Project(folder)
    place = {"connection_name": connection, "partition_columns": ["p"]}
    project.write(append_flow(name="../../flow", dataflow_id="../../../../id", destination=place))
    assert project.load().error is None
    table = folder / ("lake" if connection == "lake" else "out") / "events"
    assert len([path for path in table.iterdir() if path.name != control]) == len(values)
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["project"]
    assert {path.name for path in folder.iterdir()} == {"landing", "project.yaml", ".datacoolie", table.parent.name}


@pytest.mark.skipif(os.name == "nt", reason="needs a right there")
def test_links_in_a_landing_folder(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = project.folder / "private"
    secret.mkdir()
    pl.DataFrame({"id": [2]}).write_parquet(secret / "key.parquet")
    (project.landing / "events" / "2.parquet").symlink_to(secret / "key.parquet")
    project.write(append_flow())
    record = project.attempt()
    assert record.error is not None
    assert "2.parquet' leads to" in record.error.message
    assert not project.lake.exists()
    (project.folder / "datacoolie.yaml").write_text(
        "metadata: project.yaml\nplatform: {name: local, follow_links: '${FOLLOW}'}"
    )

    def errors(follow: str) -> list[str]:
        monkeypatch.setenv("FOLLOW", follow)
        result = datacoolie.Project.load(project.folder).run()
        assert isinstance(result, RunResult)
        return [each.error.message for each in result if each.error]

    assert "2.parquet' leads to" in errors("false")[0]
    with pytest.raises(ConfigurationError, match=r"platform 'local' are wrong: follow_links: .* valid boolean"):
        errors("perhaps")
    assert errors("true") == []
    assert project.table("events")["id"].sort().to_list() == [1, 2]


@pytest.mark.parametrize("name", ["x'; DROP TABLE iceberg_tables; --", 'x"; DELETE FROM iceberg_tables; --', "x%s{0}`"])
def test_sql_in_names(project: Project, name: str) -> None:
    options = {"type": "sql", "uri": f"sqlite:///{project.folder}/catalog.db", "warehouse": str(project.lake)}
    catalog: Record = {"name": "tables", "format": "iceberg", "configure": {"catalog_options": options}}
    place = {"connection_name": "tables", "schema_name": "shop"}
    project.write(append_flow(destination=place), connections=[catalog])
    assert project.load().error is None
    project.write(append_flow(name="bad", destination={**place, "table": name}), connections=[catalog])
    project.attempt()
    with sqlite3.connect(project.folder / "catalog.db") as connection:
        tables = {table for (table,) in connection.execute("select table_name from iceberg_tables")}
    connection.close()
    assert tables - {name} == {"events"}


@pytest.mark.parametrize("prefixes", [[], ["evi"], ["evil.fu", "other"], ["evil"]], ids=str)
def test_functions_that_nobody_allowed(project: Project, monkeypatch: pytest.MonkeyPatch, prefixes: list[str]) -> None:
    (project.folder / "evil.py").write_text("import pathlib\npathlib.Path(__file__).with_name('called').touch()\n")
    monkeypatch.syspath_prepend(str(project.folder))
    function: Record = {"name": "code", "format": "function"}
    source: Record = {"connection_name": "code", "python_function": "evil.f"}
    flow: Record = {"name": "f", "source": source, "destination": {"connection_name": "lake", "table": "f"}}
    project.write(flow, connections=[function])
    settings = {"metadata": ["project.yaml"], "run": {"allowed_function_prefixes": prefixes}}
    (project.folder / "datacoolie.yaml").write_text(json.dumps(settings))
    allows = f"'evil.f', and run.allowed_function_prefixes in datacoolie.yaml allows {', '.join(prefixes) or 'none'}."
    with pytest.raises(ConfigurationError) as caught:
        datacoolie.Project.load(project.folder).run()
    assert (allows in caught.value.message) == (prefixes != ["evil"])
    assert not (project.folder / "called").exists()


@pytest.mark.parametrize("end", ["connection", "source", "destination"])
def test_a_resolver_that_is_not_there(project: Project, end: str) -> None:
    kind, option = ("read_options", "modifiedAfter") if end == "source" else ("write_options", "compression")
    reference: Record = {"valt:secret/app": [f"{kind}.{option}"]}
    secret: Record = {"configure": {kind: {option: "NAME"}}, "secrets_ref": reference}
    if end == "connection":
        project.write(append_flow(destination={"connection_name": "x"}), connections=[{"name": "x", **secret}])
    else:
        project.write(append_flow(**{end: secret}))
    with pytest.raises(ConfigurationError, match=r"No secret resolver is called 'valt'\. .* Did you mean 'vault'\?"):
        project.attempt()
    assert not project.states.exists()


def test_aliases_that_stand_for_very_much(tmp_path: Path) -> None:
    """Ten levels of ten aliases each: as a tree it would not fit into any memory."""
    levels = ["l0: &l0 [x, x]", *(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10))]
    text = "extensions: {" + ", ".join(levels) + "}\nconnections: [{name: a, format: csv, configure: {base_path: x}}]"
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(DocumentError, match=r"a\.yaml:1:\d+: the document holds too much; possible: 1,000,000 values"):
        FileMetadataProvider(tmp_path / "a.yaml").load()
