"""Scanning flat files: one schema from all of them, options under Spark's names, columns about files."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.core.exceptions import ConfigurationError, EngineError, SourceError

if TYPE_CHECKING:
    from pathlib import Path

Scan = Callable[..., pl.LazyFrame]


def rows(frame: pl.LazyFrame) -> list[tuple[object, ...]]:
    return frame.collect(engine="streaming").rows()


def test_parquet_files_have_one_schema_by_name(tmp_path: Path, scan: Scan) -> None:
    pl.DataFrame({"id": [1], "n": [1]}, schema={"id": pl.Int32, "n": pl.Int64}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"N": [2.5], "more": ["x"], "ID": [2]}).write_parquet(tmp_path / "b.parquet")
    frame = scan("parquet", "a.parquet", "b.parquet")
    assert dict(frame.collect_schema()) == {"id": pl.Int64, "n": pl.Float64, "more": pl.String}
    assert rows(frame) == [(1, 1.0, None), (2, 2.5, "x")]


def test_types_without_a_common_one_name_both_files(tmp_path: Path, scan: Scan) -> None:
    pl.DataFrame({"id": [1]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"id": ["1"]}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(SourceError, match=r"b\.parquet: column 'id' is string, but bigint in .*a\.parquet"):
        scan("parquet", "a.parquet", "b.parquet")


def test_a_decimal_widens_to_what_holds_both(tmp_path: Path, scan: Scan) -> None:
    pl.DataFrame({"n": ["1.25"]}).cast(pl.Decimal(5, 2)).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"n": [1000]}, schema={"n": pl.Int16}).write_parquet(tmp_path / "b.parquet")
    assert scan("parquet", "a.parquet", "b.parquet").collect_schema() == {"n": pl.Decimal(7, 2)}


def test_structs_widen_by_field(tmp_path: Path, scan: Scan) -> None:
    pl.DataFrame({"s": [{"a": 1}]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"s": [{"a": 2, "b": "x"}]}).write_parquet(tmp_path / "b.parquet")
    assert rows(scan("parquet", "a.parquet", "b.parquet")) == [({"a": 1, "b": None},), ({"a": 2, "b": "x"},)]


def test_csv_is_text_with_a_header(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "a.csv").write_text('id,name\n007,"a, ""b"""\n8,\n')
    assert rows(scan("csv", "a.csv")) == [("007", 'a, "b"'), ("8", None)]


def test_csv_files_are_matched_by_header(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "a.csv").write_text("id,name\n1,x\n")
    (tmp_path / "b.csv").write_text("name,id,more\ny,2,z\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("id\n")
    frame = scan("csv", "a.csv", "b.csv", "empty.csv", "header.csv")
    assert frame.collect_schema().names() == ["id", "name", "more"]
    assert sorted(rows(frame)) == [("1", "x", None), ("2", "y", "z")]


def test_only_empty_files_have_no_columns(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "empty.csv").write_text("")
    assert scan("csv", "empty.csv").collect().shape == (0, 0)


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
        ("skip\na,b\n1,2\n", {"polars": {"skip_rows": 1}}, {"a": ["1"], "b": ["2"]}),
        ("a,b\n1,2\n", {"encoding": "UTF-8", "mode": "FAILFAST", "spark": {"any": 1}}, {"a": ["1"], "b": ["2"]}),
        ("\ufeffa,b\r\n1,2\r\n", {}, {"a": ["1"], "b": ["2"]}),
        ("a,b\n1\n", {}, {"a": ["1"], "b": [None]}),
    ],
)
def test_csv_options(
    tmp_path: Path, scan: Scan, text: str, options: dict[str, object], expected: dict[str, list[object]]
) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode())
    assert scan("csv", "a.csv", options=options).collect().to_dict(as_series=False) == expected


@pytest.mark.parametrize(
    ("format", "options", "message"),
    [
        ("csv", {"headr": "true"}, r"read_options of csv.*'headr'.*Did you mean 'header'\?"),
        ("csv", {"header": "yes"}, r"header: 'yes'; it takes true or false"),
        ("csv", {"sep": "||"}, r"sep: '\|\|'; it takes a single ASCII character"),
        ("csv", {"encoding": "latin1"}, "encoding: 'latin1'"),
        ("csv", {"escape": "\\"}, "escape:"),
        ("csv", {"mode": "DROPMALFORMED"}, "mode: 'DROPMALFORMED'"),
        ("csv", {"polars": {"skip_row": 1}}, r"'polars.skip_row'.*Did you mean 'polars.skip_rows'\?"),
        ("csv", {"polars": {"separator": ";"}}, "'polars.separator'"),
        ("parquet", {"header": True}, "read_options of parquet"),
        ("json", {"multiLine": "false"}, "multiLine"),
        ("jsonl", {"multiLine": "true"}, "multiLine"),
    ],
)
def test_an_option_that_can_not_be_honoured_is_named(
    tmp_path: Path,
    scan: Scan,
    format: str,  # noqa: A002
    options: dict[str, object],
    message: str,
) -> None:
    (tmp_path / "a").write_text("a\n1\n")
    with pytest.raises(ConfigurationError, match=message):
        scan(format, "a", options=options)


