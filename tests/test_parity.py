"""The same documents on each engine leave the same rows, with the same types, in the same partitions."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

import fastavro
import pyarrow.parquet as pq
import pytest

import datacoolie
from datacoolie.orchestration.results import RunResult
from tests.parity_documents import DOCUMENTS, Document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from datacoolie.observability.records import FlowRecord
    from datacoolie_engine_spark import SparkEngine

Row: TypeAlias = dict[str, object]

_STAMPS = ("__created_at", "__updated_at", "__dataflow_run_id")
_BEGIN = 1_700_000_000
"""When the files of the first run were modified."""


@dataclass(frozen=True)
class Left:
    """What an engine left behind."""

    records: list[FlowRecord]
    rows: list[tuple[str, str]]
    schema: object


def _project(folder: Path, documents: Sequence[Document]) -> None:
    connections: list[Row] = [{"name": f"out_{form}", "format": form, "configure": {"base_path": "out"}}
                   for form in ("parquet", "csv", "json", "jsonl", "avro")]  # fmt: skip
    flows = []
    for one in documents:
        options = {"base_path": "landing", "read_options": dict(one.read_options), **one.connection}
        connections.append({"name": f"in_{one.name}", "format": one.read, "configure": options})
        flows.append(
            {
                "name": one.name,
                "source": {"connection_name": f"in_{one.name}", "table": one.name, **one.source},
                "destination": {"connection_name": f"out_{one.write}", "table": one.name, **one.destination},
                "transform": {"system_columns": False, **one.transform},
            }
        )
    (folder / "project.yaml").write_text(json.dumps({"connections": connections, "dataflows": flows}))


def _land(folder: Path, documents: Sequence[Document], run: int) -> None:
    for one in documents:
        for name, content in (one.runs[run] if run < len(one.runs) else {}).items():
            path = folder / "landing" / one.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            os.utime(path, (_BEGIN + run, _BEGIN + run))


def _run(folder: Path, engine: str, documents: Sequence[Document]) -> dict[str, Left]:
    folder.mkdir()
    _project(folder, documents)
    records: dict[str, list[FlowRecord]] = {one.name: [] for one in documents}
    for run in range(max(len(one.runs) for one in documents)):
        _land(folder, documents, run)
        names = [one.name for one in documents if run < len(one.runs)]
        result = datacoolie.Project.load(folder / "project.yaml", engine=engine).run(names, workers=2)
        assert isinstance(result, RunResult)
        for record in result:
            records[record.flow].append(record)
    for one in documents:
        if one.replay:
            result = datacoolie.Project.load(folder / "project.yaml", engine=engine).run([one.name], replay=one.replay)
            assert isinstance(result, RunResult)
            records[one.name] += result
    return {one.name: _left(one, folder, records[one.name]) for one in documents}


def _left(one: Document, folder: Path, records: list[FlowRecord]) -> Left:
    out = folder / "out" / one.name
    rows: list[tuple[str, str]] = []
    schema: object = None
    for path in sorted(out.rglob("*")):
        relative = path.relative_to(out)
        if path.is_file() and not relative.parts[0].startswith("_"):
            found, schema = _content(path, one.write)
            partition = str(relative.parent)
            rows += [(partition, _text(row, folder)) for row in found]
    return Left(records=records, rows=sorted(rows), schema=schema)


def _content(path: Path, form: str) -> tuple[list[Row], object]:
    match form:
        case "parquet":
            table = pq.ParquetFile(path).read()
            # Whether a column may be null is left out: Spark says so of columns of files that have no null.
            return table.to_pylist(), sorted((one.name, re.sub("large_", "", str(one.type))) for one in table.schema)
        case "csv":
            reader = csv.DictReader(io.StringIO(path.read_text()))
            return [{name: _number(value) for name, value in row.items()} for row in reader], reader.fieldnames
        case "jsonl":
            return [json.loads(line) for line in path.read_text().splitlines()], None
        case "json":
            return json.loads(path.read_text()), None
        case _:
            with path.open("rb") as file:
                return [row for row in fastavro.reader(file) if isinstance(row, dict)], None


def _number(text: str) -> object:
    """Numbers of text formats may be written in several ways."""
    return float(text) if re.fullmatch(r"-?[0-9.]+(?:[eE]\+?[0-9]+)?", text) else text


def _text(row: Row, folder: Path) -> str:
    kept = {name: value for name, value in sorted(row.items()) if name not in _STAMPS}
    return repr(kept).replace(str(folder), "FOLDER")


@pytest.fixture(scope="module")
def left(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, spark_engine: SparkEngine
) -> Mapping[str, Mapping[str, Left]]:
    """Run all documents that are tested at once on each engine: what each of them left."""
    items = [item for item in request.session.items if item.path == request.path and isinstance(item, pytest.Function)]
    documents = [cast("Document", item.callspec.params["document"]) for item in items]
    assert spark_engine.session.version  # the session that the engine of the projects finds
    folder = tmp_path_factory.mktemp("parity")
    return {engine: _run(folder / engine, engine, documents) for engine in ("polars", "spark")}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_engines_leave_the_same(document: Document, left: Mapping[str, Mapping[str, Left]]) -> None:
    polars, spark = left["polars"][document.name], left["spark"][document.name]
    if document.fails:
        for one in (polars, spark):
            (record,) = one.records
            assert record.error is not None
            assert re.search(document.fails, record.error.message), record.error.message
            assert one.rows == []
        assert _errors(polars) == _errors(spark)
        return
    assert _errors(polars) == _errors(spark) == [None] * len(polars.records)
    assert polars.rows
    assert spark.rows == polars.rows
    assert spark.schema == polars.schema
    assert _said(spark) == _said(polars)


def _errors(one: Left) -> list[str | None]:
    return [None if record.error is None else record.error.type for record in one.records]


def _said(one: Left) -> list[object]:
    return [(record.status, record.commit and record.commit.rows, record.window) for record in one.records]
