"""What a load does not do: split what is known to be small, import what it does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable

from tests.projects import append_flow

if TYPE_CHECKING:
    from tests.projects import Project

ROWS = 300_000


@pytest.mark.parametrize(("connection", "listed"), [("landing", 1), ("landing_csv", 3)])
def test_files_are_split_when_what_is_read_may_fill_more_than_one(
    project: Project, monkeypatch: pytest.MonkeyPatch, connection: str, listed: int
) -> None:
    monkeypatch.setattr("datacoolie_engine_polars.staging.FILE_BYTES", 1 << 16)
    frame = pl.DataFrame({"id": range(ROWS)})
    frame.write_parquet(project.landing / "events" / "1.parquet", mkdir=True)
    frame.write_csv(project.landing / "events" / "1.csv")
    name = "1.parquet" if connection == "landing" else "1.csv"
    size = (project.landing / "events" / name).stat().st_size // listed
    read = {"connection_name": connection, "watermark_columns": []}
    project.write(append_flow(source=read, destination={"load_type": "overwrite"}))

    monkeypatch.setattr("datacoolie_engine_polars.staging.ONE_FILE_BYTES", size)
    record = project.load()
    assert record.commit is not None
    assert (record.commit.rows, record.commit.files) == (ROWS, 1)

    monkeypatch.setattr("datacoolie_engine_polars.staging.ONE_FILE_BYTES", size - 1)
    record = project.load()
    assert record.commit is not None
    assert record.commit.rows == ROWS
    assert record.commit.files > 2
    assert len(DeltaTable(project.lake / "events").file_uris()) == record.commit.files
    assert project.table("events").height == ROWS


def test_what_a_load_does_not_need_is_not_imported(project: Project) -> None:
    (project.landing / "events").mkdir()
    (project.landing / "events" / "1.csv").write_text("id\n1\n")
    read = {"connection_name": "landing_csv", "watermark_columns": []}
    written = {"connection_name": "out_parquet", "load_type": "overwrite"}
    project.write(append_flow(source=read, destination=written))
    done = project.python(
        "import sys, datacoolie\n"
        "print(datacoolie.Project.load(path).run().ok)\n"
        "print({'deltalake', 'pyarrow', 'pyiceberg', 'sqlglot', 'openpyxl', 'rich'} & set(sys.modules))\n"
    )
    assert (done.stdout.splitlines(), done.stderr) == (["True", "set()"], "")
