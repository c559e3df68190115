from __future__ import annotations

import json
import pickle
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from datacoolie.core.exceptions import MetadataError
from datacoolie.core.models import LoadType
from datacoolie.metadata import DocumentError, FileMetadataProvider, Metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Faults = Callable[..., list[str]]

CONNECTIONS = """
connections:
  - {name: files, format: csv, configure: {base_path: in}}
  - {name: lake, format: delta, configure: {base_path: lake}}
  - {name: db, format: sql, configure: {database_type: postgresql, host: h}}
  - {name: http, format: api, configure: {base_url: "http://h"}}
  - {name: code, format: function}
"""


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Load a document in the current folder and return its faults as printed."""
    monkeypatch.chdir(tmp_path)

    def load(text: str, *, name: str = "doc.yaml", target: str | None = None) -> list[str]:
        (tmp_path / name).write_text(dedent(text), "utf-8")
        with pytest.raises(DocumentError) as caught:
            FileMetadataProvider(name, target=target, environ={"PORT": "hunter2"}).load()
        return [str(fault) for fault in caught.value.faults]

    return load


def load(tmp_path: Path, text: str, **environ: str) -> Metadata:
    (tmp_path / "doc.yaml").write_text(dedent(text), "utf-8")
    return FileMetadataProvider(tmp_path / "doc.yaml", environ=environ).load()


def flow(text: str) -> str:
    """A document of the connections above and one flow, whose fields begin on line 11."""
    return (
        CONNECTIONS
        + "\ndataflows:\n  - name: f\n"
        + "".join(f"    {line}\n" for line in dedent(text).strip().split("\n"))
    )


ENDS = """
source: {connection: files, table: a}
destination: {connection: lake, table: b}
"""


def test_a_document_is_linked(tmp_path: Path) -> None:
    metadata = load(
        tmp_path,
        """
        connections:
          - {name: files, format: csv, configure: {base_path: in}}
          - {name: lake, format: delta, configure: {base_path: "s3://b/lake"}}
        dataflows:
          - name: f
            source: {connection: files, table: a}
            destination: {connection_name: lake, table: b, load_type: merge_upsert, merge_keys: "x, y"}
        schema_hints:
          - {connection_name: files, table_name: a, hints: [{column_name: x, data_type: int}]}
        """,
    )
    flow = metadata.dataflow("f")
    assert metadata.connection(flow.source).location(None, flow.source.table) == str(tmp_path / "in" / "a")
    assert metadata.connection(flow.destination).location(None, flow.destination.table) == "s3://b/lake/b"
    assert (flow.destination.load_type, flow.destination.merge_keys) == (LoadType.MERGE_UPSERT, ["x", "y"])
    assert [hint.column_name for hint in metadata.hints(flow)] == ["x"]
    assert metadata.connection("lake").document == tmp_path / "doc.yaml"
    with pytest.raises(MetadataError, match=r"No dataflow is called 'g'\. Known: f\."):
        metadata.dataflow("g")


def test_the_same_in_json_and_below_one_key(tmp_path: Path) -> None:
    sections = {
        "connections": [{"name": "a", "configure": '{"base_path": "x"}'}],
        "dataflows": None,
    }
    (tmp_path / "doc.json").write_text(
        json.dumps({"$schema": "s", "extensions": [1], "metadata": sections}), "utf-8-sig"
    )
    metadata = FileMetadataProvider(tmp_path / "doc.json").load()
    assert metadata.connection("a").settings.model_dump()["base_path"] == "x"


def test_documents_of_a_folder_are_joined_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".datacoolie").mkdir()
    (tmp_path / ".datacoolie" / "state.json").write_text("not a document")
    (tmp_path / "notes.txt").write_text("not a document")
    (tmp_path / "b" / "z.json").write_text('{"connections": [{"name": "z", "configure": {"base_path": "x"}}]}')
    (tmp_path / "b" / "a.yml").write_text("connections: [{name: y, configure: {base_path: x}}]")
    (tmp_path / "a.yaml").write_text("connections: [{name: x, configure: {base_path: x}}]")
    metadata = FileMetadataProvider(tmp_path).load()
    assert [each.name for each in metadata.connections] == ["x", "y", "z"]
    assert metadata.connection("z").location() == str(tmp_path / "b" / "x")
    several = FileMetadataProvider([tmp_path / "b", tmp_path / "a.yaml", tmp_path / "b" / "a.yml"]).load()
    assert [each.name for each in several.connections] == ["y", "z", "x"]


def test_what_is_no_document(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.toml").write_text("")
    for path, fault in {
        "absent": "there is no such file or folder",
        "empty": "the folder holds no document",
        "x.toml": ".toml is no kind of document",
    }.items():
        with pytest.raises(MetadataError, match=f"{path}: {fault}"):
            FileMetadataProvider(tmp_path / path).load()


def test_all_faults_of_all_documents_come_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("connections:\n  - {nam: x}\n  - {name: y, nam: z}\n")
    (tmp_path / "b.json").write_text('{"dataflows": [\n{"name": 5}], "x": 1}')
    (tmp_path / "c.yaml").write_text("a: b: c")
    (tmp_path / "d.json").write_bytes(b'{"a":\n "\xff"}')
    with pytest.raises(DocumentError) as caught:
        FileMetadataProvider(["a.yaml", "b.json", "c.yaml", "d.json"]).load()
    fields = (
        "name, connection_id, workspace_id, connection_type, format, catalog, database, secrets_ref, configure, "
        "is_active"
    )
    assert str(caught.value).split("\n  ") == [
        "The metadata has 9 faults:",
        "a.yaml:2:5: connections[0].name: is required",
        f"a.yaml:2:6: connections[0].nam: is not a known field (possible: {fields}; did you mean 'name'?)",
        f"a.yaml:3:15: connections[1].nam: is not a known field (possible: {fields}; did you mean 'name'?)",
        "b.json:2:1: dataflows[0].source: is required",
        "b.json:2:1: dataflows[0].destination: is required",
        "b.json:2:10: dataflows[0].name: must be text (value 5)",
        (
            "b.json:2:15: x: is not a known field "
            "(possible: $schema, extensions, targets, connections, dataflows, schema_hints, metadata)"
        ),
        "c.yaml:1:5: this is not YAML: mapping values are not allowed in this context",
        "d.json:2:3: the document must be written in UTF-8",
    ]
    assert caught.value.details["faults"][0]["path"] == "connections[0].name"
    assert pickle.loads(pickle.dumps(caught.value)).faults == caught.value.faults  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "doc.yaml:1:1: must be a map with connections, dataflows, schema_hints (value a list)"),
        ("", "doc.yaml: the document is empty"),
        ("extensions: {}", "doc.yaml:1:1: needs at least one of connections, dataflows, schema_hints"),
        ("connections: {}", "doc.yaml:1:14: connections: must be a list (value a map)"),
        ("metadata: 1", "doc.yaml:1:11: metadata: must be a map with connections, dataflows, schema_hints (value 1)"),
        ("connections: [a]", "doc.yaml:1:15: connections[0]: must be a map (value 'a')"),
        (
            "metadata: {connections: [], dataflow: []}",
            (
                "doc.yaml:1:29: metadata.dataflow: is not a known field "
                "(possible: connections, dataflows, schema_hints; did you mean 'dataflows'?)"
            ),
        ),
        ("a: 1\na: 2\nconnections: []", "doc.yaml:2:1: the key 'a' is here a second time; the first is at 1:1"),
    ],
)
def test_documents_that_have_no_sections(faults: Faults, text: str, expected: str) -> None:
    assert expected in faults(text)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            "source: {connection: file, table: a}\ndestination: {connection: lake, table: b}",
            (
                "11:26: dataflows[0].source.connection: is not a known connection "
                "(value 'file'; possible: files, lake, db, http, code; did you mean 'files'?)"
            ),
        ),
        (
            "source: {connection: files, connection_name: files, table: a}\ndestination: {connection: lake, table: b}",
            "11:13: dataflows[0].source: connection and connection_name exclude each other; keep one",
        ),
        (
            "source: {table: a}\ndestination: {connection: lake, table: b}",
            (
                "11:5: dataflows[0].source.connection_name: is required, or connection: a name or the fields of "
                "a connection"
            ),
        ),
        (
            "source: {connection: {name: x, format: cvs}, table: a}\ndestination: {connection: lake, table: b}",
            (
                "11:44: dataflows[0].source.connection.format: can't be this (value 'cvs'; possible: parquet, csv, "
                "json, jsonl, "
                "avro, excel, delta, iceberg, sql, api, function, plugin; did you mean 'csv'?)"
            ),
        ),
        (
            "source: {connection: files, table: a}\ndestination: {connection: files, table: b, load_type: scd2}",
            (
                "12:59: dataflows[0].destination.load_type: is not possible with the format csv "
                "(value 'scd2'; possible: append, overwrite, full_load)"
            ),
        ),
        (
            "source: {connection: files, table: a}\ndestination: {connection: http, table: b}",
            (
                "12:31: dataflows[0].destination.connection: can't be written to: 'http' has the format api "
                "(possible: parquet, csv, json, jsonl, avro, delta, iceberg, sql)"
            ),
        ),
        (
            "source: {connection: files, table: a}\ndestination: {connection: lake, table: b, load_type: merge_upsert}",
            "12:5: dataflows[0].destination.merge_keys: is required: load_type merge_upsert compares rows by it",
        ),
        (
            (
                "source: {connection: files, table: a}\n"
                "destination: {connection: lake, table: b, load_type: merge_overwrite}"
            ),
            "12:5: dataflows[0].destination.merge_keys: is required: load_type merge_overwrite compares rows by it",
        ),
        (
            (
                "source: {connection: files, table: a}\n"
                "destination: {connection: lake, table: b, load_type: scd2, merge_keys: k}"
            ),
            (
                "12:5: dataflows[0].destination.configure.scd2_effective_column: is required: "
                "load_type scd2 needs to know when a version begins"
            ),
        ),
        (
            (
                "source: {connection: files, table: a, watermark_columns: x}\n"
                "destination: {connection: lake, table: b, configure: {replace_by_watermark: true}}"
            ),
            (
                "12:81: dataflows[0].destination.configure.replace_by_watermark: needs load_type "
                "merge_overwrite, not append"
            ),
        ),
        (
            (
                "source: {connection: files, table: a}\n"
                "destination: {connection: lake, table: b, load_type: merge_overwrite, "
                "configure: {replace_by_watermark: true}}"
            ),
            (
                "12:109: dataflows[0].destination.configure.replace_by_watermark: "
                "needs watermark_columns in the source: they say which target rows are replaced"
            ),
        ),
        (
            (
                "source: {connection: files, table: a, configure: {read_options: {headr: true}}}\n"
                "destination: {connection: lake, table: b}"
            ),
            (
                "11:70: dataflows[0].source.configure.read_options.headr: is not an option of the format csv "
                "(did you mean 'header'?)"
            ),
        ),
        (
            (
                "source: {connection: files, table: a, configure: {endpoint: x}}\ndestination: "
                "{connection: lake, table: b}"
            ),
            (
                "11:55: dataflows[0].source.configure.endpoint: "
                "belongs to a connection of type api; 'files' is of type file"
            ),
        ),
        (
            (
                "source: {connection: files, table: a, configure: {bakward_days: 3}}\n"
                "destination: {connection: lake, table: b}"
            ),
            "11:55: dataflows[0].source.configure.bakward_days: is not a known field (did you mean 'backward_days'?)",
        ),
        (
            "source: {connection: db}\ndestination: {connection: lake, table: b}",
            "11:5: dataflows[0].source.table: is required, or query",
        ),
        (
            "source: {connection: code}\ndestination: {connection: lake, table: b}",
            "11:5: dataflows[0].source.python_function: is required: the connection is of type function",
        ),
        (
            "source: {connection: files, python_function: m.f}\ndestination: {connection: lake, table: b}",
            "11:50: dataflows[0].source.python_function: needs a connection of type function; 'files' is of type file",
        ),
        (
            "source: {connection: http, query: select 1}\ndestination: {connection: lake, table: b}",
            "11:39: dataflows[0].source.query: can't be asked of a connection of type api",
        ),
        (
            f"{ENDS}depends_on: [g]",
            "13:18: dataflows[0].depends_on[0]: is not a known dataflow (value 'g'; possible: f)",
        ),
        (f"{ENDS}depends_on: f", "13:17: dataflows[0].depends_on: goes in a circle: f waits for f"),
        (
            f"{ENDS}transform: {{latest_data_columns: x}}",
            (
                "13:38: dataflows[0].transform.latest_data_columns: "
                "needs keys: deduplicate_columns, or merge_keys of the destination"
            ),
        ),
        (
            f"{ENDS}transform: {{deduplicate_columns: x}}",
            (
                "13:38: dataflows[0].transform.deduplicate_columns: needs an order: latest_data_columns, or "
                "watermark_columns of the source, tell which row is the newest"
            ),
        ),
        (
            f"{ENDS}transform: {{rename_columns: {{a: b, b: c}}}}",
            (
                "13:33: dataflows[0].transform.rename_columns: renames 'a' to 'b', which is renamed itself; "
                "renames happen at once, without chains"
            ),
        ),
        (
            f"{ENDS}transform: {{value_rules: [{{operation: trimm, columns: a}}]}}",
            (
                "13:43: dataflows[0].transform.value_rules[0].operation: can't be this "
                "(value 'trimm'; possible: trim, case, regex_replace, empty_to_null, fill_null, map; "
                "did you mean 'trim'?)"
            ),
        ),
        (
            (
                f"{ENDS}transform: {{value_rules: {{operation: regex_replace, columns: a, replacement: 1, "
                "pattern: (?=x)}}"
            ),
            (
                "13:94: dataflows[0].transform.value_rules[0].pattern: The regular expression '(?=x)' has '(?=': "
                "look-around is not portable between engines"
            ),
        ),
        (
            (
                "source: {connection: files, table: a, configure: {read_options: {sep: 1, DELIMITER: 2}}}\n"
                "destination: {connection: lake, table: b}"
            ),
            (
                "11:69: dataflows[0].source.configure.read_options: "
                "names the option 'sep' twice, the second time as 'DELIMITER'"
            ),
        ),
        (
            f"{ENDS}transform: {{value_rules: [{{columns: a}}]}}",
            "13:31: dataflows[0].transform.value_rules[0].operation: is required",
        ),
        (
            f"{ENDS}transform: {{masking_rules: [{{method: partial, columns: a, keep_stat: 1}}]}}",
            (
                "13:63: dataflows[0].transform.masking_rules[0].keep_stat: is not a known field "
                "(possible: columns, method, keep_start, keep_end, mask_char; did you mean 'keep_start'?)"
            ),
        ),
        (
            f"{ENDS}transform: {{schema_hints: [{{column_name: a, data_type: strng}}]}}",
            (
                "13:60: dataflows[0].transform.schema_hints[0].data_type: is not a data type "
                "(value 'strng'; did you mean 'string'?)"
            ),
        ),
        (
            f"{ENDS}transform: {{configure: {{column_name_case: upper}}}}",
            (
                "13:47: dataflows[0].transform.configure.column_name_case: can't be this (value 'upper'; "
                "possible: lower, snake)"
            ),
        ),
        (
            f"{ENDS}transform: {{filter_expression: 'a >'}}",
            "13:40: dataflows[0].transform.filter_expression: Expected a value, found the end",
        ),
        (
            (
                f"{ENDS}transform:\n  additional_columns:\n    - column: c\n      expression: |\n        a "
                f"+\n          nope(b)"
            ),
            (
                "18:15: dataflows[0].transform.additional_columns[0].expression: "
                "Function 'nope' is not one of the portable functions."
            ),
        ),
        (
            (
                "source: {connection: files, table: a}\n"
                "destination: {connection: lake, table: b, partition_columns: [x, {column: y, expression: nope(y)}]}"
            ),
            (
                "12:94: dataflows[0].destination.partition_columns[1].expression: "
                "Function 'nope' is not one of the portable functions."
            ),
        ),
        (
            (
                "source: {connection: files, table: a}\n"
                "destination: {connection: lake, table: b, partition_columns: [x, y, X]}"
            ),
            "12:66: dataflows[0].destination.partition_columns: name 'x' twice; keep one",
        ),
        (
            (
                f"{ENDS}transform: {{schema_hints: [{{column_name: a, data_type: date, is_active: false}}, "
                "{column_name: a, data_type: int}, {column_name: A, data_type: string}]}"
            ),
            "13:133: dataflows[0].transform.schema_hints[2].column_name: has a hint already (value 'A')",
        ),
        (
            (
                "source: {connection: files, table: a}\n"
                "destination: {connection: lake, table: b, configure: {scd2_full_snapshot: true}}"
            ),
            (
                "12:59: dataflows[0].destination.configure.scd2_full_snapshot: "
                "has no effect with load_type append: it is for scd2"
            ),
        ),
    ],
)
def test_faults_of_a_flow(faults: Faults, fields: str, expected: str) -> None:
    assert faults(flow(fields)) == [f"doc.yaml:{expected}"]


def test_a_wrong_flow_is_looked_through_for_further_faults(faults: Faults) -> None:
    found = faults(
        flow(
            """
            source: {connection: file, tabel: a}
            destination: {connection: lake, table: b, load_type: upsert}
            depends_on: g
            transform: {filter_expression: 'a = = b', value_rules: [{operation: nope}], schema_hints: 1}
            """
        )
    )
    assert [fault.split(": ")[1] for fault in found] == [
        "dataflows[0].source.connection",
        "dataflows[0].source.tabel",
        "dataflows[0].destination.load_type",
        "dataflows[0].depends_on[0]",
        "dataflows[0].transform.filter_expression",
        "dataflows[0].transform.value_rules[0].operation",
        "dataflows[0].transform.schema_hints[0]",
    ]


def test_native_expressions_are_not_parsed(tmp_path: Path) -> None:
    metadata = load(tmp_path, flow(f"{ENDS}transform: {{filter_expression: {{polars: 'pl.col(1) @', spark: x}}}}"))
    assert metadata.dataflow("f").transform.filter_expression == {"polars": "pl.col(1) @", "spark": "x"}


def test_values_that_may_be_secret_are_not_shown(faults: Faults) -> None:
    found = faults(
        """
        connections:
          - name: db
            format: sql
            configure: {database_type: mysql, host: h, password: [hunter2], port: "${PORT}", token: 5}
          - name: api
            format: api
            configure: {base_url: {hunter2: 1}, page_size: hunter2, auth_type: hunter2, max_pages: hunter2}
            secrets_ref: {v: [base_url, auth_type]}
          - {name: lake, format: delta, configure: {storage_options: [hunter2]}}
          - {name: lake2, format: delta, configure: {base_path: 5, use_schema_hint: "s3://u:hunter2@h"}}
        """
    )
    text = "\n".join(found)
    assert "doc.yaml:5:75: connections[0].configure.port: must be a whole number (value '${PORT}')" in found
    assert "doc.yaml:5:58: connections[0].configure.password: must be text" in found
    assert "doc.yaml:5:93: connections[0].configure.token: must be text" in found
    assert "(value 's3://***@h')" in text
    # page_size and max_pages are no secrets, but hold what is one elsewhere.
    assert text.count("(value '***')") == 2
    assert "hunter2" not in text


def test_missing_variables_are_faults_with_their_position(faults: Faults) -> None:
    assert faults("connections:\n  - {name: a, configure: {base_path: 'x/${NONE}'}}\n") == [
        (
            "doc.yaml:2:38: connections[0].configure.base_path: "
            "the environment variable NONE is not set; set it or write ${NONE:-default}"
        )
    ]


def test_variables_are_replaced_and_typed(tmp_path: Path) -> None:
    metadata = load(
        tmp_path,
        "connections: [{name: '${N}', format: api, configure: {base_url: u, timeout: '${T:-7}'}}]\nextensions: ${X}",
        N="x",
    )
    assert metadata.connection("x").settings.model_dump()["timeout"] == 7


def test_ids_and_names_are_given_once(faults: Faults) -> None:
    found = faults(
        """
        connections:
          - {name: a, configure: {base_path: x}}
          - {name: a, configure: {base_path: y}}
          - {name: b, connection_id: 1x, configure: {base_path: x}}
          - {name: c, connection_id: 1x, configure: {base_path: x}}
          - {name: c, configure: {base_path: x}}
        dataflows:
          - {name: f, source: {connection: c, table: t}, destination: {connection: b, table: t}}
          - {name: f, source: {connection: b, table: t}, destination: {connection: b, table: t}}
          - {name: g, previous_name: f, source: {connection: b, table: t}, destination: {connection: b, table: t}}
        """
    )
    assert found == [
        "doc.yaml:4:12: connections[1].name: is used twice; first at doc.yaml:3:5 (value 'a')",
        "doc.yaml:6:30: connections[3].connection_id: is used twice; first at doc.yaml:5:5 (value '1x')",
        (
            "doc.yaml:9:36: dataflows[0].source.connection: is ambiguous: connections at doc.yaml:6:5 and doc.yaml:7:5 "
            "have this name (value 'c')"
        ),
        "doc.yaml:10:12: dataflows[1].name: is used twice; first at doc.yaml:9:5 (value 'f')",
        "doc.yaml:11:30: dataflows[2].previous_name: is used twice; first at doc.yaml:9:5 (value 'f')",
    ]


def test_an_inactive_flow_may_have_the_name_of_another(tmp_path: Path) -> None:
    metadata = load(
        tmp_path,
        """
        connections: [{name: c, configure: {base_path: x}}]
        dataflows:
          - {name: f, source: {connection: c, table: t}, destination: {connection: c, table: u}}
          - {name: f, dataflow_id: o, is_active: no, source: {connection: c}, destination: {connection: c, table: u}}
        """,
    )
    assert metadata.dataflow("f").is_active


def test_options_of_an_engine_are_its_own(tmp_path: Path) -> None:
    options = "read_options: {polars: {low_memory: true}, sep: ;}"
    metadata = load(
        tmp_path,
        flow(f"source: {{connection: files, table: a, configure: {{{options}}}}}\n" + ENDS.strip().split("\n")[1]),
    )
    assert metadata.dataflow("f").source.settings.read_options == {"polars": {"low_memory": True}, "sep": ";"}


def test_flows_that_wait_for_each_other(faults: Faults) -> None:
    ends = "source: {connection: files, table: a}, destination: {connection: lake, table: b}"
    found = faults(
        f"{CONNECTIONS}dataflows:\n  - {{name: a, depends_on: b, {ends}}}\n  - {{name: b, depends_on: a, {ends}}}\n"
    )
    assert len(found) == 1
    assert "depends_on: goes in a circle: " in found[0]
    assert "a waits for b" in found[0]


def test_an_inactive_connection_disables_its_flows(tmp_path: Path) -> None:
    metadata = load(
        tmp_path,
        """
        connections:
          - {name: off, is_active: false, configure: {base_path: x}}
          - {name: on, configure: {base_path: y}}
        dataflows:
          - {name: a, source: {connection: off, table: t}, destination: {connection: on, table: t}}
          - {name: b, source: {connection: on, table: t}, destination: {connection: on, table: u}}
          - name: c
            source: {connection: {name: i, is_active: false, configure: {base_path: x}}, table: t}
            destination: {connection: on, table: v}
        """,
    )
    assert [flow.is_active for flow in metadata.dataflows] == [False, True, False]
    assert [flow.name for flow in metadata.active_dataflows] == ["b"]


HINTS = """
connections:
  - {name: c, configure: {base_path: x}}
  - {name: off, configure: {base_path: x, use_schema_hint: false}}
