from __future__ import annotations

import json
import re
import sys
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from openpyxl import Workbook

from datacoolie.metadata import DocumentError, FileMetadataProvider, Metadata
from datacoolie.metadata.xlsx_reader import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXAMPLE = Path(__file__).parents[3] / "examples" / "nycflights" / "metadata"

Rows = list[list[object]]

CONNECTIONS: Rows = [
    ["name", "format", "configure_base_path"],
    ["files", "csv", "in"],
    ["lake", "delta", "lake"],
]
FLOWS: Rows = [
    ["name", "source_connection_name", "source_table", "destination_connection_name", "destination_table"],
    ["f", "files", "a", "lake", "b"],
]


def write(path: Path, **sheets: Rows) -> Path:
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    workbook.save(path)
    return path


def load(path: Path, **environ: str) -> Metadata:
    return FileMetadataProvider(path, environ=environ).load()


def faults(path: Path) -> list[str]:
    """Return the faults of a workbook as printed, from its name on."""
    with pytest.raises(DocumentError) as caught:
        load(path)
    return [str(fault).removeprefix(f"{path.parent}/") for fault in caught.value.faults]


def rewrite(path: Path, member: str, old: re.Pattern[str], new: str) -> None:
    """Change the text of one member of a workbook, as no library would write it."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    text, changes = old.subn(new, members[member].decode())
    assert changes == 1
    members[member] = text.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def flat(entry: Mapping[str, object]) -> dict[str, object]:
    """Return an entry as columns, as one writes them in Excel: nested fields below each other, lists as text."""
    columns: dict[str, object] = {}
    for name, value in entry.items():
        if name in {"source", "destination", "transform", "configure"} and isinstance(value, dict):
            columns |= {f"{name}_{inner}": cell for inner, cell in flat(value).items()}
        else:
            columns[name] = value if isinstance(value, str | int | float) else json.dumps(value)
    return columns


def table(entries: Sequence[Mapping[str, object]]) -> Rows:
    rows = [flat(entry) for entry in entries]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [list(names), *([row.get(name) for name in names] for row in rows)]


def test_the_example_says_the_same_as_a_workbook(tmp_path: Path) -> None:
    sections = {
        section: yaml.safe_load((EXAMPLE / f"{section}.yaml").read_text("utf-8"))[section]
        for section in ("connections", "dataflows")
    }
    path = write(tmp_path / "all.xlsx", **{section: table(entries) for section, entries in sections.items()})
    read, expected = load(path), FileMetadataProvider(EXAMPLE).load()
    assert len(read.dataflows) == 6
    assert [each.model_dump() for each in read.connections] == [each.model_dump() for each in expected.connections]
    assert read.dataflows == expected.dataflows


def test_cells_of_every_kind(tmp_path: Path) -> None:
    path = write(
        tmp_path / "all.xlsx",
        connections=[
            ["name", None, "format", "is_active", "configure", "configure_base_path", "configure_read_options"],
            ["files", None, "csv", True, '{"use_schema_hint": true}', "${ROOT:-in}/${SUB}", '{"header": false}'],
            [],
            ["lake", None, "delta", False, "  ", "lake"],
        ],
        dataflows=[
            [*FLOWS[0], "group_number", "execution_order", "transform_value_rules", "transform_additional_columns"],
            [
                *FLOWS[1],
                1.0,
                2,
                '{"operation": "fill_null", "columns": "x", "value": 0.5}',
                '[{"column": "y", "expression": {"polars": "pl.col(\'x\')"}}]',
            ],
        ],
        schema_hints=[
            ["connection_name", "table_name", "column_name", "data_type", "default_value", "ordinal_position"],
            ["files", "a", "d", "date", date(2024, 2, 29), 2.0],
            ["files", "b", "d", "date"],
            ["files", "a", "t", "timestamp", datetime(2024, 2, 29, 12, 30), 1],  # noqa: DTZ001 - cells have no zone
        ],
        Sheet1=[],
    )
    metadata = load(path, SUB="sub")
    files, lake = metadata.connections
    assert files.configure == {
        "use_schema_hint": True,
        "base_path": "in/sub",
        "read_options": {"header": False},
    }
    assert (files.is_active, lake.is_active, lake.configure) == (True, False, {"base_path": "lake"})
    (flow,) = metadata.dataflows
    assert (flow.group_number, flow.execution_order) == (1, 2)
    assert flow.transform.additional_columns[0].expression == {"polars": "pl.col('x')"}
    assert [(each.table_name, len(each.hints)) for each in metadata.schema_hints] == [("a", 2), ("b", 1)]
    assert [(hint.column_name, hint.default_value) for hint in metadata.hints(flow)] == [
        ("t", "2024-02-29T12:30:00"),
        ("d", "2024-02-29"),
    ]


def test_faults_name_the_cell(tmp_path: Path) -> None:
    path = write(
        tmp_path / "all.xlsx",
        connections=[
            ["name", "formt", "configure_base_path", "configure_base_pth", "is_active", "configure", "name", 5],
            ["files", "csv", "in", "in", "perhaps"],
            [None, None, timedelta(hours=30), "x", None, "{", None, None, "lost"],
            ["other", None, "x", None, None, '{"base_path": "y", "base_path": "z"}'],
        ],
        dataflows=[
            [*FLOWS[0], "transform_filter_expression", "group_number"],
            [*FLOWS[1][:3], "lak", "b", "a >", 1.5],
            ["g", "files", "a", "files", "c", "1 = 1", "=1+1"],
        ],
        schema_hints=[
            ["connection_name", "table_name", "column_name", "data_type"],
            ["files", "a", "x", "int"],
            ["files", "a", "x", "integr"],
            ["files", "a", "X", "#REF!"],
        ],
        dataflow=[["name"]],
    )
    assert faults(path) == [
        "all.xlsx:connections!B1: 'formt' is no column of connections. Did you mean 'format'?",
        "all.xlsx:connections!G1: a column is called 'name' already",
        "all.xlsx:connections!H1: '5' is no column of connections.",
        "all.xlsx:connections!D2: connections[0].configure.base_pth: is not a known field (did you mean 'base_path'?)",
        "all.xlsx:connections!E2: connections[0].is_active: must be true or false (value 'perhaps')",
        "all.xlsx:connections!C3: holds a span of time; write it as text, such as 1h 30m",
        "all.xlsx:connections!D3: belongs into F3, which is no JSON object",
        "all.xlsx:connections!D3: connections[1].name: is required",
        (
            "all.xlsx:connections!F3: connections[1].configure: is text that is not JSON: Expecting "
            "property name enclosed in double quotes at its character 2 (value '{')"
        ),
        "all.xlsx:connections!I3: stands in a column without a name",
        "all.xlsx:connections!C4: is said in F4 already",
        "all.xlsx:connections!F4: the key 'base_path' is here a second time; the first is at 1:2",
        (
            "all.xlsx:dataflow!A1: dataflow: is not a known field (possible: $schema, extensions, targets, "
            "connections, dataflows, schema_hints, metadata; did you mean 'dataflows'?)"
        ),
        (
            "all.xlsx:dataflows!D2: dataflows[0].destination.connection_name: is not a known connection "
            "(value 'lak'; possible: files, other)"
        ),
        "all.xlsx:dataflows!F2: dataflows[0].transform.filter_expression: Expected a value, found the end",
        "all.xlsx:dataflows!G2: dataflows[0].group_number: must be a whole number (value 1.5)",
        "all.xlsx:dataflows!G3: holds a formula without its value; open it in Excel and save it there",
        (
            "all.xlsx:schema_hints!D3: schema_hints[0].hints[1].data_type: is not a data type (value "
            "'integr'; did you mean 'integer'?)"
        ),
        "all.xlsx:schema_hints!C4: schema_hints[0].hints[2].data_type: is required",
        "all.xlsx:schema_hints!D4: holds the error #REF!",
    ]


def test_formulas_count_by_their_values(tmp_path: Path) -> None:
    path = write(tmp_path / "all.xlsx", connections=[*CONNECTIONS, ["=A2", "csv", "x"]])
    assert faults(path) == [
        "all.xlsx:connections!A4: holds a formula without its value; open it in Excel and save it there",
        "all.xlsx:connections!B4: connections[2].name: is required",
    ]
    rewrite(path, "xl/worksheets/sheet1.xml", re.compile(r"<f>A2</f><v ?/>"), "<f>A2</f><v>7</v>")
    assert faults(path) == ["all.xlsx:connections!A4: connections[2].name: must be text (value 7)"]


def test_what_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    for content in (b"", b"PK", b"\xd0\xcf\x11\xe0" + bytes(600)):
        path.write_bytes(content)
        assert faults(path) == ["x.xlsx: this is no Excel workbook, or one with a password: File is not a zip file"]
    write(path, connections=CONNECTIONS)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(100) + whole[len(whole) // 2 + 100 :])
    assert faults(path)[0].startswith("x.xlsx: this is no Excel workbook")


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path) -> None:
    path = write(tmp_path / "x.xlsx", connections=CONNECTIONS)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/more.xml", bytes(MAX_BYTES))
    assert path.stat().st_size < 100_000
    assert re.fullmatch(r"x.xlsx: the workbook unpacks to 50,0\d\d,\d\d\d bytes; possible: 50,000,000", faults(path)[0])


def test_an_empty_workbook(tmp_path: Path) -> None:
    assert faults(write(tmp_path / "x.xlsx", Sheet1=[])) == ["x.xlsx: the document is empty"]


def test_a_missing_reader_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.xlsx", connections=CONNECTIONS)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert faults(path) == ["x.xlsx: reading it needs openpyxl: pip install 'datacoolie-core[excel]'"]
