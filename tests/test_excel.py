"""Excel as a source, run as a user runs it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, TypeAlias

import polars as pl
from openpyxl import Workbook

from tests.projects import Project, Record, append_flow

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

Row: TypeAlias = tuple[object, ...]

EXCEL: Record = {"name": "excel", "format": "excel", "configure": {"base_path": "landing"}}


def land(project: Project, name: str, *rows: Row) -> None:
    save(project, name, ("id", "name"), *rows)


def save(project: Project, name: str, *rows: Row) -> None:
    workbook = Workbook()
    workbook.worksheets[0].title = "notes"
    sheet = workbook.create_sheet("data")
    for row in rows:
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


def test_spark_reads_what_polars_does(project: Project, spark_session: SparkSession) -> None:
    assert spark_session.version  # the session that the engine finds
    day, noon = datetime(2024, 1, 2), datetime(2024, 1, 2, 12, 30, 15)  # noqa: DTZ001 - cells have no zone
    head: Row = ("id", "share", "at", "flag", "note", "mixed", "nothing")
    save(project, "1.xlsx", head, (1, 0.5, date(2024, 1, 2), True, None, 1, None), (), (3.0, 2, noon, None, " b", "x"))
    save(project, "2.xlsx", ("ID", "share", "more"), (4, 7, "m"))
    save(project, "3.xlsx", ("id", "note"))
    read: Record = {
        "connection_name": "excel",
        "table": "events",
        "configure": {"read_options": {"sheet_name": "data"}},
    }
    named: Record = {"additional_columns": [{"column": "file", "expression": "__file_name"}], "system_columns": False}
    flows: list[Record] = [
        {
            "name": engine,
            "source": read,
            "destination": {"connection_name": "lake", "table": engine, "load_type": "overwrite"},
            "transform": named,
        }
        for engine in ("polars", "spark")
    ]
    for one in flows:
        project.write(one, connections=[EXCEL])
        project.load(engine=str(one["name"]))
    spark, polars = project.table("spark"), project.table("polars")
    assert spark.sort("id").rows() == [
        (1, 0.5, day, True, None, "1", None, None, "1.xlsx"),
        (3, 2.0, noon, None, " b", "x", None, None, "1.xlsx"),
        (4, 7.0, None, None, None, None, None, "m", "2.xlsx"),
    ]
    assert spark.sort("id").equals(polars.sort("id"))
    assert spark.schema == polars.schema
    (project.landing / "events" / "4.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    error = project.attempt(engine="spark").error
    assert error is not None
    assert "4.xlsx: this is not a readable Excel file" in error.message
