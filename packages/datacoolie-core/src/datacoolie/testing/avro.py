"""What every engine reads and writes as Avro; the other side is fastavro."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING

import fastavro
import pyarrow as pa
import pytest

from datacoolie.core.exceptions import DestinationError, SourceError
from datacoolie.testing.base import Engine, Frame, Read, Rows, needs
from datacoolie.testing.reading import ReadingSuite
from datacoolie.testing.writing import WritingSuite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from datacoolie.testing.reading import Scan, Types
    from datacoolie.testing.writing import Stage

    Record = dict[str, object]

_NOON = datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC)

_COLUMNS: dict[str, tuple[pa.DataType, str, object]] = {
    "flag": (pa.bool_(), "boolean", True),
    "tiny": (pa.int8(), "int", -128),
    "small": (pa.int16(), "int", 32767),
    "i": (pa.int32(), "int", -(2**31)),
    "l": (pa.int64(), "bigint", 2**63 - 1),
    "f": (pa.float32(), "float", 1.5),
    "d": (pa.float64(), "double", 0.1),
    "t": (pa.string(), "string", "naïve\n\U0001f600"),
    "b": (pa.binary(), "binary", b"\x00\xff"),
    "day": (pa.date32(), "date", date(1900, 1, 1)),
    "at": (pa.timestamp("us", "UTC"), "timestamp", _NOON),
    "local": (pa.timestamp("us"), "timestamp_ntz", _NOON.replace(tzinfo=None)),
    "money": (pa.decimal128(38, 3), "decimal(38,3)", Decimal("-12345678901234567890123456789012345.678")),
    "list": (pa.list_(pa.int16()), "array<int>", [1, None, 3]),
    "point": (
        pa.struct([("x", pa.float64()), ("when", pa.timestamp("us", "UTC"))]),
        "struct<x:double,when:timestamp>",
        {"x": 1.0, "when": _NOON},
    ),
    "points": (
        pa.list_(pa.struct([("x", pa.float64()), ("deep", pa.list_(pa.struct([("y", pa.string())])))])),
        "array<struct<x:double,deep:array<struct<y:string>>>>",
        [{"x": 2.0, "deep": [{"y": "z"}]}, None],
    ),
}
"""Arrow's type, the type that is read back (Avro has no shorter whole numbers than int), and a value."""

_RECORDS: list[Record] = [{name: value for name, (_, _, value) in _COLUMNS.items()}, dict.fromkeys(_COLUMNS)]


