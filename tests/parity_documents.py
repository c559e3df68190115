"""Documents that have to leave the same rows on every engine: what is read, and the flow that reads it."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

Files: TypeAlias = Mapping[str, str | bytes]
"""Contents by path below the document's folder."""

Fields: TypeAlias = Mapping[str, object]

_MOMENT = datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Document:
    """One flow from files to files.

    Attributes:
        name: of the flow, and of the folders that it reads and writes.
        read: format of the files that are there.
        runs: files that are there before each run, beside those of the runs before.
        write: format of the files that are written.
        read_options: of the source.
        source: fields of `source`.
        destination: fields of `destination`.
        transform: fields of `transform`.
        connection: fields of the source connection's `configure`.
        replay: what is loaded again after the runs.
        fails: what the error says, for documents that can't be loaded.
    """

    name: str
    read: str
    runs: Sequence[Files]
    write: str = "parquet"
    read_options: Fields = field(default_factory=dict)
    source: Fields = field(default_factory=dict)
    destination: Fields = field(default_factory=dict)
    transform: Fields = field(default_factory=dict)
    connection: Fields = field(default_factory=dict)
    replay: Fields | None = None
    fails: str = ""


def _parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def _lines(*records: object) -> str:
    return "".join(f"{json.dumps(record)}\n" for record in records)


def _avro(fields: Sequence[object], *records: Fields) -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, {"type": "record", "name": "r", "fields": list(fields)}, records)
    return out.getvalue()


def _optional(name: str, kind: object) -> dict[str, object]:
    return {"name": name, "type": ["null", kind]}


_ALL_TYPES = pa.table(
    {
        "i8": pa.array([-128, None], pa.int8()),
        "i16": pa.array([-32768, None], pa.int16()),
        "i32": pa.array([2**31 - 1, None], pa.int32()),
        "i64": pa.array([2**63 - 1, None]),
        "u8": pa.array([255, None], pa.uint8()),
        "u16": pa.array([65535, None], pa.uint16()),
        "u32": pa.array([2**32 - 1, None], pa.uint32()),
        "f32": pa.array([0.1, float("nan")], pa.float32()),
        "f64": pa.array([1e300, float("-inf")]),
        "b": pa.array([True, None]),
        "s": pa.array(["é", ""]),
        "x": pa.array([b"\xff\x00", b""]),
        "d": pa.array([date(1, 1, 1), date(9999, 12, 31)]),
        "t": pa.array([_MOMENT, None], pa.timestamp("us", "UTC")),
        "zoned": pa.array([_MOMENT, None], pa.timestamp("ms", "Asia/Tokyo")),
        "wall": pa.array([_MOMENT.replace(tzinfo=None), None], pa.timestamp("us")),
        "p": pa.array([Decimal("-1.50"), None], pa.decimal128(9, 2)),
        "big": pa.array([Decimal("9" * 38), None], pa.decimal128(38, 0)),
        "l": pa.array([[1, None], []], pa.list_(pa.int64())),
        "st": pa.array([{"a": 1, "B": None}, None], pa.struct({"a": pa.int32(), "B": pa.string()})),
        "ls": pa.array([[{"k": "x"}], None], pa.list_(pa.struct({"k": pa.string()}))),
        "dict": pa.array(["x", None]).dictionary_encode(),
    }
)

_ORDERS = "id,customer,amount,day\n1,anna,10.50,2024-01-31\n2,bert,,2024-02-29\n3,Anna ,-3,2024-03-01\n4,,7.25,\n"

