"""What is particular to flat files that Polars writes; what every engine does is in the suite."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow.parquet as pq
import pytest

from datacoolie.core.exceptions import ConfigurationError, TransformError
from datacoolie.engines import FileWrite, Staged
from datacoolie.sql import parse
from datacoolie.testing.base import written

if TYPE_CHECKING:
    from datacoolie_engine_polars import PolarsEngine

Stage = Callable[..., Staged]
Files = Callable[[], dict[str, Path]]

FRAME = pl.LazyFrame({"id": [1, 2, 3, 4], "p": ["a/b", None, "", "c d"], "v": ["x", 'q"q', None, ""]})


@pytest.fixture
def stage(engine: PolarsEngine, tmp_path: Path) -> Stage:
    def run(frame: pl.LazyFrame, format: str, **more: object) -> Staged:  # noqa: A002
        folder = tmp_path / "out"
        if folder.is_dir():
            shutil.rmtree(folder)
        return engine.files.stage(frame, FileWrite(format=format, folder=str(folder), stem="s", **more))  # type: ignore[arg-type]

    return run


@pytest.fixture
def files(tmp_path: Path) -> Callable[[], dict[str, Path]]:
    return lambda: written(tmp_path / "out")


def contents(files: Files) -> dict[str, str]:
    return {name: path.read_bytes().decode() for name, path in files().items()}


def test_a_large_json_document(stage: Stage, files: Files) -> None:
    staged = stage(pl.LazyFrame({"id": range(200_000), "t": ["line\nfeed, and comma"] * 200_000}), "json")
    records = json.loads(contents(files)["s-00000.json"])
    assert len(records) == staged.rows == 200_000
    assert records[-1] == {"id": 199_999, "t": "line\nfeed, and comma"}


def test_compression_that_only_polars_has(stage: Stage, files: Files) -> None:
    assert stage(FRAME, "csv", options={"compression": "zstd"}).extension == "csv.zst"
    assert list(files()) == ["s-00000.csv.zst"]


def test_types_are_stored_as_the_framework_knows_them(stage: Stage, files: Files) -> None:
    frame = pl.LazyFrame({"u": [1], "t": [datetime(2024, 1, 1, tzinfo=UTC)]}).cast(
        {"u": pl.UInt32, "t": pl.Datetime("ns", "Asia/Tokyo")}
    )
    stage(frame, "parquet")
    assert pl.read_parquet_schema(files()["s-00000.parquet"]) == {"u": pl.Int64, "t": pl.Datetime("us", "UTC")}


def test_large_data_is_split_unless_one_file_is_wanted(
    stage: Stage, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datacoolie_engine_polars.staging.FILE_BYTES", 1 << 20)
    frame = pl.LazyFrame({"id": range(1_000_000)})
    assert stage(frame, "parquet").rows == 1_000_000
    assert len(files()) > 3
    assert list(files())[:2] == ["s-00000.parquet", "s-00001.parquet"]
    assert sum(pq.read_metadata(path).num_rows for path in files().values()) == 1_000_000
    stage(frame, "parquet", single_file=True)
    assert len(files()) == 1


def test_data_that_is_known_to_be_small_is_one_file(
    stage: Stage, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datacoolie_engine_polars.staging.FILE_BYTES", 1 << 20)
    monkeypatch.setattr("datacoolie_engine_polars.staging.ONE_FILE_BYTES", 1000)
    frame = pl.LazyFrame({"id": range(1_000_000)})
    stage(frame, "parquet", size=1000)
    ((name, path),) = files().items()
    assert (name, pq.read_metadata(path).num_rows) == ("s-00000.parquet", 1_000_000)
    stage(frame, "parquet", size=1001)
    assert len(files()) > 3


@pytest.mark.parametrize(
    ("format", "options", "message"),
    [
        ("parquet", {"compression": "lzo"}, "compression: 'lzo'; it takes one of"),
        ("parquet", {"polars": {"row_group_sizes": 1}}, r"Did you mean 'polars.row_group_size'\?"),
    ],
)
def test_an_option_that_can_not_be_honoured_is_named(
    stage: Stage,
    tmp_path: Path,
    format: str,  # noqa: A002
    options: Mapping[str, object],
    message: str,
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        stage(FRAME, format, options=options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("format", ["parquet", "csv", "json", "jsonl"])
def test_a_transformation_that_fails_leaves_nothing(
    engine: PolarsEngine,
    stage: Stage,
    tmp_path: Path,
    format: str,  # noqa: A002
) -> None:
    frame = engine.frames.with_columns(FRAME, {"n": parse("cast(v as int)")})
    with pytest.raises(TransformError, match="CAST_INVALID_INPUT"):
        stage(frame, format, partition_by=("p",))
    assert not (tmp_path / "out").exists()
