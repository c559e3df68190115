"""Bad input gets a typed error that says what and where, and the destination is as before."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.projects import append_flow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.projects import Project, Record


def land(project: Project, frame: pl.DataFrame, name: str = "a.parquet") -> None:
    folder = project.landing / "events"
    folder.mkdir(exist_ok=True)
    frame.write_parquet(folder / name)


def failure(project: Project) -> tuple[str, str]:
    """Run the one flow, which must fail, and return the type and message of its error."""
    (record,) = project.run()
    assert record["status"] == "failed", record
    error = record["error"]
    assert isinstance(error, dict)
    return error["type"], error["message"]


def loaded_before(project: Project, flow: Record) -> list[int]:
    """Load three rows, so that a later failure has something to leave as it was."""
    project.write(flow)
    land(project, pl.DataFrame({"id": [1, 2, 3]}))
    assert project.run()[0]["status"] == "succeeded"
    return [1, 2, 3]


def test_missing_folder(project: Project) -> None:
    project.write(append_flow())
    assert failure(project) == ("SourceError", f"{project.landing}/events: there is no such file or folder")
    assert not project.lake.exists()


def test_empty_folder(project: Project) -> None:
    project.write(append_flow())
    (project.landing / "events").mkdir()
    kind, message = failure(project)
    assert kind == "SourceError"
    assert message == f"{project.landing}/events: the folder is empty; there is no parquet file to read"


def test_no_file_of_the_format(project: Project) -> None:
    project.write(append_flow())
    (project.landing / "events").mkdir()
    (project.landing / "events" / "a.txt").write_text("x")
    kind, message = failure(project)
    assert kind == "SourceError"
    assert "no parquet file among 1 files (a.txt)" in message
    assert "pathGlobFilter" in message


def test_a_corrupt_parquet_file(project: Project) -> None:
    rows = loaded_before(project, append_flow())
    (project.landing / "events" / "b.parquet").write_bytes(b"PAR1 this is no parquet file PAR1")
    kind, message = failure(project)
    assert kind == "SourceError"
    assert f"{project.landing}/events/b.parquet" in message
    assert project.table("events")["id"].to_list() == rows


def test_a_csv_row_with_too_many_fields(project: Project) -> None:
    flow = append_flow(source={"connection_name": "landing_csv", "watermark_columns": []})
    project.write(flow)
    (project.landing / "events").mkdir()
    (project.landing / "events" / "a.csv").write_text("id,text\n1,a\n2,b,c,d\n")
    kind, message = failure(project)
    assert kind == "SourceError"
    assert f"{project.landing}/events/a.csv" in message
    assert not (project.lake / "events" / "_delta_log").exists()


def test_a_table_that_is_not_delta(project: Project) -> None:
    project.write(append_flow())
    land(project, pl.DataFrame({"id": [1]}))
    (project.lake / "events").mkdir(parents=True)
    (project.lake / "events" / "other.parquet").write_bytes(b"somebody's")
    kind, message = failure(project)
    assert kind == "DestinationError"
    assert f"{project.lake}/events" in message
    assert sorted(path.name for path in (project.lake / "events").iterdir()) == ["other.parquet"]


def test_a_source_table_that_is_not_delta(project: Project) -> None:
    project.write(append_flow(source={"connection_name": "lake", "table": "nothing"}))
    kind, message = failure(project)
    assert kind == "SourceError"
    assert f"{project.lake}/nothing" in message


def test_an_unknown_watermark_column(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["idd"]}))
    land(project, pl.DataFrame({"id": [1], "text": ["a"]}))
    kind, message = failure(project)
    assert kind == "WatermarkError"
    assert "'idd'" in message
    assert "Did you mean 'id'?" in message


def test_an_unknown_merge_key(project: Project) -> None:
    keyed = {"load_type": "merge_upsert", "merge_keys": ["id"]}
    project.write(append_flow(destination=keyed, transform={"drop_columns": ["id"]}))
    land(project, pl.DataFrame({"id": [1], "text": ["a"]}))
    error = ("TransformError", "destination.merge_keys: There is no column 'id'. Columns: text.")
    assert failure(project) == error
    assert not project.lake.exists()


def test_a_watermark_whose_type_changed(project: Project) -> None:
    loaded_before(project, append_flow())
    shutil.rmtree(project.landing / "events")
    land(project, pl.DataFrame({"id": ["4", "5"]}))
    kind, message = failure(project)
    assert kind == "WatermarkError"
    assert "watermark column 'id' is string now, but the saved mark is 3 (int)" in message
    assert project.table("events")["id"].to_list() == [1, 2, 3]


def test_a_narrowing_type(project: Project) -> None:
    flow = append_flow(source={"watermark_columns": []})
    rows = loaded_before(project, flow)
    shutil.rmtree(project.landing / "events")
    land(project, pl.DataFrame({"id": ["x"]}))
    kind, message = failure(project)
    assert kind == "DestinationError"
    assert "'id'" in message
    assert project.table("events")["id"].to_list() == rows


def test_no_right_to_write(project: Project) -> None:
    """Run as somebody without rights: root may write everywhere."""
    project.write(append_flow())
    land(project, pl.DataFrame({"id": [1]}))
    project.lake.mkdir()
    if os.geteuid() != 0:
        project.lake.chmod(0o500)
        _, message = failure(project)
    else:
        made = subprocess.run(["chattr", "+i", str(project.lake)], check=False, capture_output=True)
        if made.returncode != 0:
            pytest.skip("root can write anywhere, and this file system has no immutable folders")
        try:
            _, message = failure(project)
        finally:
            subprocess.run(["chattr", "-i", str(project.lake)], check=True)
    assert str(project.lake) in message
    assert "ermi" in message
    assert not list(project.lake.iterdir())


@contextmanager
def disk(folder: Path, size: str) -> Iterator[None]:
    """Mount a small file system."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a file system is not permitted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes root")
