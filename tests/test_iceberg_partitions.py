"""Hidden partitions of Iceberg tables, as documents ask for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest
from pyiceberg.catalog.sql import SqlCatalog

import datacoolie
from datacoolie.metadata.faults import DocumentError
from datacoolie.orchestration.results import RunResult
from tests.projects import Project, Record, append_flow

if TYPE_CHECKING:
    from datacoolie.observability.records import FlowRecord

BERG: Record = {
    "name": "berg",
    "format": "iceberg",
    "database": "db",
    "configure": {"catalog_options": {"type": "sql", "uri": "sqlite:///catalog.db", "warehouse": "warehouse"}},
}


def load(project: Project, partition_columns: object, **more: object) -> FlowRecord:
    destination = {"connection_name": "berg", "partition_columns": partition_columns, **more}
    project.write(append_flow(destination=destination), connections=[BERG])
    folder = project.landing / "events"
    folder.mkdir(exist_ok=True)
    number = len(list(folder.iterdir()))
    at = [datetime(2024, 1, 1 + number, hour, tzinfo=UTC) for hour in (1, 2, 23)]
    frame = pl.DataFrame(
        {"id": [3 * number, 3 * number + 1, 3 * number + 2], "Occurred At": at, "text": ["ab", "ac", "b"]}
    )
    frame.write_parquet(folder / f"{number}.parquet")
    result = datacoolie.Project.load(project.folder / "project.yaml").run()
    assert isinstance(result, RunResult)
    (record,) = result
    return record


def partitions(project: Project) -> tuple[list[str], list[dict[str, object]]]:
    """Return how the table is partitioned, and the partitions that have rows."""
    catalog = SqlCatalog("default", uri=f"sqlite:///{project.folder}/catalog.db")
    table = catalog.load_table("db.events")
    names = {field.field_id: field.name for field in table.schema().fields}
    spec = [f"{field.name}: {field.transform} of {names[field.source_id]}" for field in table.spec().fields]
    found = [row["partition"] for row in table.inspect.partitions().to_pylist()]
    catalog.close()
    return spec, sorted(found, key=repr)


def test_partitions_are_transforms_of_columns_and_no_columns(project: Project) -> None:
    asked = [
        {"column": "day", "expression": "days(`Occurred At`)"},
        {"column": "start", "expression": "TRUNCATE(1, text)"},
    ]
    for _ in range(2):
        record = load(project, asked)
        assert record.status == "succeeded", record.error
    spec, found = partitions(project)
    assert spec == ["day: day of occurred at", "start: truncate[1] of text"]
    assert [(str(one["day"]), one["start"]) for one in found] == [
        ("2024-01-01", "a"), ("2024-01-01", "b"), ("2024-01-02", "a"), ("2024-01-02", "b"),
    ]  # fmt: skip
    catalog = SqlCatalog("default", uri=f"sqlite:///{project.folder}/catalog.db")
    assert catalog.load_table("db.events").schema().column_names == ["id", "occurred at", "text"]
    catalog.close()


def test_buckets_names_and_columns_that_are_computed(project: Project) -> None:
    asked = [
        {"column": "bucket", "expression": "bucket(4, id)"},
        "text",
        {"column": "month", "expression": "date_format(`Occurred At`, 'yyyy-MM')"},
    ]
    record = load(project, asked)
    assert record.status == "succeeded", record.error
    spec, found = partitions(project)
    assert spec == ["bucket: bucket[4] of id", "text: identity of text", "month: identity of month"]
    assert {one["month"] for one in found} == {"2024-01"}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"column": "day", "expression": "days(text)"}, r"can't partition by days\(text\): 'text' is of type string"),
        (
            {"column": "text", "expression": "bucket(2, id)"},
            "can't be called 'text', as a column is",
        ),
        ({"column": "x", "expression": "days(nothing)"}, "There is no column 'nothing'"),
    ],
)
def test_partitions_that_can_not_be(project: Project, asked: object, message: str) -> None:
    record = load(project, [asked])
    assert record.error is not None
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(record.error.message)
    assert not list((project.folder / "warehouse").rglob("*.parquet"))


def test_a_table_keeps_its_partitions(project: Project) -> None:
    assert load(project, [{"column": "day", "expression": "days(`Occurred At`)"}]).status == "succeeded"
    record = load(project, [{"column": "month", "expression": "months(`Occurred At`)"}])
    assert record.error is not None
    assert "the table is partitioned by occurred at (day), not by months(occurred at)" in record.error.message
    assert load(project, []).status == "succeeded"
    assert partitions(project)[0] == ["day: day of occurred at"]


def test_other_formats_have_no_hidden_partitions(project: Project) -> None:
    asked = [{"column": "day", "expression": "days(at)"}]
    project.write(append_flow(destination={"partition_columns": asked}))
    with pytest.raises(DocumentError, match=r"which the format delta does not have: .*to_date\(at\)"):
        datacoolie.Project.load(project.folder / "project.yaml")