schema_hints:
  - {connection_name: c, table_name: t, schema_name: s, hints: [{column_name: a, data_type: int}]}
  - connection_name: c
    table_name: t
    hints:
      - {column_name: B, data_type: int, ordinal_position: 2}
      - {column_name: a, data_type: date, ordinal_position: 1}
      - {column_name: z, data_type: int, is_active: false}
  - {connection_name: off, table_name: t, hints: [{column_name: a, data_type: int}]}
dataflows:
"""


def test_shared_hints_of_the_table_and_own_ones_over_them(tmp_path: Path) -> None:
    metadata = load(
        tmp_path,
        HINTS
        + """
  - {name: exact, source: {connection: c, schema_name: s, table: t}, destination: {connection: c, table: u}}
  - name: none
    source: {connection: c, table: t}
    destination: {connection: c, table: u}
    transform: {schema_hints: [{column_name: b, data_type: string}]}
  - {name: other, source: {connection: c, schema_name: r, table: t}, destination: {connection: c, table: u}}
  - {name: off, source: {connection: off, table: t}, destination: {connection: c, table: u}}
  - {name: query, source: {connection: c, query: select 1}, destination: {connection: c, table: u}}
""",
    )
    found = {
        flow.name: [(hint.column_name, hint.data_type) for hint in metadata.hints(flow)] for flow in metadata.dataflows
    }
    assert found == {
        "exact": [("a", "int")],
        "none": [("a", "date"), ("b", "string")],
        "other": [("a", "date"), ("B", "int")],
        "off": [],
        "query": [],
    }


def test_two_sets_of_hints_that_fit_one_source(faults: Faults) -> None:
    found = faults(
        """
        connections: [{name: c, connection_id: i, configure: {base_path: x}}]
        schema_hints:
          - {connection_name: c, table_name: t, schema_name: r, hints: []}
          - {connection_id: i, table_name: t, schema_name: s, hints: []}
          - connection_id: j
            table_name: u
            hints: [{column_name: a, data_type: int}, {column_name: A, data_type: int}]
          - {connection_name: d, table_name: t, hints: []}
          - {table_name: t, hints: []}
        dataflows:
          - {name: f, source: {connection: c, table: t}, destination: {connection: c, table: u}}
        """
    )
    assert found == [
        "doc.yaml:6:20: schema_hints[2].connection_id: is not the id of a connection (value 'j'; possible: i)",
        "doc.yaml:8:61: schema_hints[2].hints[1].column_name: has a hint already (value 'A')",
        "doc.yaml:9:23: schema_hints[3].connection_name: is not a known connection (value 'd'; possible: c)",
        "doc.yaml:10:5: schema_hints[4]: needs either connection_name or connection_id",
        (
            "doc.yaml:12:46: dataflows[0].source.table: is ambiguous: the schema hints at doc.yaml:4:5 and "
            "doc.yaml:5:5 "
            "both fit it; say which by schema_name (value 't')"
        ),
    ]


def test_queries_are_read_and_checked(tmp_path: Path, faults: Faults) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "good.sql").write_text("SELECT 1 AS a -- ok\n")
    (tmp_path / "sql" / "bad.sql").write_text("SELECT 1,\n  (a FROM t")
    good = load(
        tmp_path, flow("source: {connection: db, query: sql/good.sql}\ndestination: {connection: lake, table: b}")
    )
    assert good.dataflow("f").source.sql == "SELECT 1 AS a -- ok\n"
    assert good.dataflow("f").source.query == "sql/good.sql"

    def of(query: str) -> str:
        text = f"source: {{connection: db, query: {query}}}\ndestination: {{connection: lake, table: b}}"
        (found,) = faults(flow(text))
        return found

    assert of("sql/none.sql").startswith(
        "doc.yaml:11:37: dataflows[0].source.query: names a file that can't be read: No such file or directory"
    )
    assert of("sql/bad.sql").startswith("sql/bad.sql:2:") or of("sql/bad.sql").startswith("sql\\bad.sql:2:")
    assert "doc.yaml:11:37: dataflows[0].source.query: A query is a SELECT statement" in of("drop table x")


TARGETS = """
connections:
  - {name: lake, format: delta, configure: {base_path: dev, storage_options: {a: 1}}}
