"""What every engine reads from flat files: one schema from all of them, options under Spark's names, typed errors."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacoolie.core.exceptions import ConfigurationError, EngineError, SourceError
from datacoolie.engines import FileScan
from datacoolie.platforms import FileInfo
from datacoolie.sql import agg, col, parse
from datacoolie.testing.base import Engine, EngineTests, Read, Rows, needs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Scan: TypeAlias = Callable[..., object]
    Types: TypeAlias = Callable[[object], dict[str, str]]

FORMATS = ("parquet", "csv", "json", "jsonl")

_WHEN = datetime(1970, 1, 1, 0, 0, 1, 500000, tzinfo=UTC)


def write_records(path: Path, format: str, *records: dict[str, object]) -> None:  # noqa: A002 - as in FileScan
    """Write records that all have the same fields as a file, without the engine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match format:
        case "parquet":
            pq.write_table(pa.Table.from_pylist(list(records)), path)
        case "csv":
            lines = [records[0], *(record.values() for record in records)]
            path.write_text("".join(f"{','.join(map(str, line))}\n" for line in lines))
        case "json":
            path.write_text(json.dumps(records))
        case _:
            path.write_text("".join(f"{json.dumps(record)}\n" for record in records))


def _info(path: Path) -> FileInfo:
    stat = path.stat()
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    return FileInfo(path=str(path), size=stat.st_size, modified=modified, etag=str(stat.st_mtime_ns))


