from __future__ import annotations

import itertools
import shutil
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tools.nycflights import convert, fetch
from tools.nycflights.__main__ import FOLDER, main

if TYPE_CHECKING:
    from pathlib import Path

LANDING = FOLDER / "landing"


def test_committed_files_have_their_checksums(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().out.endswith("data: as its SHA256SUMS says\n")


def test_check_names_each_file_that_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "data"
    shutil.copytree(FOLDER, folder)
    (folder / "landing/airlines/airlines.csv").write_text("carrier,name\n", encoding="utf-8")
    (folder / "landing/flights/2013-07.parquet").unlink()
    (folder / "landing/flights/2014-01.parquet").write_bytes(b"")
    assert main(["--check", "--folder", str(folder)]) == 1
    assert capsys.readouterr().err == (
        f"{folder} differs from its SHA256SUMS: landing/airlines/airlines.csv, "
        "landing/flights/2013-07.parquet, landing/flights/2014-01.parquet\n"
    )


def test_a_year_of_flights_one_file_a_month() -> None:
    counts = {path.name: pl.scan_parquet(path).select(pl.len()).collect().item() for path in LANDING.glob("flights/*")}
    assert counts == {
        "2013-01.parquet": 27004,
        "2013-02.parquet": 24951,
        "2013-03.parquet": 28834,
        "2013-04.parquet": 28330,
        "2013-05.parquet": 28796,
        "2013-06.parquet": 28243,
        "2013-07.parquet": 29425,
        "2013-08.parquet": 29327,
        "2013-09.parquet": 27574,
        "2013-10.parquet": 28889,
        "2013-11.parquet": 27268,
        "2013-12.parquet": 28135,
    }
    assert sum(counts.values()) == 336_776


def test_each_month_is_later_than_the_one_before() -> None:
    spans = [
        pl.scan_parquet(path).select(low=pl.min("time_hour"), high=pl.max("time_hour")).collect().row(0)
        for path in sorted(LANDING.glob("flights/*"))
    ]
    assert all(before[1] < after[0] for before, after in itertools.pairwise(spans))
    assert spans[0][0] == datetime(2013, 1, 1, 10, tzinfo=UTC)
    assert spans[-1][1] == datetime(2014, 1, 1, 4, tzinfo=UTC)


def test_na_is_null_and_times_are_moments() -> None:
    first = pl.read_parquet(LANDING / "flights/2013-01.parquet")
    assert first.schema["time_hour"] == pl.Datetime("us", "UTC")
    assert first.schema["dep_delay"] == pl.Int32
    assert first["dep_time"].null_count() == 521
    assert pl.read_csv(LANDING / "airports/airports.csv")["tzone"].null_count() == 3
    planes = pl.read_ndjson(LANDING / "planes/planes.jsonl", infer_schema_length=None)
    assert (planes.height, planes["year"].null_count()) == (3322, 70)


def test_another_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / fetch.ARCHIVE
    archive.write_bytes(b"something else")
    with pytest.raises(fetch.ChecksumError, match=r"has SHA-256 f41f3fa6.*, expected d9ef2f5c"):
        fetch.unpack(archive, tmp_path)


WEATHER = "origin,temp,time_hour\nEWR,39.02,2013-01-01T06:00:00Z\nEWR,NA,2013-01-01T07:00:00Z\n"
FLIGHTS = """\
month,day,sched_dep_time,dep_time,carrier,flight,time_hour
2,1,515,NA,UA,1545,2013-02-01T10:00:00Z
1,1,515,517,UA,1545,2013-01-01T10:00:00Z
1,1,500,NA,AA,7,2013-01-01T10:00:00Z
"""


def test_convert_makes_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "FLIGHTS", 3)
    for name in ("airlines", "airports", "planes"):
        (tmp_path / f"{name}.csv").write_text("code,year\nAA,2004\nN10,NA\n", encoding="utf-8")
    (tmp_path / "weather.csv").write_text(WEATHER, encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "flights.csv.zip", "w") as file:
        file.writestr("flights.csv", FLIGHTS)
    data = tmp_path / "data"
    landing = data / "landing"
    convert.convert(tmp_path, landing)
    convert.write_sums(data)
    convert.check(data)
    assert [line.split("  ")[1] for line in (data / "SHA256SUMS").read_text(encoding="utf-8").splitlines()] == [
        "landing/airlines/airlines.csv",
        "landing/airports/airports.csv",
        "landing/flights/2013-01.parquet",
        "landing/flights/2013-02.parquet",
        "landing/planes/planes.jsonl",
        "landing/weather/weather.parquet",
    ]
    moment = datetime(2013, 1, 1, 10, tzinfo=UTC)
    assert pl.read_parquet(landing / "flights/2013-01.parquet").rows() == [
        (1, 1, 500, None, "AA", 7, moment),
        (1, 1, 515, 517, "UA", 1545, moment),
    ]
    assert (landing / "airlines/airlines.csv").read_bytes() == b"code,year\nAA,2004\nN10,\n"
    assert (landing / "planes/planes.jsonl").read_bytes() == (
        b'{"code":"AA","year":2004}\n{"code":"N10","year":null}\n'
    )
    assert pl.read_parquet(landing / "weather/weather.parquet")["temp"].to_list() == [39.02, None]


def test_another_number_of_flights_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "flights.csv.zip", "w") as file:
        header = "month,time_hour,day,sched_dep_time,carrier,flight"
        file.writestr("flights.csv", f"{header}\n1,2013-01-01T10:00:00Z,1,515,UA,1545\n")
    with pytest.raises(fetch.ChecksumError, match="holds 1 flights, expected 336776"):
        convert.convert(tmp_path, tmp_path / "landing")
