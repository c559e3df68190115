"""What is particular to Avro files of Polars; what every engine does is in the suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fastavro
import polars as pl
import pytest

from datacoolie.core.exceptions import ConfigurationError, SourceError
from datacoolie.engines import FileWrite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from datacoolie.engines import Staged
    from datacoolie_engine_polars import PolarsEngine

    Scan = Callable[..., pl.LazyFrame]
    Stage = Callable[..., Staged]
    Row = dict[str, object]


@pytest.fixture
def stage(engine: PolarsEngine, tmp_path: Path) -> Stage:
    def run(frame: pl.LazyFrame, **more: object) -> Staged:
        return engine.files.stage(frame, FileWrite(format="avro", folder=str(tmp_path / "out"), stem="s", **more))  # type: ignore[arg-type]

    return run


def write(path: Path, fields: dict[str, object], rows: Sequence[Row], **more: object) -> str:
    path.parent.mkdir(exist_ok=True)
    named = [{"name": name, "type": kind} for name, kind in fields.items()]
    with path.open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "r", "namespace": "n", "fields": named}, rows, **more)  # type: ignore[arg-type]
    return path.name


def test_many_blocks_are_read_some_at_a_time(stage: Stage, scan: Scan, tmp_path: Path) -> None:
    frame = pl.LazyFrame({"id": range(300_000), "t": ["some text to fill a block"] * 300_000})
    staged = stage(frame, options={"compression": "uncompressed"})
    with (tmp_path / "out/s-00000.avro").open("rb") as file:
        assert sum(1 for _ in fastavro.block_reader(file)) > 5
    assert staged.rows == 300_000
    back = scan("avro", "out/s-00000.avro", file_columns=frozenset({"__file_name"}))
    assert back.select(pl.len(), pl.col("id").sum(), pl.col("__file_name").unique()).collect().row(0) == (
        300_000,
        44_999_850_000,
        "s-00000.avro",
    )
    assert back.filter(pl.col("id") == 299_999).select("t").collect().to_dicts() == [{"t": "some text to fill a block"}]


def test_a_codec_that_can_not_be_written(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"can't honour compression: 'zstd'; it takes one of snappy, deflate, un"
    ):
        stage(pl.LazyFrame({"a": [1]}), options={"compression": "zstd"})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ({"type": "map", "values": "int"}, "column 'a' is a map, which the engine 'polars' can't read from Avro"),
        (["null", "int", "string"], "column 'a' is of several types"),
        ("null", "column 'a' is always null"),
        (
            {"type": "array", "items": {"type": "enum", "name": "e", "symbols": ["X"]}},
            "column 'a.element' is an enumeration inside of another type",
        ),
        (
            ["null", {"type": "record", "name": "k", "fields": [{"name": "k", "type": ["null", "k"]}]}],
            "column 'a' is nested in itself",
        ),
    ],
)
def test_types_that_are_refused_by_name(scan: Scan, tmp_path: Path, kind: object, fault: str) -> None:
    with pytest.raises(SourceError, match=f"a.avro: this is not a readable Avro file: {fault}"):
        scan("avro", write(tmp_path / "a.avro", {"a": kind}, []))


def test_a_codec_that_is_not_known(scan: Scan, tmp_path: Path) -> None:
    name = write(tmp_path / "a.avro", {"a": "int"}, [{"a": 1}], codec="bzip2")
    with pytest.raises(SourceError, match="compressed by 'bzip2'; the engine 'polars' reads null, deflate, snappy"):
        scan("avro", name)


def test_broken_files(engine: PolarsEngine, scan: Scan, tmp_path: Path) -> None:
    name = write(tmp_path / "a.avro", {"a": "string"}, [{"a": str(number)} for number in range(1000)])
    whole = (tmp_path / name).read_bytes()
    for content, fault in (
        (b"", "the file does not begin as Avro files do"),
        (b"PAR1" + whole, "the file does not begin as Avro files do"),
        (whole[:30], "the file ends in the middle of a block"),
        (b"Obj\x01" + b"\xff" * 20, "a number is longer than numbers can be"),
        (whole.replace(b'"fields"', b'"fieldz"'), "the file's schema is no schema: 'fields'"),
        (whole.replace(b'"record"', b'"record-'), "the file's schema is not JSON"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceError, match=f"a.avro: this is not a readable Avro file: {fault}"):
            scan("avro", name)
    for content, fault in (
        (whole[:-100], "the file ends in the middle of a block"),
        (whole[:-1] + b"\x00", "a block does not end where it says"),
        (whole.replace(b"\x06900", b"\x07900"), "a block can't be decoded: "),
    ):
        (tmp_path / name).write_bytes(content)
        frame = scan("avro", name)
        with pytest.raises(SourceError, match=f"a.avro: this is not a readable Avro file: {fault}"):
            engine.files.stage(frame, FileWrite(format="avro", folder=str(tmp_path / "out"), stem="s"))
    assert not (tmp_path / "out").exists()
