"""Writes the example's compact files from the CSV files of the package, and their checksums."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import polars as pl

from tools.nycflights.fetch import ChecksumError, sha256

if TYPE_CHECKING:
    from pathlib import Path

FLIGHTS = 336_776
"""Flights that departed from New York City in 2013."""

SUMS = "SHA256SUMS"


def convert(data: Path, landing: Path) -> None:
    """Write what `landing` holds: a Parquet file of flights a month, and the four dimensions.

    Each dimension has the format that its kind of source likes: CSV, JSON lines, Parquet.

    Raises:
        ChecksumError: `data` does not hold the expected flights.
    """
    flights = _flights(data)
    if flights.height != FLIGHTS:
        message = f"{data} holds {flights.height} flights, expected {FLIGHTS}"
        raise ChecksumError(message)
    folder = landing / "flights"
    folder.mkdir(parents=True, exist_ok=True)
    for (month,), of_month in flights.group_by("month", maintain_order=True):
        _write_parquet(of_month, folder / f"2013-{month:02}.parquet")
    for name in ("airlines", "airports"):
        _dimension(landing, name, "csv").write_bytes(_read(data / f"{name}.csv").write_csv().encode())
    _read(data / "planes.csv").write_ndjson(_dimension(landing, "planes", "jsonl"))
    _write_parquet(_times(_read(data / "weather.csv")), _dimension(landing, "weather", "parquet"))


def write_sums(folder: Path) -> None:
    """Write the checksums of all files below `folder/landing`, as `sha256sum` does."""
    lines = [f"{sha256(folder / name)}  {name}\n" for name in _names(folder)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")


def check(folder: Path) -> None:
    """Compare the files below `folder/landing` with their checksums.

    Raises:
        ChecksumError: a file is missing, is not expected, or differs; all are named.
    """
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    expected = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    found = {name: sha256(folder / name) for name in _names(folder)}
    wrong = sorted(name for name in expected | found if expected.get(name) != found.get(name))
    if wrong:
        message = f"{folder} differs from its {SUMS}: {', '.join(wrong)}"
        raise ChecksumError(message)


def _names(folder: Path) -> list[str]:
    files = (path for path in (folder / "landing").rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files)


def _dimension(landing: Path, name: str, extension: str) -> Path:
    (landing / name).mkdir(exist_ok=True)
    return landing / name / f"{name}.{extension}"


def _flights(data: Path) -> pl.DataFrame:
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        frame = _read(archive.read("flights.csv"))
    return _times(frame).sort("month", "time_hour", "day", "sched_dep_time", "carrier", "flight")


def _read(source: Path | bytes) -> pl.DataFrame:
    """Read a CSV in which `NA` stands for null; whole numbers need no more than 32 bits."""
    frame = pl.read_csv(source, null_values="NA", infer_schema_length=None)
    return frame.with_columns(pl.col(pl.Int64).cast(pl.Int32))


def _times(frame: pl.DataFrame) -> pl.DataFrame:
    moment = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")
    return frame.with_columns(moment)


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd", compression_level=19)
