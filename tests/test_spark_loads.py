"""Loads into tables by Spark and Polars in turn: the same document leaves the same table as Polars alone."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import datacoolie
from datacoolie.observability.records import FlowStatus
from datacoolie.orchestration.results import RunResult
from datacoolie.testing.base import rows_of
from datacoolie.testing.places import DeltaPlace, IcebergPlace
from datacoolie_engine_spark.columns import is_remote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from datacoolie.observability.records import FlowRecord
    from datacoolie_engine_spark import SparkEngine

Row: TypeAlias = dict[str, object]

_BEGIN = 1_700_000_000
"""When the files of the first run were modified."""

REPLAYED = ("append-delta", "merge_overwrite-delta", "merge_upsert-iceberg", "replace_by_watermark-iceberg")
"""What is loaded again in the end, in two chunks, by the engine that began."""

_OF_RUNS = {"__created_at", "__updated_at", "__dataflow_run_id"}


def _at(day: int) -> datetime:
    return datetime(2024, 5, day, tzinfo=UTC)


def _events(more: pa.DataType | None, *rows: tuple[object, ...]) -> pa.Table:
    """Return events: key, kind, day, value, and in later batches a number."""
    ids, kinds, days, values, *numbers = zip(*rows, strict=True)
    columns = {
        "id": pa.array(ids, pa.int64()),
        "kind": pa.array(kinds, pa.string()),
        "at": pa.array(map(_at, days), pa.timestamp("us", "UTC")),
        "v": pa.array(values, pa.string()),
        "price": pa.array([value and Decimal(ord(value)) / 4 for value in values], pa.decimal128(9, 2)),
        "tags": pa.array([value and [{"of": value, "n": 1}] for value in values]),
    }
    return pa.table(columns if more is None else {**columns, "more": pa.array(numbers[0], more)})


BATCHES = [
    _events(None, (1, "x", 3, "a"), (2, "x", 3, "b"), (3, None, 4, "c"), (None, "a/b %", 4, "n")),
    # A key that moves to another partition, one that is there twice, one that comes late, one without value.
    _events(
        pa.int32(), (2, "y", 5, "B", 1), (4, None, 5, "d", None), (4, "x", 6, "D", 2), (3, None, 2, "l", 3),
        (None, "a/b %", 6, None, 4),
    ),
    _events(pa.int64(), (1, "x", 7, "a", 2**40), (4, "x", 8, "E", 5), (9, "new", 8, "i", None)),
]  # fmt: skip

LOADS: Mapping[str, Row] = {
    "append": {"partition_columns": ["kind"]},
    "overwrite": {},
    "full_load": {"partition_columns": ["kind"]},
    "merge_upsert": {"merge_keys": ["id"], "partition_columns": ["kind"]},
    "merge_overwrite": {"merge_keys": ["ID", "kind"]},
    "replace_by_watermark": {"load_type": "merge_overwrite", "configure": {"replace_by_watermark": True}},
    "scd2": {
        "merge_keys": ["id"],
        "configure": {
            "scd2_effective_column": "at",
            "scd2_delete_expression": "v is null",
            "scd2_ignore_columns": ["more"],
        },
    },
}
"""Destinations by what is tested."""

FLOWS = [f"{load}-{format_}" for format_ in ("delta", "iceberg") for load in LOADS]


@dataclass(frozen=True)
class Left:
    """What the loads of one flow left behind: rows without what differs from run to run."""

    records: list[FlowRecord]
    rows: list[tuple[object, ...]]
    columns: object
    partitions: object


@dataclass(frozen=True)
class Lake:
    """Files, and tables of both formats that are loaded from them."""

    folder: Path

    def write(self, flows: Iterable[str]) -> None:
        """Write the document."""
        for name in ("delta", "iceberg", "landing/events"):
            (self.folder / name).mkdir(parents=True)
        options = IcebergPlace(self.folder / "iceberg").options
        connections: list[Row] = [
            {"name": "landing", "format": "parquet", "configure": {"base_path": "landing"}},
            {"name": "delta", "format": "delta", "configure": {"base_path": "delta"}},
            {"name": "iceberg", "format": "iceberg", "database": "db", "configure": {"catalog_options": options}},
        ]
        document = {"connections": connections, "dataflows": list(map(_flow, flows))}
        (self.folder / "project.yaml").write_text(json.dumps(document))

    def land(self, number: int) -> None:
        """Add a file."""
        path = self.folder / "landing/events" / f"{number}.parquet"
        pq.write_table(BATCHES[number], path)
        os.utime(path, (_BEGIN + number, _BEGIN + number))

    def run(self, engine: str, flows: Sequence[str], replay: Row | None = None) -> dict[str, FlowRecord]:
        """Load what is new, or a range again, by an engine."""
        project = datacoolie.Project.load(self.folder / "project.yaml", engine=engine)
        result = project.run(flows, workers=2, replay=replay)
        assert isinstance(result, RunResult)
        return {record.flow: record for record in result}

    def left(self, flow: str, records: list[FlowRecord]) -> Left:
        """Return what the format's own library finds."""
        load, _, format_ = flow.partition("-")
        if format_ == "delta":
            place = DeltaPlace(self.folder / "delta")
            found, table = place.read(load), place.open(load)
            columns: object = [(field.name, str(field.type), field.nullable) for field in table.schema().fields]
            return Left(records, _rows(found), columns, table.metadata().partition_columns)
        ice = IcebergPlace(self.folder / "iceberg")
        with ice.open(load) as opened:
            fields = [(field.name, str(field.field_type), field.required) for field in opened.schema().fields]
            names = {field.field_id: field.name for field in opened.schema().fields}
            spec = [(names[field.source_id], str(field.transform)) for field in opened.spec().fields]
        return Left(records, _rows(ice.read(load)), fields, spec)


