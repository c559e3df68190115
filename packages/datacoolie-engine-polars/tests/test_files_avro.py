"""Avro files: written ones are read back by fastavro, read ones are written by it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

import fastavro
import polars as pl
import pytest

from datacoolie.core.exceptions import ConfigurationError, DestinationError, SourceError
from datacoolie.engines import FileWrite
from datacoolie.testing.base import written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from datacoolie.engines import Staged
    from datacoolie_engine_polars import PolarsEngine

    Scan = Callable[..., pl.LazyFrame]
    Stage = Callable[..., Staged]
    Row = dict[str, object]

NOON = datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC)

ROWS: list[Row] = [
    {
        "flag": True,
        "tiny": -128,
        "small": 32767,
        "i": -(2**31),
        "l": 2**63 - 1,
        "f": 1.5,
        "d": 0.1,
        "t": "naïve\n\U0001f600",
        "b": b"\x00\xff",
        "day": date(1, 1, 1),
        "at": NOON,
        "local": NOON.replace(tzinfo=None),
        "money": Decimal("-12345678901234567890123456789012345.678"),
        "list": [1, None, 3],
        "point": {"x": 1.0, "when": NOON},
        "points": [{"x": 2.0, "deep": [{"y": "z"}]}, None],
    },
    dict.fromkeys(
        [
            "flag",
            "tiny",
            "small",
            "i",
            "l",
            "f",
            "d",
            "t",
            "b",
            "day",
            "at",
            "local",
            "money",
            "list",
            "point",
            "points",
        ]
    ),
]
TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "flag": pl.Boolean,
    "tiny": pl.Int8,
    "small": pl.Int16,
    "i": pl.Int32,
    "l": pl.Int64,
    "f": pl.Float32,
    "d": pl.Float64,
    "t": pl.String,
    "b": pl.Binary,
    "day": pl.Date,
    "at": pl.Datetime("us", "UTC"),
    "local": pl.Datetime("us"),
    "money": pl.Decimal(38, 3),
    "list": pl.List(pl.Int16),
    "point": pl.Struct({"x": pl.Float64, "when": pl.Datetime("us", "UTC")}),
    "points": pl.List(pl.Struct({"x": pl.Float64, "deep": pl.List(pl.Struct({"y": pl.String}))})),
}  # fmt: skip


SCHEMA = pl.Schema(TYPES)


@pytest.fixture
def stage(engine: PolarsEngine, tmp_path: Path) -> Stage:
    def run(frame: pl.LazyFrame, **more: object) -> Staged:
        return engine.files.stage(frame, FileWrite(format="avro", folder=str(tmp_path / "out"), stem="s", **more))  # type: ignore[arg-type]

    return run


def read(path: Path) -> tuple[list[Row], dict[str, str]]:
    """Return the records of a file and what its header says."""
    with path.open("rb") as file:
        reader = fastavro.reader(file)
        return [dict(record) for record in reader], dict(reader.metadata)  # type: ignore[arg-type]


def write(path: Path, fields: dict[str, object], rows: Sequence[Row], **more: object) -> str:
    path.parent.mkdir(exist_ok=True)
    named = [{"name": name, "type": kind} for name, kind in fields.items()]
    with path.open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "r", "namespace": "n", "fields": named}, rows, **more)  # type: ignore[arg-type]
    return path.name


@pytest.mark.parametrize("codec", ["snappy", "deflate", "uncompressed"])
def test_all_types_there_and_back(stage: Stage, scan: Scan, tmp_path: Path, codec: str) -> None:
    staged = stage(pl.LazyFrame(ROWS, SCHEMA), options={"compression": codec})
    assert (staged.rows, staged.extension) == (2, "avro")
    rows, header = read(tmp_path / "out/s-00000.avro")
    assert rows == ROWS
    assert header["avro.codec"] == ("null" if codec == "uncompressed" else codec)
    frame = scan("avro", "out/s-00000.avro").collect()
    # Avro has no shorter whole numbers than int, as in Spark.
    wider = {"tiny": pl.Int32(), "small": pl.Int32(), "list": pl.List(pl.Int32)}
    assert frame.schema == {**SCHEMA, **wider}
    assert frame.to_dicts() == ROWS
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["s-00000.avro"]


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


def test_partitions(stage: Stage, tmp_path: Path) -> None:
    staged = stage(pl.LazyFrame({"p": ["a/b", None, "a/b"], "id": [1, 2, 3]}), partition_by=("p",))
    assert staged.rows == 3
    assert list(written(tmp_path / "out")) == ["p=__HIVE_DEFAULT_PARTITION__/s-00000.avro", "p=a%2Fb/s-00000.avro"]
    assert read(tmp_path / "out/p=a%2Fb/s-00000.avro")[0] == [{"id": 1}, {"id": 3}]


def test_no_rows(stage: Stage, scan: Scan, tmp_path: Path) -> None:
    stage(pl.LazyFrame(ROWS, SCHEMA).head(0))
    assert read(tmp_path / "out/s-00000.avro")[0] == []
    assert scan("avro", "out/s-00000.avro").collect().shape == (0, 16)


def test_what_avro_can_not_hold(stage: Stage, tmp_path: Path) -> None:
    for frame, fault in (
        (pl.LazyFrame({"a b": [1]}), r"Avro has no column 'a b': names are letters, digits and underscores"),
        (pl.LazyFrame({"a": [[{"1": 1}]]}), r"Avro has no column 'a\.1'"),
        (pl.LazyFrame({"a": [{"v": None}]}), r"Avro can't hold the column 'a\.v', which is always null"),
    ):
        with pytest.raises(DestinationError, match=fault):
            stage(frame)
    with pytest.raises(
        ConfigurationError, match=r"can't honour compression: 'zstd'; it takes one of snappy, deflate, un"
    ):
        stage(pl.LazyFrame({"a": [1]}), options={"compression": "zstd"})
    assert not (tmp_path / "out").exists()


def test_types_that_others_write(scan: Scan, tmp_path: Path) -> None:
    point = {"type": "record", "name": "point", "fields": [{"name": "x", "type": {"type": "int"}}]}
    fields = {
        "turned": ["int", "null"],
        "level": ["null", {"type": "enum", "name": "level", "symbols": ["LOW", "HIGH"]}],
        "fixed": {"type": "fixed", "name": "two", "size": 2},
        "millis": {"type": "long", "logicalType": "timestamp-millis"},
        "list": {"type": "array", "items": {"type": "long", "logicalType": "local-timestamp-millis"}},
        "uuid": {"type": "string", "logicalType": "uuid"},
        "clock": {"type": "int", "logicalType": "time-millis"},
        "money": {"type": "fixed", "name": "money", "size": 5, "logicalType": "decimal", "precision": 10, "scale": 2},
        "first": point,
        "second": ["null", "n.point"],
        "third": "point",
    }
    row: Row = {
        "turned": None,
        "level": "HIGH",
        "fixed": b"ab",
        "millis": datetime(2024, 1, 1, tzinfo=UTC),
        "list": [datetime(2024, 1, 1)],  # noqa: DTZ001 - without a zone
        "uuid": "c9b1b7d6-6f4b-4f7e-a6c9-5f0bb3b1ab11",
        "clock": time(0, 0, 1),
        "money": Decimal("-1.23"),
        "first": {"x": 1},
        "second": {"x": 2},
        "third": {"x": 3},
    }
    frame = scan("avro", write(tmp_path / "a.avro", fields, [row])).collect()
    assert frame.to_dicts() == [{**row, "clock": 1000}]
    assert frame.schema["list"] == pl.List(pl.Datetime("us"))


def test_schemas_of_files_are_merged(scan: Scan, tmp_path: Path) -> None:
    write(tmp_path / "a.avro", {"id": "int", "t": "string"}, [{"id": 1, "t": "a"}])
    write(tmp_path / "b.avro", {"ID": ["null", "long"], "new": "double"}, [{"ID": 2**40, "new": 0.5}])
    write(tmp_path / "c.avro", {"id": "string"}, [{"id": "x"}])
    assert scan("avro", "a.avro", "b.avro").collect().to_dicts() == [
        {"id": 1, "t": "a", "new": None},
        {"id": 2**40, "t": None, "new": 0.5},
    ]
    with pytest.raises(SourceError, match=r"c\.avro: column 'id' is string, but int in .*a\.avro; no type holds both"):
        scan("avro", "a.avro", "c.avro")


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
