"""Excel as a source, run as a user runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from openpyxl import Workbook

from tests.projects import Project, Record, append_flow

if TYPE_CHECKING:
    from pathlib import Path

EXCEL: Record = {"name": "excel", "format": "excel", "configure": {"base_path": "landing"}}


def land(project: Project, name: str, *rows: tuple[object, ...]) -> None:
    workbook = Workbook()
    workbook.worksheets[0].title = "notes"
    sheet = workbook.create_sheet("data")
    for row in (("id", "name"), *rows):
        sheet.append(row)
    (project.landing / "events").mkdir(parents=True, exist_ok=True)
    workbook.save(project.landing / "events" / name)


def test_new_workbooks_are_loaded(tmp_path: Path) -> None:
    project = Project(tmp_path)
    read = {"read_options": {"sheet_name": "data"}}
    project.write(append_flow(source={"connection_name": "excel", "configure": read}), connections=[EXCEL])
    land(project, "1.xlsx", (1, "a"), (2, None))
    land(project, "~$1.xlsx")
    (project.landing / "events" / "~$1.xlsx").write_bytes(b"opened by somebody")
    assert [record["status"] for record in project.run()] == ["succeeded"]
    assert [record["status"] for record in project.run()] == ["skipped"]
    land(project, "2.xlsx", (2, "again"), (3, "c"))
    assert [record["status"] for record in project.run()] == ["succeeded"]
    assert project.table("events").sort("id").rows() == [(1, "a"), (2, None), (3, "c")]
    assert project.table("events").schema == {"id": pl.Int64, "name": pl.String}


def test_workbooks_are_not_written(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(append_flow(destination={"connection_name": "excel"}), connections=[EXCEL])
    done = project.start()
    assert done.returncode == 2
    assert (
        "destination.connection_name: can't be written to: 'excel' has the format excel (possible: parquet, csv, json, "
        "jsonl, avro, delta, iceberg, sql"
    ) in done.stderr