READING = [
    Document(
        name="csv_text",
        read="csv",
        runs=[
            {
                "a.csv": 'id,name,note\r\n007,"a, ""b""","two\nlines"\r\n8,,""\r\n9," padded ",x\r\n10\r\n',
                "b.csv": "note,ID\nübung,11\n12,\n",
                "empty.csv": "",
                "c.csv.gz": gzip.compress(b"id,more\n13,z\n"),
            }
        ],
    ),
    Document(
        name="csv_options",
        read="csv",
        runs=[{"a.csv": "#first\n1;'x;y';NA\n2;'it''s';NA\n#last\n3;NA;z\n"}],
        read_options={"header": "false", "sep": ";", "quote": "'", "comment": "#", "nullValue": "NA"},
    ),
    Document(
        name="csv_types",
        read="csv",
        runs=[
            {
                "a.csv": "i,big,f,b,s,n\n1,3000000000,1,true,1,\n-2,4,2.5,FALSE,x,\n,,1e3,,,\n",
                "b.csv": "i,s\n3.5,y\n",
            }
        ],
        read_options={"inferSchema": "true"},
    ),
    Document(name="csv_ragged", read="csv", runs=[{"a.csv": "a,b\n1,2\n3,4,5\n"}], fails="line 3 has 3 fields"),
    Document(name="csv_latin", read="csv", runs=[{"a.csv": "a,b\né,2\n".encode("latin-1")}], fails="(?i)utf-8"),
    Document(
        name="jsonl",
        read="jsonl",
        runs=[
            {
                "a.jsonl": _lines({"id": 1, "n": 1, "s": "x", "st": {"a": 1}, "l": [1, None]}, {"id": 2, "late": True}),
                "b.jsonl": "\n" + _lines({"id": 3, "n": 2.5, "st": {"b": "y"}, "nothing": None, "none": []}) + "\n",
            }
        ],
    ),
    Document(
        name="json",
        read="json",
        runs=[{"a [1].json": '[{"id": 1, "v": {"x": [1.5]}},\n {"id": 2}]', "one.json": '{"id": 3, "w": "z"}'}],
    ),
    Document(name="json_broken", read="json", runs=[{"a.json": '[{"a": 1}, {"a":'}], fails=r"a\.json: "),
    Document(name="jsonl_broken", read="jsonl", runs=[{"a.jsonl": '{"a": 1}\n{"a": 2\n'}], fails="line 2"),
    Document(name="parquet_types", read="parquet", runs=[{"a.parquet": _parquet(_ALL_TYPES)}]),
    Document(
        name="parquet_merged",
        read="parquet",
        runs=[
            {
                "a.parquet": _parquet(pa.table({"id": pa.array([1], pa.int32()), "s": [{"a": 1}], "t": [_MOMENT]})),
                "b, c {d}.parquet": _parquet(pa.table({"ID": [2], "s": [{"b": "x", "A": 2}], "new": [1.5]})),
            }
        ],
    ),
    Document(name="parquet_broken", read="parquet", runs=[{"a.parquet": b"PAR1 no"}], fails=r"a\.parquet: "),
    Document(
        name="avro",
        read="avro",
        runs=[
            {
                "a.avro": _avro(
                    [
                        {"name": "id", "type": "int"},
                        _optional("s", "string"),
                        _optional("t", {"type": "long", "logicalType": "timestamp-millis"}),
                        _optional("l", {"type": "array", "items": "long"}),
                        {"name": "e", "type": {"type": "enum", "name": "e", "symbols": ["x", "y"]}},
                    ],
                    {"id": 1, "s": "é", "t": _MOMENT, "l": [1], "e": "y"},
                ),
                "b.avro": _avro([{"name": "id", "type": "long"}, _optional("f", "float")], {"id": 2**40, "f": 0.5}),
            }
        ],
    ),
    Document(
        name="folders",
        read="csv",
        runs=[{f"{folder}/f {n}#%.csv": f"id,k\n{n},own\n" for n, folder in enumerate(
            ["y=2024/k=a%2Fb", "y=2024/k=__HIVE_DEFAULT_PARTITION__", "y=-1/k=100%", "y=7"])}],
        connection={"use_hive_partitioning": True},
        transform={"additional_columns": [
            {"column": "file", "expression": "__file_name"}, {"column": "path", "expression": "__file_path"}]},
    ),
]  # fmt: skip

TRANSFORMS = [
    Document(
        name="hints",
        read="csv",
        runs=[{"a.csv": _ORDERS}],
        transform={
            "schema_hints": [
                {"column_name": "id", "data_type": "bigint"},
                {"column_name": "amount", "data_type": "decimal", "precision": 10, "scale": 1, "default_value": 0},
                {"column_name": "day", "data_type": "date"},
            ]
        },
    ),
    Document(
        name="hints_fail",
        read="csv",
        runs=[{"a.csv": _ORDERS}],
        transform={"schema_hints": [{"column_name": "customer", "data_type": "int"}]},
        fails="CAST_INVALID_INPUT",
    ),
    Document(
        name="rules",
        read="csv",
        runs=[{"a.csv": _ORDERS}],
        transform={
            "value_rules": [
                {"operation": "trim", "columns": "customer"},
                {"operation": "case", "mode": "lower", "columns": "customer"},
                {"operation": "fill_null", "value": "?", "columns": "customer"},
                {"operation": "regex_replace", "pattern": "-0?", "replacement": "/", "columns": "day"},
            ],
        },
    ),
    Document(
        name="newest",
        read="csv",
        runs=[{"a.csv": "k,at,v\n1,2,a\n1,10,b\n,1,c\n,,d\n2,5,e\n2,5,e\n"}],
        transform={
            "schema_hints": [{"column_name": "at", "data_type": "int"}],
            "deduplicate_columns": ["k"],
            "latest_data_columns": ["at"],
        },
    ),
    Document(
        name="columns",
        read="csv",
        runs=[{"a.csv": _ORDERS}],
        source={"filter_expression": "cast(id as int) < 4"},
        transform={
            "additional_columns": [
                {"column": "month", "expression": "date_format(cast(day as date), 'yyyy-MM')"},
                {"column": "half", "expression": "cast(amount as decimal(10,2)) / 2"},
                {"column": "text", "expression": "concat_ws('|', customer, amount, cast(1.0e10 as double))"},
                {"column": "rest", "expression": "-7 % 3"},
            ],
            "filter_expression": "amount is not null or id = 2",
            "rename_columns": {"customer": "Client Name"},
            "drop_columns": ["day"],
            "configure": {"column_name_case": "snake"},
        },
    ),
    Document(
        name="all_transformers",
        read="csv",
        runs=[{"a.csv": "K,Kind,At,Wall\n 1 ,a,5,2024-05-01T10:00:00\n1,b,5,\n2,,x,\n2,z,7,\n,a,,\n"}],
        destination={"partition_columns": ["kind", {"column": "Part", "expression": "coalesce(at, -1) % 2"}]},
        transform={
            "value_rules": [
                {"operation": "trim", "columns": "K"},
                {"operation": "empty_to_null", "columns": ["K", "Wall"]},
                {"operation": "map", "columns": "kind", "mapping": {"a": "A", "z": None}},
            ],
            "schema_hints": [
                {"column_name": "at", "data_type": "int", "on_cast_error": "null"},
                {"column_name": "wall", "data_type": "timestamp_ntz", "format": "yyyy-MM-dd'T'HH:mm:ss"},
            ],
            "deduplicate_columns": ["k"],
            "latest_data_columns": ["at"],
            "additional_columns": [{"column": "Twice", "expression": "at * 2"}],
            "select_columns": ["K", "Kind", "At", "Wall", "Twice", "Part"],
            "rename_columns": {"Twice": "doubled"},
            "configure": {
                "deduplicate_by_rank": True,
                "convert_timestamp_ntz": True,
                "missing_column_policy": "ignore",
                "column_name_case": "lower",
            },
        },
    ),
    Document(
        name="system",
        read="csv",
        runs=[{"a.csv": _ORDERS}],
        transform={"system_columns": True},
    ),
]  # fmt: skip

