"""Files that can't be read: a typed error says which file, and why."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.core.exceptions import SourceError
from datacoolie.engines import FileWrite, Staged
from datacoolie.sql import agg, col

if TYPE_CHECKING:
    from pathlib import Path

    from datacoolie_engine_polars import PolarsEngine

Scan = Callable[..., pl.LazyFrame]
Stage = Callable[[pl.LazyFrame], Staged]


@pytest.fixture
def stage(engine: PolarsEngine, tmp_path: Path) -> Stage:
    def run(frame: pl.LazyFrame) -> Staged:
        return engine.files.stage(frame, FileWrite(format="parquet", folder=str(tmp_path / "out"), stem="s"))

    return run


@pytest.mark.parametrize("content", [b"", b"hello", b"PAR1" + b"x" * 100])
def test_what_is_no_parquet_file(tmp_path: Path, scan: Scan, content: bytes) -> None:
    pl.DataFrame({"id": [1]}).write_parquet(tmp_path / "good.parquet")
    (tmp_path / "bad.parquet").write_bytes(content)
    with pytest.raises(SourceError, match=r"bad\.parquet: this is not a readable Parquet file"):
        scan("parquet", "good.parquet", "bad.parquet")


def test_half_a_parquet_file(tmp_path: Path, scan: Scan) -> None:
    pl.DataFrame({"id": range(10_000)}).write_parquet(tmp_path / "bad.parquet")
    whole = (tmp_path / "bad.parquet").read_bytes()
    (tmp_path / "bad.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"bad\.parquet: this is not a readable Parquet file"):
        scan("parquet", "bad.parquet")


def test_a_parquet_file_that_is_damaged_inside(tmp_path: Path, scan: Scan, stage: Stage) -> None:
    for name in ("good.parquet", "bad.parquet"):
        pl.DataFrame({"id": [str(n * 7919 % 10007) for n in range(50_000)]}).write_parquet(tmp_path / name)
    whole = bytearray((tmp_path / "bad.parquet").read_bytes())
    whole[10 : len(whole) // 2] = b"\x00" * (len(whole) // 2 - 10)
    (tmp_path / "bad.parquet").write_bytes(whole)
    frame = scan("parquet", "good.parquet", "bad.parquet")
    with pytest.raises(SourceError, match=r"bad\.parquet: this is not a readable Parquet file"):
        stage(frame)
    assert not (tmp_path / "out").exists()


def test_a_csv_row_with_too_many_fields(tmp_path: Path, scan: Scan, stage: Stage) -> None:
    (tmp_path / "good.csv").write_text("a,b\n1,2\n")
    (tmp_path / "bad.csv").write_text('a,b\n"x\ny",2\n3,4\n5,6,7\n')
    with pytest.raises(SourceError, match=r"bad\.csv: line 5 has 3 fields, but the header has 2"):
        stage(scan("csv", "good.csv", "bad.csv"))


def test_a_csv_file_that_is_not_utf8(tmp_path: Path, scan: Scan, stage: Stage) -> None:
    (tmp_path / "bad.csv").write_bytes("a,b\né,2\n".encode("latin-1"))
    with pytest.raises(SourceError, match=r"bad\.csv: .*utf-8"):
        stage(scan("csv", "bad.csv"))


def test_a_type_that_a_sample_did_not_show(tmp_path: Path, scan: Scan, stage: Stage) -> None:
    (tmp_path / "bad.csv").write_text("a\n" + "1\n" * 20_000 + "x\n")
    with pytest.raises(SourceError, match=r"bad\.csv: could not parse `x`.*samplingRatio"):
        stage(scan("csv", "bad.csv", options={"inferSchema": "true"}))


def test_a_line_that_is_no_json(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "bad.jsonl").write_text('{"a": 1}\n{"a": 2\n{"a": 3}\n')
    with pytest.raises(SourceError, match=r"bad\.jsonl: line 2"):
        scan("jsonl", "bad.jsonl")


def test_a_document_that_is_no_json(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "bad.json").write_text('[{"a": 1}, {"a":')
    with pytest.raises(SourceError, match=r"bad\.json: "):
        scan("json", "bad.json")


def test_json_with_a_byte_order_mark(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b'\xef\xbb\xbf{"a": 1}\n')
    with pytest.raises(SourceError, match=r"bad\.jsonl: the file begins with a byte-order mark"):
        scan("jsonl", "bad.jsonl")


def test_half_a_gzip_file(tmp_path: Path, scan: Scan, stage: Stage) -> None:
    whole = gzip.compress(("a,b\n" + "1,2\n" * 100_000).encode())
    (tmp_path / "bad.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"bad\.csv\.gz: "):
        stage(scan("csv", "bad.csv.gz"))


@pytest.mark.parametrize("format", ["parquet", "csv", "json", "jsonl"])
def test_a_file_that_goes_away(tmp_path: Path, scan: Scan, stage: Stage, format: str) -> None:  # noqa: A002
    if format == "parquet":
        pl.DataFrame({"id": [1]}).write_parquet(tmp_path / "a.x")
    else:
        (tmp_path / "a.x").write_text({"csv": "id\n1\n", "json": '[{"id":1}]', "jsonl": '{"id":1}\n'}[format])
    frame = scan(format, "a.x")
    (tmp_path / "a.x").unlink()
    with pytest.raises(SourceError, match=r"a\.x: there is no such file"):
        stage(frame)
    assert not (tmp_path / "out").exists()


def test_an_aggregate_names_the_file_too(engine: PolarsEngine, tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "bad.csv").write_text("a\n1\n1,2\n")
    with pytest.raises(SourceError, match=r"bad\.csv: line 3 has 2 fields"):
        engine.frames.aggregate(scan("csv", "bad.csv"), {"top": agg("max", col("a"))})
