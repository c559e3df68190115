from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datacoolie.metadata import DocumentError, FileMetadataProvider

if TYPE_CHECKING:
    from pathlib import Path

CONNECTIONS = """connections:
  - {name: files, format: csv, configure: {base_path: in}}
  - {name: off, format: csv, is_active: false, configure: {base_path: in}}
  - {name: lake, format: delta, configure: {base_path: ./lake}}
  - {name: sub, format: delta, configure: {base_path: lake/a}}
  - {name: db, format: sql, configure: {database_type: postgresql, host: h}}
  - {name: other, format: sql, configure: {database_type: postgresql, host: i}}
dataflows:
"""


def flow(name: str, destination: str, load_type: str, *, more: str = "", source: str = "files") -> str:
    source = f"{{connection: {source}, table: x}}"
    return f"""\
  - name: {name}{more}
    source: {source}
    destination: {{connection: {destination}, load_type: {load_type}}}
"""


IN_LAKE, IN_SUB = "lake, schema_name: a, table: b", "sub, table: b"


def faults(folder: Path, *flows: str) -> list[str]:
    path = folder / "doc.yaml"
    path.write_text(CONNECTIONS + "".join(flows))
    try:
        FileMetadataProvider(path).load()
    except DocumentError as error:
        return [str(fault).replace(f"{folder}/", "") for fault in error.faults]
    return []


@pytest.mark.parametrize(("first", "second"), [("overwrite", "full_load"), ("full_load", "overwrite")])
def test_a_table_that_two_active_flows_overwrite(tmp_path: Path, first: str, second: str) -> None:
    assert faults(tmp_path, flow("one", IN_LAKE, first), flow("two", IN_SUB, second)) == [
        (
            "doc.yaml:14:43: dataflows[1].destination.table: is overwritten by the flow 'one' at doc.yaml:9:5 as well: "
            "each removes the rows of the other. Append by one of them, or make one of them inactive (value 'b')"
        )
    ]


@pytest.mark.parametrize(
    "others",
    [
        flow("two", IN_SUB, "append"),
        flow("two", IN_SUB, "overwrite", more="\n    is_active: false"),
        flow("two", IN_SUB, "overwrite", source="off"),
        flow("two", "lake, table: b", "overwrite"),
        flow("two", "db, table: b", "overwrite") + flow("three", "other, table: b", "overwrite"),
    ],
    ids=["appended too", "inactive", "disabled", "another table", "of two databases"],
)
def test_what_can_run_beside_an_overwrite(tmp_path: Path, others: str) -> None:
    assert faults(tmp_path, flow("one", IN_LAKE, "overwrite"), others) == []