def _flow(name: str) -> Row:
    load, _, format_ = name.partition("-")
    watermark = "__file_modification_time" if load == "scd2" else "at"
    newest = {"deduplicate_columns": ["id"], "latest_data_columns": ["at"]} if load == "merge_upsert" else {}
    return {
        "name": name,
        "source": {"connection_name": "landing", "table": "events", "watermark_columns": [watermark]},
        "destination": {"connection_name": format_, "table": load, "load_type": load, **LOADS[load]},
        "transform": newest,
    }


def _rows(found: pa.Table) -> list[tuple[object, ...]]:
    """Return rows in one order; of the times of loads only whether a row was changed since it was made."""
    changed = pa.array([made != then for made, then in zip(found["__created_at"], found["__updated_at"], strict=True)])
    return rows_of(found.drop_columns([*_OF_RUNS & {*found.column_names}]).append_column("changed", changed))


def _load(folder: Path, engines: Sequence[str], flows: Sequence[str]) -> dict[str, Left]:
    """Load a batch by each engine, and by the last one nothing; from the second on some states are lost."""
    lake = Lake(folder)
    lake.write(flows)
    records: dict[str, list[FlowRecord]] = {name: [] for name in flows}
    for number, engine in enumerate(engines):
        if number < len(BATCHES):
            lake.land(number)
        if number > 1:
            shutil.rmtree(folder / ".datacoolie/flows")
        for name, record in lake.run(engine, flows).items():
            assert record.error is None, (name, number, record.error)
            records[name].append(record)
    if again := [name for name in flows if name in REPLAYED]:
        replay: Row = {"start": _at(3), "end": _at(8), "chunk_interval": "3 days"}
        for name, record in lake.run(engines[0], again, replay).items():
            assert record.error is None, (name, record.error)
            records[name].append(record)
    return {name: lake.left(name, records[name]) for name in flows}


@pytest.fixture(scope="module")
def left(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, spark_engine: SparkEngine
) -> Sequence[Mapping[str, Left]]:
    """Run all flows that are tested, by Polars alone and by turns."""
    items = [item for item in request.session.items if item.path == request.path and isinstance(item, pytest.Function)]
    flows = [cast("str", item.callspec.params["flow"]) for item in items]
    assert spark_engine.session.version  # the session that the engine of the projects finds
    folder = tmp_path_factory.mktemp("loads")
    alone = _load(folder / "alone", ["polars"] * 4, flows)
    turns = _load(folder / "turns", ["spark", "polars", "spark", "polars"], flows)
    if not is_remote(spark_engine.session):
        assert spark_engine.session._jsparkSession.sharedState().cacheManager().isEmpty()
    return alone, turns


@pytest.mark.parametrize("flow", FLOWS)
def test_engines_take_turns(flow: str, left: Sequence[Mapping[str, Left]]) -> None:
    alone, turns = (one[flow] for one in left)
    assert len(turns.rows) > 2
    assert turns.rows == alone.rows
    assert turns.columns == alone.columns
    assert turns.partitions == alone.partitions
    assert [record.status for record in turns.records[:4]] == [*[FlowStatus.SUCCEEDED] * 3, FlowStatus.SKIPPED]
    assert turns.records[3].reason == "adopted commit 3 of the destination"
    assert list(map(_said, turns.records)) == list(map(_said, alone.records))


def _said(record: FlowRecord) -> object:
    commit = record.commit
    if commit is None:
        return record.reason
    changes = commit.inserted, commit.updated, commit.deleted, commit.schema_changes
    return record.reason, record.window, commit.epoch, commit.seq, commit.rows, changes
