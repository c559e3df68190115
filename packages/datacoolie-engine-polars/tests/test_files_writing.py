"""Staging flat files: what is in them, how they are called, and what was observed on the way."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow.parquet as pq
import pytest

from datacoolie.core.exceptions import ConfigurationError, DestinationError, EngineError, TransformError
from datacoolie.engines import FileWrite, Observation, Staged
from datacoolie.sql import agg, col, count, parse
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


def test_csv(stage: Stage, files: Files) -> None:
    staged = stage(FRAME.select("id", "v"), "csv")
    assert contents(files) == {"s-00000.csv": 'id,v\n1,x\n2,"q""q"\n3,\n4,""\n'}
    assert (staged.rows, staged.extension) == (4, "csv")


def test_csv_options(stage: Stage, files: Files) -> None:
    options = {"header": "false", "sep": ";", "nullValue": "NA", "quoteAll": "true", "lineSep": "\r\n"}
    stage(FRAME.select("id", "v").head(3), "csv", options=options)
    assert contents(files) == {"s-00000.csv": '"1";"x"\r\n"2";"q""q"\r\n"3";"NA"\r\n'}


def test_json_lines_and_documents(stage: Stage, files: Files) -> None:
    records = FRAME.select("id", "v").collect().to_dicts()
    stage(FRAME.select("id", "v"), "jsonl")
    assert [json.loads(line) for line in contents(files)["s-00000.jsonl"].splitlines()] == records
    stage(FRAME.select("id", "v"), "json")
    assert json.loads(contents(files)["s-00000.json"]) == records


def test_a_large_json_document(stage: Stage, files: Files) -> None:
    staged = stage(pl.LazyFrame({"id": range(200_000), "t": ["line\nfeed, and comma"] * 200_000}), "json")
    records = json.loads(contents(files)["s-00000.json"])
    assert len(records) == staged.rows == 200_000
    assert records[-1] == {"id": 199_999, "t": "line\nfeed, and comma"}


def test_a_json_document_without_records(stage: Stage, files: Files) -> None:
    stage(FRAME.head(0), "json")
    assert json.loads(contents(files)["s-00000.json"]) == []


@pytest.mark.parametrize("format", ["parquet", "csv", "json", "jsonl"])
def test_partition_folders(stage: Stage, files: Files, format: str) -> None:  # noqa: A002
    staged = stage(FRAME, format, partition_by=("p",))
    assert staged.rows == 4
    assert set(files()) == {
        f"p=a%2Fb/s-00000.{format}",
        f"p=__HIVE_DEFAULT_PARTITION__/s-00000.{format}",
        f"p=c d/s-00000.{format}",
    }
    if format in {"csv", "jsonl"}:
        assert len(contents(files)[f"p=__HIVE_DEFAULT_PARTITION__/s-00000.{format}"].splitlines()) == 2 + (
            format == "csv"
        )


@pytest.mark.parametrize(
    ("format", "codec", "extension"),
    [
        ("csv", "gzip", "csv.gz"),
        ("jsonl", "gzip", "jsonl.gz"),
        ("csv", "zstd", "csv.zst"),
        ("parquet", "none", "parquet"),
    ],
)
def test_compression(stage: Stage, files: Files, format: str, codec: str, extension: str) -> None:  # noqa: A002
    assert stage(FRAME, format, options={"compression": codec}).extension == extension
    ((name, path),) = files().items()
    assert name == f"s-00000.{extension}"
    content = path.read_bytes()
    if codec == "gzip":
        assert gzip.decompress(content).count(b"\n") >= 4
    if format == "parquet":
        assert pq.read_metadata(path).row_group(0).column(0).compression == "UNCOMPRESSED"


def test_types_are_stored_as_the_framework_knows_them(stage: Stage, files: Files) -> None:
    frame = pl.LazyFrame({"u": [1], "t": [datetime(2024, 1, 1, tzinfo=UTC)]}).cast(
        {"u": pl.UInt32, "t": pl.Datetime("ns", "Asia/Tokyo")}
    )
    stage(frame, "parquet")
    assert pl.read_parquet_schema(files()["s-00000.parquet"]) == {"u": pl.Int64, "t": pl.Datetime("us", "UTC")}


def test_observations_come_from_the_pass(stage: Stage) -> None:
    kept = FRAME.filter(pl.col("id") > 1)
    observe = {
        "all": Observation(frame=FRAME, aggregate=count()),
        "kept": Observation(frame=kept, aggregate=count()),
        "top": Observation(frame=kept, aggregate=agg("max", col("ID"))),
        "empty": Observation(frame=kept, aggregate=agg("count_if", parse("v = ''"))),
        "at": Observation(
            frame=kept.with_columns(at=pl.lit(datetime(2024, 1, 1, tzinfo=UTC))), aggregate=agg("max", col("at"))
        ),
    }
    for format in ("parquet", "csv"):  # noqa: A001
        staged = stage(kept.select("id"), format, observe=observe)
        assert staged.observed == {"all": 4, "kept": 3, "top": 4, "empty": 1, "at": datetime(2024, 1, 1, tzinfo=UTC)}
        assert staged.observed["at"].tzinfo is UTC  # type: ignore[attr-defined]
        assert staged.rows == 3


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
        ("csv", {"seperator": ";"}, r"write_options of csv.*'seperator'"),
        ("parquet", {"compression": "lzo"}, "compression: 'lzo'; it takes one of"),
        ("parquet", {"polars": {"row_group_sizes": 1}}, r"Did you mean 'polars.row_group_size'\?"),
        ("json", {"compression": "gzip"}, "write_options of json"),
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


def test_a_format_that_can_not_be_written(stage: Stage) -> None:
    with pytest.raises(EngineError, match=r"can't write 'paquet' files.*Did you mean 'parquet'\?"):
        stage(FRAME, "paquet")


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


def test_a_folder_that_is_a_file(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(DestinationError, match="out: "):
        stage(FRAME, "parquet")
    assert (tmp_path / "out").is_file()
