"""Files that can't be read, as Polars says it; what every engine says is in the suite."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.core.exceptions import SourceError
from datacoolie.engines import FileWrite, Staged

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


def test_a_type_that_a_sample_did_not_show(tmp_path: Path, scan: Scan, stage: Stage) -> None:
    (tmp_path / "bad.csv").write_text("a\n" + "1\n" * 20_000 + "x\n")
    with pytest.raises(SourceError, match=r"bad\.csv: could not parse `x`.*samplingRatio"):
        stage(scan("csv", "bad.csv", options={"inferSchema": "true"}))


def test_json_with_a_byte_order_mark(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b'\xef\xbb\xbf{"a": 1}\n')
    with pytest.raises(SourceError, match=r"bad\.jsonl: the file begins with a byte-order mark"):
        scan("jsonl", "bad.jsonl")


def test_json_with_what_is_no_number(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "bad.jsonl").write_text('{"a": 1}\n{"a": NaN}\n')
    with pytest.raises(SourceError, match=r"bad\.jsonl: line 2 is not a JSON record: NaN is no number"):
        scan("jsonl", "bad.jsonl")


@pytest.mark.parametrize("other", ['{"b": 1}', "[1]", "true"])
def test_json_with_a_field_of_several_types(tmp_path: Path, scan: Scan, stage: Stage, other: str) -> None:
    (tmp_path / "bad.jsonl").write_text(f'{{"a": 1}}\n{{"a": {other}}}\n')
    with pytest.raises(SourceError, match=r"bad\.jsonl: a field has values of types that no type holds at once: "):
        stage(scan("jsonl", "bad.jsonl"))


def test_quotes_that_do_not_fit(tmp_path: Path, scan: Scan, stage: Stage) -> None:
    (tmp_path / "bad.csv").write_text('a,b\n1,"x\ny"\n2,"x\n3,y\n')
    with pytest.raises(SourceError, match=r"bad\.csv: the row in line 4 has a quote in the wrong place"):
        stage(scan("csv", "bad.csv"))


def test_lines_that_end_as_the_options_do_not_say(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "mac.csv").write_bytes(b"a,b\r1,x\r2,y\r")
    with pytest.raises(SourceError, match=r"mac\.csv: its lines end in a carriage return alone.*lineSep"):
        scan("csv", "mac.csv")
    found = scan("csv", "mac.csv", options={"lineSep": "\r"})
    assert found.collect().rows() == [("1", "x"), ("2", "y")]


def test_a_type_that_the_framework_has_not(tmp_path: Path, scan: Scan) -> None:
    pl.DataFrame({"at": [1]}).write_parquet(tmp_path / "good.parquet")
    pl.DataFrame({"at": [time(1, 2)]}).write_parquet(tmp_path / "bad.parquet")
    with pytest.raises(SourceError, match=r"bad\.parquet: The type Time of column 'at' has no counterpart"):
        scan("parquet", "good.parquet", "bad.parquet")