_ROWS = "id,at,v\n1,2024-01-01 00:00:00,a\n2,2024-01-02 10:00:00,b\n3,,c\n"
_MORE = "id,at,v\n2,2024-01-02 10:00:00,late\n4,2024-01-03 00:00:00,d\n5,,e\n1,2023-12-31 00:00:00,old\n"
_AT = {"schema_hints": [{"column_name": "at", "data_type": "timestamp"}, {"column_name": "id", "data_type": "int"}]}


def _timed(rows: str) -> bytes:
    lines = [line.split(",") for line in rows.splitlines()[1:]]
    moments = [datetime.fromisoformat(at).replace(tzinfo=UTC) if at else None for _, at, _ in lines]
    return _parquet(
        pa.table({"id": [int(id_) for id_, _, _ in lines], "at": pa.array(moments, pa.timestamp("us", "UTC")),
                  "v": [v for *_, v in lines]})
    )  # fmt: skip


WINDOWS = [
    Document(
        name=f"window_{name}",
        read="parquet",
        runs=[{"a.parquet": _timed(_ROWS)}, {"b.parquet": _timed(_MORE)}, {}],
        source={"watermark_columns": columns, "configure": configure},
    )
    for name, columns, configure in [
        ("plain", ["at"], {}),
        ("two", ["at", "id"], {}),
        ("load", ["at"], {"watermark": {"null_watermark": "load"}}),
        ("lag", ["at"], {"watermark": {"lag": "1h"}}),
        ("back", ["at"], {"backward": {"days": 1}}),
        ("at_mark", ["at"], {"watermark": {"boundary": "inclusive"}}),
        ("files", ["__file_modification_time"], {}),
        ("files_and", ["__file_modification_time", "id"], {}),
    ]
]

WINDOWS += [
    Document(
        name="date_folders",
        read="parquet",
        runs=[
            {"2023/12/31/a.parquet": _timed(_ROWS), "2024/01/02/a.parquet": _timed(_MORE)},
            # The folder ends before the mark: nobody opens it any more.
            {
                "2023/12/31/a.parquet": b"no Parquet",
                "2024/01/03/b.parquet": _timed("id,at,v\n6,2024-01-03 01:00:00,f"),
            },
            {},
        ],
        source={"watermark_columns": ["at"]},
        connection={"date_folder_partitions": "{year}/{month}/{day}"},
    ),
    Document(
        name="replayed",
        read="parquet",
        runs=[{"a.parquet": _timed(_ROWS)}, {"b.parquet": _timed(_MORE)}],
        source={"watermark_columns": ["at"]},
        replay={"start": "2024-01-01", "end": "2024-01-04", "chunk_interval": "1 day"},
    ),
]

_VALUES = ("i64", "f64", "b", "s", "d", "t", "wall", "p")

WRITING = [
    Document(
        name=f"write_{form}",
        read="parquet",
        runs=[{"a.parquet": _parquet(_ALL_TYPES.select([*_VALUES, *more]).slice(0, 1))}],
        write=form,
        destination={"load_type": load_type, "partition_columns": keys},
    )
    for form, load_type, keys, more in [
        ("csv", "append", [], []),
        ("jsonl", "overwrite", ["s"], ["l", "st"]),
        ("json", "append", [], ["l", "st"]),
        ("avro", "append", ["d"], ["i32", "x", "l", "st"]),
        ("parquet", "overwrite", ["d", "b"], ["x", "l"]),
    ]
]

DOCUMENTS = [*READING, *TRANSFORMS, *WINDOWS, *WRITING]
