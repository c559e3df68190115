from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from datacoolie.core.exceptions import MetadataError
from datacoolie.core.models import Choice, ProjectFile, RunSettings
from datacoolie.metadata import DocumentError, LoadedProject, load_project
from datacoolie.metadata.schema import document_schema, project_schema
from datacoolie.metadata.yaml_reader import read_yaml

EXAMPLES = Path(__file__).parents[3] / "examples"

DOCUMENT = """
connections: [{name: a, configure: {base_path: in}}]
dataflows: [{name: f, source: {connection: a, table: t}, destination: {connection: a, table: u}}]
"""


def project(folder: Path, text: str = "") -> Path:
    (folder / "metadata").mkdir(parents=True)
    (folder / "metadata" / "doc.yaml").write_text(DOCUMENT)
    (folder / "datacoolie.yaml").write_text(text)
    return folder


def names(loaded: LoadedProject) -> list[str]:
    return [flow.name for flow in loaded.metadata.dataflows]


def test_a_project_folder(tmp_path: Path) -> None:
    text = """
    metadata: metadata/
    engine: {name: spark, remote: "sc://h", conf: {a: 1}}
    platform: aws
    state: s3://b/${WHERE:-state}
    run: {max_workers: 4}
    """
    loaded = load_project(project(tmp_path, text), environ={})
    assert loaded.file == tmp_path / "datacoolie.yaml"
    assert loaded.settings == ProjectFile(
        metadata=["metadata/"],
        engine=Choice(name="spark", options={"remote": "sc://h", "conf": {"a": 1}}),
        platform=Choice(name="aws"),
        state="s3://b/state",
        run=RunSettings(max_workers=4),
    )
    assert (loaded.state, names(loaded)) == ("s3://b/state", ["f"])
    assert loaded.metadata.connection("a").location() == str(tmp_path / "metadata" / "in")


def test_the_project_file_itself_and_its_defaults(tmp_path: Path) -> None:
    loaded = load_project(project(tmp_path) / "datacoolie.yaml")
    assert (loaded.settings.engine, loaded.settings.platform.name) == (None, "local")
    assert (loaded.folder, loaded.state) == (tmp_path, str(tmp_path / ".datacoolie"))
    assert names(loaded) == ["f"]


def test_a_document_or_a_folder_without_project_file(tmp_path: Path) -> None:
    folder = project(tmp_path) / "metadata"
    assert load_project(folder).state == str(folder / ".datacoolie")
    loaded = load_project(folder / "doc.yaml")
    assert (loaded.file, loaded.folder, loaded.state) == (None, folder, str(folder / ".datacoolie"))
    assert names(loaded) == ["f"]


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="absent: there is no such file or folder"):
        load_project(tmp_path / "absent")


def test_faults_of_a_project_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(
        project(tmp_path, "engin: polars\nrun: {max_workers: 0, job: 1}\nstate: ${NONE}\nplatform: {a: 1}\n")
    )
    with pytest.raises(DocumentError) as caught:
        load_project(".", environ={})
    run = "job_id, job_num, job_index, max_workers, stop_on_error, retry_count, retry_delay, dry_run, retention_hours, "
    assert [str(fault) for fault in caught.value.faults] == [
        (
            "datacoolie.yaml:1:1: engin: is not a known field (possible: $schema, metadata, engine, platform, "
            "resolvers, state, run, targets, extensions; did you mean 'engine'?)"
        ),
        "datacoolie.yaml:2:20: run.max_workers: must be at least 1 (value 0)",
        (
            f"datacoolie.yaml:2:23: run.job: is not a known field (possible: {run}allowed_function_prefixes, replay; "
            "did you mean 'job_id'?)"
        ),
        "datacoolie.yaml:3:8: state: the environment variable NONE is not set; set it or write ${NONE:-default}",
        "datacoolie.yaml:4:1: platform.name: is required",
    ]