@pytest.mark.parametrize("connection", ["lake", "out_parquet"])
def test_a_full_disk(project: Project, connection: str) -> None:
    project.write(append_flow(destination={"connection_name": connection}))
    land(project, pl.select(id=pl.int_range(500_000), noise=pl.int_range(500_000).hash(7)))
    target = project.folder / ("lake" if connection == "lake" else "out")
    with disk(target, "1m"):
        kind, message = failure(project)
        assert kind in {"DestinationError", "StorageFullError"}
        assert "space" in message or "full" in message
        assert not [path for path in target.rglob("*") if path.suffix == ".parquet"]
        subprocess.run(["mount", "-o", "remount,size=64m", str(target)], check=True)
        assert project.run()[0]["status"] == "succeeded"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes root")
def test_a_disk_that_is_full_when_metadata_is_written(project: Project) -> None:
    catalog = {"type": "sql", "uri": "sqlite:///catalog.db", "warehouse": "warehouse"}
    berg: Record = {"name": "berg", "format": "iceberg", "configure": {"catalog_options": catalog}}
    project.write(append_flow(destination={"connection_name": "berg", "schema_name": "s"}), connections=[berg])
    land(project, pl.DataFrame({"id": [1]}))
    warehouse = project.folder / "warehouse"
    with disk(warehouse, "1m"):
        project.load()
        land(project, pl.DataFrame({"id": [2]}), "b.parquet")
        free = os.statvfs(warehouse)
        # Pages for the data and a manifest alone.
        (warehouse / "filler").write_bytes(bytes((free.f_bavail - 2) * free.f_frsize))
        error = project.attempt().error
        assert error is not None
        assert "no space left on the device; what was written is removed" in error.message
        assert len(list(warehouse.rglob("*.parquet"))) == 1
        (warehouse / "filler").unlink()
        assert project.load().commit is not None
        assert project.load().status == "skipped"


def test_a_value_that_cannot_be_cast(project: Project) -> None:
    hints = {"schema_hints": [{"column_name": "text", "data_type": "int"}]}
    project.write(append_flow(transform=hints))
    land(project, pl.DataFrame({"id": [1, 2], "text": ["1", "one"]}))
    kind, message = failure(project)
    assert kind == "TransformError"
    assert "one" in message
    assert not (project.lake / "events" / "_delta_log").exists()


def test_a_struct_without_fields(project: Project) -> None:
    lines: Record = {"name": "lines", "format": "jsonl", "configure": {"base_path": "landing"}}
    project.write(append_flow(source={"connection_name": "lines"}), connections=[lines])
    (project.landing / "events").mkdir()
    (project.landing / "events" / "a.jsonl").write_text('{"id": 1, "nothing": {}}\n')
    error = project.attempt().error
    assert error is not None
    assert (
        error.message == f"{project.lake}/events: column 'nothing' is struct<>: a struct has to have a field. Drop it"
    )
    assert not project.lake.exists()


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_number_that_json_does_not_have(project: Project, form: str) -> None:
    out: Record = {"name": "out", "format": form, "configure": {"base_path": "out"}}
    project.write(append_flow(destination={"connection_name": "out"}), connections=[out])
    land(project, pl.DataFrame({"id": [1, 2, 3], "f": [1.5, float("nan"), float("-inf")]}))
    kind, message = failure(project)
    assert kind == "DestinationError"
    assert "JSON has no NaN and no infinity, which column 'f' holds in 2 rows" in message
    assert not list((project.folder / "out").rglob("*.*"))
    land(project, pl.DataFrame({"id": [1], "f": [-1.7976931348623157e308]}))
    assert project.load().commit is not None


def test_what_is_not_there_yet_is_refused_by_name(project: Project) -> None:
    project.write(append_flow(transform={"hash_columns": [{"target_column": "hash", "columns": ["id"]}]}))
    land(project, pl.DataFrame({"id": [1]}))
    done = project.start()
    assert done.returncode == 2
    assert "transform.hash_columns is not supported yet" in done.stderr
    assert not project.lake.exists()
    assert not project.states.exists()