class ReadingSuite(EngineTests):
    """Tests `FileOps.scan`. A subclass has a fixture `engine`."""

    @pytest.fixture
    def scan(self, engine: Engine, tmp_path: Path) -> Scan:
        """Scan files below `tmp_path`, given by their relative paths."""

        def make(format: str, *names: str, root: str = "", **more: object) -> object:  # noqa: A002 - as in FileScan
            files = tuple(_info(tmp_path / name) for name in names)
            request = FileScan(format=format, root=str(tmp_path / root), files=files, **more)  # type: ignore[arg-type] # as tests need it
            return engine.files.scan(request)

        return make

    @pytest.fixture
    def types(self, engine: Engine) -> Types:
        """Return names and types of a frame's columns."""
        return lambda frame: {name: str(kind) for name, kind in engine.frames.schema(frame).items()}

    @needs("reads", "parquet")
    def test_parquet_files_have_one_schema_by_name(self, tmp_path: Path, scan: Scan, types: Types, rows: Rows) -> None:
        first = {
            "id": pa.array([1], pa.int32()),
            "n": pa.array([1]),
            "d": pa.array([Decimal("1.25")], pa.decimal128(5, 2)),
            "s": pa.array([{"a": 1}]),
            "t": pa.array([_WHEN]),
        }
        second = {
            "N": pa.array([2.5]),
            "more": pa.array(["x"]),
            "ID": pa.array([2]),
            "D": pa.array([1000], pa.int16()),
            "S": pa.array([{"b": "x", "A": 2}]),
            "t": pa.array([_WHEN]),
        }
        pq.write_table(pa.table(first), tmp_path / "a.parquet")
        pq.write_table(pa.table(second), tmp_path / "b.parquet")
        frame = scan("parquet", "a.parquet", "b.parquet")
        assert types(frame) == {
            "id": "bigint", "n": "double", "d": "decimal(7,2)", "s": "struct<a:bigint,b:string>", "t": "timestamp",
            "more": "string",
        }  # fmt: skip
        assert rows(frame) == [
            (1, 1.0, Decimal("1.25"), {"a": 1, "b": None}, _WHEN, None),
            (2, 2.5, Decimal("1000.00"), {"a": 2, "b": "x"}, _WHEN, "x"),
        ]

    @needs("reads", "parquet")
    def test_types_without_a_common_one_name_both_files(self, tmp_path: Path, scan: Scan) -> None:
        write_records(tmp_path / "a.parquet", "parquet", {"id": 1})
        write_records(tmp_path / "b.parquet", "parquet", {"id": "1"})
        with pytest.raises(SourceError, match=r"b\.parquet: column 'id' is string, but bigint in .*a\.parquet"):
            scan("parquet", "a.parquet", "b.parquet")

    @needs("reads", "csv")
    def test_csv_is_text_matched_by_header(self, tmp_path: Path, scan: Scan, types: Types, rows: Rows) -> None:
        (tmp_path / "a.csv").write_text('id,name\n007,"a, ""b"""\n8,\n9," c "\n')
        (tmp_path / "b.csv").write_text("name,id,more\ny,2,z\n")
        (tmp_path / "empty.csv").write_text("")
        (tmp_path / "header.csv").write_text("id\n")
        frame = scan("csv", "a.csv", "b.csv", "empty.csv", "header.csv")
        assert types(frame) == {"id": "string", "name": "string", "more": "string"}
        assert rows(frame) == [("007", 'a, "b"', None), ("2", "y", "z"), ("8", None, None), ("9", " c ", None)]
        assert types(scan("csv", "empty.csv")) == {}

    @needs("reads", "csv")
    @pytest.mark.parametrize(
        ("text", "options", "expected"),
        [
            ("1;x\n", {"header": "false", "sep": ";"}, {"_c0": ["1"], "_c1": ["x"]}),
            ("a\tb\n1\tx\n", {"delimiter": "\\t"}, {"a": ["1"], "b": ["x"]}),
            ("a,b\n1,2.5\n3,x\n", {"inferSchema": "true"}, {"a": [1, 3], "b": ["2.5", "x"]}),
            ("a,b\n1,2.5\n", {"INFERSCHEMA": True, "samplingRatio": 1.0}, {"a": [1], "b": [2.5]}),
            ("a,b\nNA,'x,y'\n", {"nullValue": "NA", "quote": "'"}, {"a": [None], "b": ["x,y"]}),
            ("#c\na,b\n#d\n1,2\n", {"comment": "#"}, {"a": ["1"], "b": ["2"]}),
            ('a,b\n"1\n2",x\n', {"multiLine": "true"}, {"a": ["1\n2"], "b": ["x"]}),
            ("a,b\n1,2\n", {"encoding": "UTF-8", "mode": "FAILFAST", "other": {"any": 1}}, {"a": ["1"], "b": ["2"]}),
            ("\ufeffa,b\r\n1,2\r\n", {}, {"a": ["1"], "b": ["2"]}),
            ("a,b\n1\n", {}, {"a": ["1"], "b": [None]}),
            ("\n\na,b\n1,2\n\n3,\n,\n\n", {}, {"a": ["1", "3"], "b": ["2", None]}),
            ("a\n1\n\n2\n", {"inferSchema": "true"}, {"a": [1, 2]}),
            (
                "A,id,,id,a,\n1,2,3,4,5,6\n",
                {},
                {"A0": ["1"], "id1": ["2"], "_c2": ["3"], "id3": ["4"], "a4": ["5"], "_c5": ["6"]},
            ),
        ],
    )
    def test_options_of_csv(
        self,
        engine: Engine,
        tmp_path: Path,
        scan: Scan,
        read: Read,
        *,
        text: str,
        options: dict[str, object],
        expected: dict[str, list[object]],
    ) -> None:
        (tmp_path / "a.csv").write_bytes(text.encode())
        other = "spark" if engine.name != "spark" else "polars"
        given = {other if name == "other" else name: value for name, value in options.items()}
        assert read(scan("csv", "a.csv", options=given)).to_pydict() == expected

    @pytest.mark.parametrize(
        ("format", "options", "message"),
        [
            ("csv", {"headr": "true"}, r"read_options of csv.*'headr'.*Did you mean 'header'\?"),
            ("csv", {"header": "yes"}, r"header: 'yes'; it takes true or false"),
            ("parquet", {"header": True}, "read_options of parquet"),
            ("jsonl", {"multiLine": "true"}, "multiLine"),
            ("json", {"multiLine": "false"}, "multiLine"),
        ],
    )
    @needs("reads", "{format}")
    def test_options_that_can_not_be_honoured_are_named(
        self,
        tmp_path: Path,
        scan: Scan,
        *,
        format: str,  # noqa: A002
        options: dict[str, object],
        message: str,
    ) -> None:
        write_records(tmp_path / "a", format, {"a": 1})
        with pytest.raises(ConfigurationError, match=message):
            scan(format, "a", options=options)

    @needs("reads", "jsonl")
    def test_json_lines_know_fields_that_appear_late(
        self, tmp_path: Path, scan: Scan, types: Types, rows: Rows
    ) -> None:
        lines = [json.dumps({"id": n}) for n in range(5000)] + [json.dumps({"id": 0.5, "late": {"x": [1]}, "no": None})]
        (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n\n")
        frame = scan("jsonl", "a.jsonl")
        assert types(frame) == {"id": "double", "late": "struct<x:array<bigint>>", "no": "string"}
        found = rows(frame)
        assert len(found) == 5001
        assert (0.5, {"x": [1]}, None) in found

    @needs("reads", "json")
    def test_json_documents_are_arrays_or_one_record(
        self, engine: Engine, tmp_path: Path, scan: Scan, rows: Rows
    ) -> None:
        (tmp_path / "many.json").write_text('[{"id": 1, "n": null},\n {"id": 2, "v": "x"}]')
        (tmp_path / "one.json").write_text('{"id":\n 3.5}')
        (tmp_path / "none.json").write_text("[]")
        frame = scan("json", "many.json", "one.json", "none.json")
        assert rows(frame) == [(1.0, None, None), (2.0, None, "x"), (3.5, None, None)]
        assert rows(engine.frames.select(engine.frames.filter(frame, parse("id = 2")), {"v": col("v")})) == [("x",)]

    @pytest.mark.parametrize("format", ["csv", "jsonl"])
    @needs("reads", "{format}")
    def test_gzipped_text(self, tmp_path: Path, scan: Scan, rows: Rows, format: str) -> None:  # noqa: A002
        write_records(tmp_path / "a", format, {"id": "x"})
        (tmp_path / f"a.{format}.gz").write_bytes(gzip.compress((tmp_path / "a").read_bytes()))
        assert rows(scan(format, f"a.{format}.gz")) == [("x",)]

    @pytest.mark.parametrize("format", FORMATS)
    @needs("reads", "{format}")
    def test_partition_folders_become_typed_columns(
        self,
        engine: Engine,
        tmp_path: Path,
        scan: Scan,
        types: Types,
        rows: Rows,
        *,
        format: str,  # noqa: A002
    ) -> None:
        places = ["outer=1/y=2024/d=2024-01-02/k=a%2Fb", "outer=1/y=2025/d=2024-01-03/k=__HIVE_DEFAULT_PARTITION__"]
        names = [f"{place}/f" for place in places]
        for number, name in enumerate(names, 1):
            write_records(tmp_path / name, format, {"id": number, "y": 0})
        frame = scan(format, *names, root="outer=1", hive_partitioning=True)
        chosen = engine.frames.select(frame, {name: col(name) for name in ("y", "d", "k")})
        assert types(chosen) == {"y": "int", "d": "date", "k": "string"}
        assert rows(chosen) == [(2024, date(2024, 1, 2), "a/b"), (2025, date(2024, 1, 3), None)]
        assert len(rows(engine.frames.filter(frame, parse("y = 2025")))) == 1

    @needs("reads", "parquet")
    def test_types_of_partition_values(self, tmp_path: Path, scan: Scan, types: Types) -> None:
        cases: list[tuple[list[str], str]] = [
            (["1", "-2", "__HIVE_DEFAULT_PARTITION__"], "int"), (["1", "5000000000"], "bigint"),
            (["01", "2"], "string"), (["2024-01-02"], "date"), (["2024-01-02", "x"], "string"),
            (["__HIVE_DEFAULT_PARTITION__"], "string"), (["1.5"], "string"),
        ]  # fmt: skip
        for number, (texts, kind) in enumerate(cases):
            names = [f"{number}/p={text}/f.parquet" for text in texts]
            for name in names:
                write_records(tmp_path / name, "parquet", {"id": 1})
            frame = scan("parquet", *names, root=str(number), hive_partitioning=True)
            assert types(frame) == {"id": "bigint", "p": kind}, texts

    @pytest.mark.parametrize("format", FORMATS)
    @needs("reads", "{format}")
    def test_columns_about_files(
        self,
        engine: Engine,
        tmp_path: Path,
        scan: Scan,
        rows: Rows,
        *,
        format: str,  # noqa: A002
    ) -> None:
        for name in ("a [1]%20é.x", "b.x"):
            write_records(tmp_path / name, format, {"id": 1})
            os.utime(tmp_path / name, (1.5, 1.5))
        columns = ("__file_name", "__file_path", "__file_modification_time")
        frame = scan(format, "a [1]%20é.x", "b.x", file_columns=frozenset(columns))
        chosen = engine.frames.select(frame, {name: col(name) for name in columns})
        assert rows(chosen) == [(name, str(tmp_path / name), _WHEN) for name in ("a [1]%20é.x", "b.x")]
        only = scan(format, "b.x", file_columns=frozenset({"__file_name"}))
        assert list(engine.frames.schema(only)) == ["id", "__file_name"]

    @pytest.mark.parametrize("format", FORMATS)
    @needs("reads", "{format}")
    def test_exactly_the_files_that_are_named_are_read(
        self,
        tmp_path: Path,
        scan: Scan,
        rows: Rows,
        *,
        format: str,  # noqa: A002
    ) -> None:
        for number, name in enumerate(("a/[x]*.1", "a/xx.1", "_h/f", "b,c{d}")):
            write_records(tmp_path / name, format, {"id": f"row {number}"})
        found = rows(scan(format, "a/[x]*.1", "_h/f", "b,c{d}"))
        assert found == [("row 0",), ("row 2",), ("row 3",)]

    @pytest.mark.parametrize("format", FORMATS)
    @needs("reads", "{format}")
    def test_files_whose_names_look_hidden_are_read(
        self,
        tmp_path: Path,
        scan: Scan,
        rows: Rows,
        *,
        format: str,  # noqa: A002
    ) -> None:
        for number, name in enumerate(("_f", ".f")):
            write_records(tmp_path / name, format, {"id": f"row {number}"})
        assert rows(scan(format, "_f", ".f")) == [("row 0",), ("row 1",)]

    def test_a_format_that_is_not_known(self, tmp_path: Path, scan: Scan) -> None:
        (tmp_path / "a.csv").write_text("a\n")
        with pytest.raises(EngineError, match=r"can't read 'cvs' files.*Did you mean 'csv'\?"):
            scan("cvs", "a.csv")

    @pytest.mark.parametrize("content", [b"", b"hello", b"PAR1" + b"x" * 100, b"half"])
    @needs("reads", "parquet")
    def test_what_is_no_parquet_file_is_named(self, tmp_path: Path, scan: Scan, rows: Rows, content: bytes) -> None:
        write_records(tmp_path / "good.parquet", "parquet", {"id": 1})
        whole = (tmp_path / "good.parquet").read_bytes()
        (tmp_path / "bad.parquet").write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
        with pytest.raises(SourceError, match=r"bad\.parquet: this is not a readable Parquet file"):
            rows(scan("parquet", "good.parquet", "bad.parquet"))

    @needs("reads", "csv")
    def test_what_is_no_csv_is_named_with_its_line(
        self, engine: Engine, tmp_path: Path, scan: Scan, rows: Rows
    ) -> None:
        (tmp_path / "good.csv").write_text("a,b\n1,2\n")
        (tmp_path / "bad.csv").write_text('a,b\n"x\ny",2\n3,4\n5,6,7\n')
        with pytest.raises(SourceError, match=r"bad\.csv: line 5 has 3 fields, but the header has 2"):
            rows(scan("csv", "good.csv", "bad.csv"))
        (tmp_path / "one.csv").write_text("a\n1\n1,2\n")
        with pytest.raises(SourceError, match=r"one\.csv: line 3 has 2 fields"):
            engine.frames.aggregate(scan("csv", "one.csv"), {"top": agg("max", col("a"))})
        (tmp_path / "latin.csv").write_bytes("a,b\né,2\n".encode("latin-1"))
        with pytest.raises(SourceError, match=r"latin\.csv: .*(?i:utf-8)"):
            rows(scan("csv", "latin.csv"))
        whole = gzip.compress(("a,b\n" + "1,2\n" * 100_000).encode())
        (tmp_path / "half.csv.gz").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(SourceError, match=r"half\.csv\.gz: "):
            rows(scan("csv", "half.csv.gz"))

    @needs("reads", "jsonl")
    def test_what_is_no_json_is_named(self, tmp_path: Path, scan: Scan, rows: Rows) -> None:
        (tmp_path / "bad.jsonl").write_text('{"a": 1}\n{"a": 2\n{"a": 3}\n')
        with pytest.raises(SourceError, match=r"bad\.jsonl: line 2"):
            rows(scan("jsonl", "bad.jsonl"))
        (tmp_path / "bad.json").write_text('[{"a": 1}, {"a":')
        with pytest.raises(SourceError, match=r"bad\.json: "):
            rows(scan("json", "bad.json"))

    @pytest.mark.parametrize("format", FORMATS)
    @needs("reads", "{format}")
    def test_a_file_that_goes_away_is_named(
        self,
        tmp_path: Path,
        scan: Scan,
        rows: Rows,
        *,
        format: str,  # noqa: A002
    ) -> None:
        write_records(tmp_path / "a.x", format, {"id": 1})
        frame = scan(format, "a.x")
        (tmp_path / "a.x").unlink()
        with pytest.raises(SourceError, match=r"a\.x: there is no such file"):
            rows(frame)