def test_json_lines_know_fields_that_appear_late(tmp_path: Path, scan: Scan) -> None:
    lines = [json.dumps({"id": n}) for n in range(5000)] + [json.dumps({"id": 1.5, "late": {"x": [1]}, "no": None})]
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n\n")
    frame = scan("jsonl", "a.jsonl")
    assert dict(frame.collect_schema()) == {
        "id": pl.Float64, "late": pl.Struct({"x": pl.List(pl.Int64)}), "no": pl.String
    }  # fmt: skip
    assert rows(frame)[-1] == (1.5, {"x": [1]}, None)


def test_json_documents_are_arrays_or_one_record(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "many.json").write_text('[{"id": 1, "n": null},\n {"id": 2, "v": "x"}]')
    (tmp_path / "one.json").write_text('{"id": 3.5}')
    (tmp_path / "none.json").write_text("[]")
    frame = scan("json", "many.json", "one.json", "none.json")
    assert sorted(rows(frame), key=repr) == [(1.0, None, None), (2.0, None, "x"), (3.5, None, None)]
    assert rows(frame.filter(pl.col("id") > 1).select("v").head(1)) == [("x",)]


def test_gzipped_text(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id\n1\n"))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"id": 1}\n'))
    assert rows(scan("csv", "a.csv.gz")) == [("1",)]
    assert rows(scan("jsonl", "a.jsonl.gz")) == [(1,)]


@pytest.mark.parametrize("format", ["parquet", "csv", "json", "jsonl"])
def test_partition_folders_become_typed_columns(tmp_path: Path, scan: Scan, format: str) -> None:  # noqa: A002
    places = ["outer=1/y=2024/d=2024-01-02/k=a%2Fb", "outer=1/y=2025/d=2024-01-03/k=__HIVE_DEFAULT_PARTITION__"]
    names = [f"{place}/f" for place in places]
    for number, name in enumerate(names, 1):
        (tmp_path / name).parent.mkdir(parents=True)
        content = pl.DataFrame({"id": [number], "y": [0]})
        match format:
            case "parquet":
                content.write_parquet(tmp_path / name)
            case "csv":
                content.write_csv(tmp_path / name)
            case "json":
                content.write_json(tmp_path / name)
            case _:
                content.write_ndjson(tmp_path / name)
    frame = scan(format, *names, root="outer=1", hive_partitioning=True).select("id", "y", "d", "k")
    assert dict(frame.collect_schema().items() - {("id", frame.collect_schema()["id"])}) == {
        "y": pl.Int32, "d": pl.Date, "k": pl.String
    }  # fmt: skip
    assert [row[1:] for row in rows(frame)] == [
        (2024, date(2024, 1, 2), "a/b"),
        (2025, date(2024, 1, 3), None),
    ]
    assert [row[1] for row in rows(frame.filter(pl.col("y") == 2025))] == [2025]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "-2", None], pl.Int32), (["1", "5000000000"], pl.Int64), (["01", "2"], pl.String),
        (["2024-01-02"], pl.Date), (["2024-01-02", "x"], pl.String), ([None], pl.String), (["1.5"], pl.String),
    ],
)  # fmt: skip
def test_types_of_partition_values(tmp_path: Path, scan: Scan, texts: list[str | None], kind: pl.DataType) -> None:
    names = [f"p={text or '__HIVE_DEFAULT_PARTITION__'}/f.parquet" for text in texts]
    for name in names:
        (tmp_path / name).parent.mkdir()
        pl.DataFrame({"id": [1]}).write_parquet(tmp_path / name)
    assert scan("parquet", *names, hive_partitioning=True).collect_schema()["p"] == kind


@pytest.mark.parametrize("format", ["parquet", "csv", "json", "jsonl"])
def test_columns_about_files(tmp_path: Path, scan: Scan, format: str) -> None:  # noqa: A002
    for name in ("a.x", "b.x"):
        text = '[{"id":1}]' if format == "json" else '{"id":1}\n' if format == "jsonl" else "id\n1\n"
        if format == "parquet":
            pl.DataFrame({"id": [1]}).write_parquet(tmp_path / name)
        else:
            (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (1.5, 1.5))
    columns = frozenset({"__file_name", "__file_path", "__file_modification_time"})
    frame = scan(format, "a.x", "b.x", file_columns=columns)
    at = datetime(1970, 1, 1, 0, 0, 1, 500000, tzinfo=UTC)
    chosen = frame.select("__file_name", "__file_path", "__file_modification_time")
    assert rows(chosen) == [("a.x", str(tmp_path / "a.x"), at), ("b.x", str(tmp_path / "b.x"), at)]
    only = scan(format, "a.x", file_columns=frozenset({"__file_name"}))
    assert only.collect_schema().names() == ["id", "__file_name"]


def test_file_names_with_special_characters(tmp_path: Path, scan: Scan) -> None:
    name = "a [1]*%20é.parquet"
    pl.DataFrame({"id": [1]}).write_parquet(tmp_path / name)
    assert rows(scan("parquet", name, file_columns=frozenset({"__file_name"}))) == [(1, name)]


def test_a_format_that_is_not_known(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "a.csv").write_text("a\n")
    with pytest.raises(EngineError, match=r"can't read 'cvs' files.*Did you mean 'csv'\?"):
        scan("cvs", "a.csv")
