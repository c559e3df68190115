"""The example as a user runs it: the command line on real files, read back with delta-rs and Polars."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable

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


def test_the_rows_are_those_of_the_files(project: Path) -> None:
    run(project, "--select", "flights")
    table = DeltaTable(str(project / "lakehouse/flights"))
    assert table.metadata().partition_columns == ["month"]
    landed = pl.scan_parquet(project / "data/landing/flights/*.parquet")
    columns = landed.collect_schema().names()
    loaded = pl.scan_delta(table).select(columns)
    keys = ["time_hour", "carrier", "flight", "origin", "sched_dep_time", "tailnum"]
    assert loaded.sort(keys).collect().equals(landed.sort(keys).collect())
    added = pl.scan_delta(table).filter(month=3, day=1, carrier="UA", flight=1545).select("flight_date").collect()
    assert set(added["flight_date"].to_list()) <= {datetime(2013, 3, 1, tzinfo=UTC).date()}


def test_an_older_file_that_arrives_late_is_loaded(project: Path) -> None:
    run(project, "--select", "flights")
    late = project / "data/landing/flights/2013-12.parquet"
    shutil.copy(EXAMPLE / "data/landing/flights/2013-12.parquet", late)
    os.utime(late, (1_000_000_000, 1_000_000_000))
    assert run(project, "--select", "flights")["flights"]["commit"]["rows"] == 28_135
    assert rows_of(project, "flights") == 336_776