targets:
  prod: {lake: {configure: {base_path: "s3://${BUCKET}/lake", storage_options: {b: 2}}}}
  bad: {lake: {configure: {base_pth: x}, catalog: 5}}
"""


def test_a_target_overlays_connections(tmp_path: Path) -> None:
    (tmp_path / "doc.yaml").write_text(TARGETS)
    assert (
        FileMetadataProvider(tmp_path / "doc.yaml", environ={}).load().connection("lake").configure["base_path"]
        == "dev"
    )
    prod = FileMetadataProvider(tmp_path / "doc.yaml", target="prod", environ={"BUCKET": "b"}).load().connection("lake")
    assert prod.configure == {"base_path": "s3://b/lake", "storage_options": {"a": 1, "b": 2}}
    with pytest.raises(MetadataError, match=r"No target is called 'prd'\. Targets: prod, bad\. Did you mean 'prod'\?"):
        FileMetadataProvider(tmp_path / "doc.yaml", target="prd").load()


def test_faults_of_a_target(faults: Faults) -> None:
    assert faults(TARGETS, target="prod") == [
        (
            "doc.yaml:5:40: targets.prod.lake.configure.base_path: "
            "the environment variable BUCKET is not set; set it or write ${BUCKET:-default}"
        )
    ]
    assert faults(TARGETS, target="bad") == [
        "doc.yaml:6:28: targets.bad.lake.configure.base_pth: is not a known field (did you mean 'base_path'?)",
        "doc.yaml:6:51: targets.bad.lake.catalog: must be text (value 5)",
    ]
    unknown = "connections: [{name: lake, configure: {base_path: x}}]\ntargets: {t: {lak: {}, lake: {formt: x}}, u: 1}"
    assert [fault.split(" (")[0] for fault in faults(unknown)] == [
        "doc.yaml:2:15: targets.t.lak: is not a known connection",
        "doc.yaml:2:31: targets.t.lake.formt: is not a known field",
        "doc.yaml:2:46: targets.u: must be a map of connections",
    ]


def test_an_expression_is_what_imports_the_parser(tmp_path: Path) -> None:
    (tmp_path / "doc.yaml").write_text(flow(ENDS))
    code = (
        "import sys; from datacoolie.metadata import FileMetadataProvider\n"
        f"FileMetadataProvider({str(tmp_path / 'doc.yaml')!r}).load()\n"
        "print([name for name in ('sqlglot', 'polars', 'datacoolie.sql', 'zoneinfo._tzpath_x') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
