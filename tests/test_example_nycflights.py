"""The example as a user runs it: the command line on real files, read back with delta-rs and Polars."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from deltalake import DeltaTable

import datacoolie
from datacoolie.orchestration.results import RunResult

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXAMPLE = Path(__file__).parents[1] / "examples" / "nycflights"

LOADED = {"flights": 336_776, "weather": 26_115, "airlines": 16, "airports": 1_458, "planes": 3_322}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Copy the example without what earlier runs made; December has not landed yet."""
    folder = tmp_path / "nycflights"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("lakehouse", ".datacoolie", "2013-12.parquet"))
    return folder


def run(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run the project and return its records by flow."""
    command = [sys.executable, "-m", "datacoolie", "run", str(folder), "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return {record["flow"]: record for record in records}


def rows_of(folder: Path, table: str) -> int:
    return pl.read_delta(str(folder / "lakehouse" / table)).height


def test_a_year_is_loaded_once_and_a_new_month_alone(project: Path) -> None:
    first = run(project)
    assert {name: record["status"] for name, record in first.items()} == dict.fromkeys(first, "succeeded")
    assert rows_of(project, "flights") == 308_641
    assert first["flights"]["commit"]["rows"] == 308_641

    again = run(project)
    assert {name: record["status"] for name, record in again.items()} == dict.fromkeys(first, "skipped")

    shutil.copy(EXAMPLE / "data/landing/flights/2013-12.parquet", project / "data/landing/flights")
    december = run(project)
    assert december["flights"]["window"]["files"] == 1
    assert december["flights"]["commit"]["rows"] == 28_135
    assert december["late_flights"]["status"] == "succeeded"
    assert {name for name, record in december.items() if record["status"] == "skipped"} == {
        "weather",
        "airlines",
        "airports",
        "planes",
    }
    assert {name: rows_of(project, name) for name in LOADED} == LOADED

    flights = pl.scan_delta(str(project / "lakehouse/flights"))
    late = pl.scan_delta(str(project / "lakehouse/late_flights"))
    expected = flights.filter(pl.coalesce("arr_delay", "dep_delay", pl.lit(0)) > 15).select(pl.len()).collect().item()
    assert late.select(pl.len()).collect().item() == expected


def assert_rows_are_those_of_the_files(project: Path) -> None:
    table = DeltaTable(str(project / "lakehouse/flights"))
    assert table.metadata().partition_columns == ["month"]
    landed = pl.scan_parquet(project / "data/landing/flights/*.parquet")
    columns = landed.collect_schema().names()
    loaded = pl.scan_delta(table).select(columns)
    keys = ["time_hour", "carrier", "flight", "origin", "sched_dep_time", "tailnum"]
    assert loaded.sort(keys).collect().equals(landed.sort(keys).collect())


def test_the_rows_are_those_of_the_files(project: Path) -> None:
    run(project, "--select", "flights")
    assert_rows_are_those_of_the_files(project)
    table = str(project / "lakehouse/flights")
    added = pl.scan_delta(table).filter(month=3, day=1, carrier="UA", flight=1545).select("flight_date").collect()
    assert set(added["flight_date"].to_list()) <= {datetime(2013, 3, 1, tzinfo=UTC).date()}


def test_an_older_file_that_arrives_late_is_loaded(project: Path) -> None:
    run(project, "--select", "flights")
    late = project / "data/landing/flights/2013-12.parquet"
    shutil.copy(EXAMPLE / "data/landing/flights/2013-12.parquet", late)
    os.utime(late, (1_000_000_000, 1_000_000_000))
    assert run(project, "--select", "flights")["flights"]["commit"]["rows"] == 28_135
    assert rows_of(project, "flights") == 336_776


def test_spark_loads_the_same_and_polars_finds_nothing_new(project: Path, spark_session: SparkSession) -> None:
    assert spark_session.version  # the session that the engine finds
    for month in range(3, 12):
        (project / f"data/landing/flights/2013-{month:02}.parquet").unlink()
    result = datacoolie.Project.load(project, engine="spark").run()
    assert isinstance(result, RunResult)
    assert {record.flow: (record.status, record.commit and record.commit.rows) for record in result} == {
        "flights": ("succeeded", 51_955),
        "weather": ("succeeded", 26_115),
        "airlines": ("succeeded", 16),
        "airports": ("succeeded", 1_458),
        "planes": ("succeeded", 3_322),
        "late_flights": ("succeeded", 11_471),
    }
    assert_rows_are_those_of_the_files(project)
    assert {record["status"] for record in run(project).values()} == {"skipped"}