def test_targets_of_a_project_file(tmp_path: Path) -> None:
    folder = project(tmp_path, "targets: {prod: {a: {configure: {base_path: 's3://${B}/x'}}}, dev: {}}\n")
    assert load_project(folder, environ={}).metadata.connection("a").location() == str(folder / "metadata" / "in")
    prod = load_project(folder, target="prod", environ={"B": "b"})
    assert prod.metadata.connection("a").location() == "s3://b/x"
    with pytest.raises(
        DocumentError, match=r"datacoolie.yaml:1:45: targets\.prod\.a\.configure\.base_path: the environment"
    ):
        load_project(folder, target="prod", environ={})
    with pytest.raises(MetadataError, match=r"No target is called 'x'\. Targets: prod, dev\."):
        load_project(folder, target="x")


def test_the_schemas_are_schemas_and_describe_every_field() -> None:
    for schema in (document_schema(), project_schema()):
        jsonschema.Draft202012Validator.check_schema(schema)
        definitions = schema["$defs"]
        assert isinstance(definitions, dict)
        for name, definition in definitions.items():
            assert definition.get("description"), name
            if "properties" not in definition:
                continue
            assert definition["additionalProperties"] is (name == "StreamingSettings"), name
            for field, described in definition["properties"].items():
                assert described.get("description"), f"{name}.{field}"


def documents() -> list[Path]:
    found = [path for path in EXAMPLES.rglob("*.yaml") if "metadata" in path.parts]
    assert found
    return found


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_the_examples_fit_the_schema(path: Path) -> None:
    data, validator = read_yaml(path.read_text("utf-8")).data, jsonschema.Draft202012Validator(document_schema())
    assert [error.message for error in validator.iter_errors(data)] == []
    assert isinstance(data, dict)
    for entry in next(iter(data.values())):
        entry["nmae"] = entry.pop("name")
        assert not validator.is_valid(data)
        entry["name"] = entry.pop("nmae")
    assert validator.is_valid(data)


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("datacoolie.yaml")), ids=lambda path: path.parent.name)
def test_project_files_of_the_examples_fit_the_schema_and_load(path: Path) -> None:
    jsonschema.validate(read_yaml(path.read_text("utf-8")).data, project_schema())
    assert load_project(path).metadata.active_dataflows


FORMS = """
connections:
  - name: a
    format: sql
    catalog: null
    is_active: "true"
    configure:
      {database_type: "${KIND:-mysql}", host: h, port: "${PORT:-1}", read_options: {fetchsize: 5}, encrypt: "false"}
    secrets_ref: '{"": "host"}'
  - {name: b, format: csv, configure: '{"base_path": "x"}'}
  - name: c
    format: api
    configure:
      base_url: u
      range_param_mapping: {d: {lower: {name: x}, format: date}}
dataflows:
  - name: f
    depends_on: ""
    transform:
      value_rules: '[{"operation": "trim", "columns": "a, b"}]'
      masking_rules: {method: redact, columns: [a], value: 0}
      hash_columns: null
      additional_columns: [{column: x, expression: {polars: y}}]
      schema_hints: {column_name: a, data_type: int, precision: null}
      rename_columns: '{"a": "b"}'
      configure: '{"column_name_case": "snake"}'
    source:
      connection: {name: i, configure: {base_path: x}}
      table: t
      watermark_columns: "at, id"
      configure: {backward: {days: "3"}, watermark: {lag: 15m, boundary: exclusive, null_watermark: fail}}
    destination:
      connection: b
      table: t
      load_type: full_load
      partition_columns: [p, {column: q, expression: "lower(a)"}]
      configure: {on_empty: clear, schema_policy: strict, maintenance: {vacuum: true}}
"""


def test_schema_and_loader_accept_the_same_forms(tmp_path: Path) -> None:
    (tmp_path / "doc.yaml").write_text(FORMS)
    assert names(load_project(tmp_path / "doc.yaml", environ={})) == ["f"]
    jsonschema.validate(read_yaml(FORMS).data, document_schema())


@pytest.mark.parametrize(
    "change",
    [
        {"connection": []},
        {"connections": [{"name": "a", "formt": "csv"}]},
        {"connections": [{"name": "a", "configure": {"base_pth": "x"}}]},
        {"connections": [{"format": "csv"}]},
        {"dataflows": [{"name": "f", "source": {"connection": "a"}}]},
        {"metadata": {"dataflow": []}},
        {},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(tmp_path: Path, change: dict[str, object]) -> None:
    (tmp_path / "doc.json").write_text(json.dumps(change))
    with pytest.raises(DocumentError):
        load_project(tmp_path / "doc.json")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(change, document_schema())