class AvroSuite(ReadingSuite, WritingSuite):
    """Tests Avro files. A subclass has a fixture `engine`."""

    @pytest.mark.parametrize("codec", ["snappy", "deflate", "uncompressed"])
    @needs("reads", "avro")
    @needs("writes", "avro")
    def test_all_types_of_avro_there_and_back(
        self, tmp_path: Path, frame: Frame, stage: Stage, scan: Scan, *, types: Types, read: Read, codec: str
    ) -> None:
        table = pa.table({
            name: pa.array([record[name] for record in _RECORDS], kind) for name, (kind, _, _) in _COLUMNS.items()
        })  # fmt: skip
        staged, files = stage(frame(table), "avro", options={"compression": codec}, single_file=True)
        assert (staged.rows, staged.extension) == (2, "avro")
        ((name, path),) = files.items()
        records, header = _read(path)
        assert records == _RECORDS
        assert header["avro.codec"] == ("null" if codec == "uncompressed" else codec)
        found = scan("avro", str(path.relative_to(tmp_path)), file_columns=frozenset({"__file_name"}))
        assert types(found) == {**{name: kind for name, (_, kind, _) in _COLUMNS.items()}, "__file_name": "string"}
        assert read(found).to_pylist() == [{**record, "__file_name": name} for record in _RECORDS]

    @needs("writes", "avro")
    def test_partitions_of_avro_and_no_rows(self, engine: Engine, frame: Frame, stage: Stage) -> None:
        source = frame(p=["a/b", None, "a/b"], id=[1, 2, 3])
        staged, files = stage(source, "avro", partition_by=("p",))
        assert staged.rows == 3
        found = [(name.rpartition("/")[0], row["id"]) for name, path in files.items() for row in _read(path)[0]]
        assert sorted(found, key=itemgetter(1)) == [("p=a%2Fb", 1), ("p=__HIVE_DEFAULT_PARTITION__", 2), ("p=a%2Fb", 3)]
        _, files = stage(engine.frames.distinct(frame(id=pa.array([], pa.int64()))), "avro", single_file=True)
        assert [_read(path)[0] for path in files.values()] == [[]]

    @needs("writes", "avro")
    def test_what_avro_can_not_hold(self, frame: Frame, stage: Stage) -> None:
        for columns, fault in (
            ({"a b": [1]}, r"Avro has no column 'a b': names are letters, digits and underscores"),
            ({"a": [[{"1": 1}]]}, r"Avro has no column 'a\.1'"),
            ({"a": [{"v": None}]}, r"Avro can't hold the column 'a\.v', which is always null"),
        ):
            with pytest.raises(DestinationError, match=fault):
                stage(frame(pa.table(columns)), "avro")

    @needs("reads", "avro")
    def test_types_that_other_writers_of_avro_have(self, tmp_path: Path, scan: Scan, types: Types, rows: Rows) -> None:
        point = {"type": "record", "name": "point", "fields": [{"name": "x", "type": {"type": "int"}}]}
        fields = {
            "turned": ["int", "null"],
            "level": ["null", {"type": "enum", "name": "level", "symbols": ["LOW", "HIGH"]}],
            "fixed": {"type": "fixed", "name": "two", "size": 2},
            "millis": {"type": "long", "logicalType": "timestamp-millis"},
            "uuid": {"type": "string", "logicalType": "uuid"},
            "money": {"type": "fixed", "name": "m", "size": 5, "logicalType": "decimal", "precision": 10, "scale": 2},
            "first": point,
            "second": ["null", "n.point"],
        }
        moment, text = datetime(2024, 1, 1, tzinfo=UTC), "c9b1b7d6-6f4b-4f7e-a6c9-5f0bb3b1ab11"
        values = (None, "HIGH", b"ab", moment, text, Decimal("-1.23"), {"x": 1}, {"x": 2})
        _write(tmp_path / "a.avro", fields, [dict(zip(fields, values, strict=True))])
        frame = scan("avro", "a.avro")
        assert list(types(frame).values()) == [
            "int", "string", "binary", "timestamp", "string", "decimal(10,2)", "struct<x:int>", "struct<x:int>"
        ]  # fmt: skip
        assert rows(frame) == [values]

    @needs("reads", "avro")
    def test_schemas_of_avro_files_are_merged(self, tmp_path: Path, scan: Scan, rows: Rows) -> None:
        _write(tmp_path / "a.avro", {"id": "int", "t": "string"}, [{"id": 1, "t": "a"}])
        _write(tmp_path / "b.avro", {"ID": ["null", "long"], "new": "double"}, [{"ID": 2**40, "new": 0.5}])
        _write(tmp_path / "c.avro", {"id": "string"}, [{"id": "x"}])
        assert rows(scan("avro", "a.avro", "b.avro")) == [(1, "a", None), (2**40, None, 0.5)]
        with pytest.raises(SourceError, match=r"c\.avro: column 'id' is string, but int in .*a\.avro; no type holds"):
            scan("avro", "a.avro", "c.avro")

    @needs("reads", "avro")
    def test_broken_avro_files_are_named(self, tmp_path: Path, scan: Scan, rows: Rows) -> None:
        _write(tmp_path / "a.avro", {"a": "string"}, [{"a": str(number)} for number in range(1000)])
        whole = (tmp_path / "a.avro").read_bytes()
        for content in (b"", b"PAR1" + whole, whole[:30], whole[:-100], whole[:-1] + b"\x00"):
            (tmp_path / "a.avro").write_bytes(content)
            with pytest.raises(SourceError, match=r"a\.avro: this is not a readable Avro file: "):
                rows(scan("avro", "a.avro"))


def _read(path: Path) -> tuple[list[Record], dict[str, str]]:
    """Return the records of a file and what its header says."""
    with path.open("rb") as file:
        reader = fastavro.reader(file)
        return [dict(record) for record in reader], dict(reader.metadata)  # type: ignore[arg-type] # records are mappings


def _write(path: Path, fields: dict[str, object], records: Sequence[Record]) -> None:
    named = [{"name": name, "type": kind} for name, kind in fields.items()]
    with path.open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "r", "namespace": "n", "fields": named}, records)
