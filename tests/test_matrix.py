"""Every engine, platform, format and load type that is said to work: loaded twice, read back with other tools."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import fastavro
import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyiceberg.catalog.sql import SqlCatalog

import datacoolie
from datacoolie.orchestration.results import RunResult
from datacoolie.platforms import BasePlatform, Dialect
from datacoolie.platforms.local import LocalPlatform
from datacoolie_platform_aws import AwsPlatform
from datacoolie_platform_databricks import DatabricksPlatform
from tests.azure import azure_project, make_container
from tests.matrix import CASES, Case
from tests.s3 import make_bucket
from tools.services.databricks import TOKEN, running_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.projects import Record
    from tools.services.model import Running

    Make = Callable[[Path], "Place"]

ALL = [(1, "a"), (2, "B"), (2, "b"), (3, "c")]
NEWEST = [(1, "a"), (2, "B"), (3, "c")]
CURRENT = [(1, "a", True), (2, "B", True), (2, "b", False), (3, "c", True)]

EXPECTED: Mapping[str, list[tuple[object, ...]]] = {
    "append": list(ALL),
    "overwrite": list(ALL),
    "full_load": list(ALL),
    "merge_upsert": list(NEWEST),
    "merge_overwrite": list(NEWEST),
    "replace_by_watermark": list(NEWEST),
    "scd2": list(CURRENT),
}


def at(day: int) -> datetime:
    return datetime(2024, 5, day, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """Where a case's files, tables and states are.

    Attributes:
        folder: of the document, and of Iceberg's catalog.
        root: URI of all else.
        platform: reads and writes there.
        setting: the platform as the project names it.
    """

    folder: Path
    root: str
    platform: BasePlatform
    setting: Record

    def write(self, case: Case) -> None:
        """Write the project file and the document."""
        catalog = {"type": "sql", "uri": f"sqlite:///{self.folder}/catalog.db", "warehouse": f"{self.root}/warehouse"}
        target: Record = {"base_path": f"{self.root}/out"}
        if case.format == "iceberg":
            target = {"catalog_options": catalog}
        connections = [
            {"name": "landing", "format": "parquet", "configure": {"base_path": f"{self.root}/landing"}},
            {"name": "out", "format": case.format, "database": "db", "configure": target},
        ]
        (self.folder / "flows.json").write_text(json.dumps({"connections": connections, "dataflows": [flow(case)]}))
        project = {"metadata": ["flows.json"], "platform": self.setting, "state": f"{self.root}/state"}
        (self.folder / "datacoolie.yaml").write_text(json.dumps(project))

    def land(self, name: str, rows: list[tuple[int, str, datetime]]) -> None:
        """Put a Parquet file where the flow reads."""
        data = io.BytesIO()
        pl.DataFrame(rows, schema=["id", "v", "at"], orient="row").write_parquet(data)
        self.platform.write(f"{self.root}/landing/events/{name}", data.getvalue())

    def rows(self, form: str) -> list[Record]:
        """Read what a flow left, with libraries that are no engine."""
        if form == "delta":
            table = DeltaTable(f"{self.root}/out/events", storage_options=self.platform.storage_options(self.root))
            return table.to_pyarrow_table().to_pylist()  # type: ignore[no-any-return] # of pyarrow
        if form == "iceberg":
            options = self.platform.storage_options(self.root, Dialect.ICEBERG)
            with SqlCatalog("default", uri=f"sqlite:///{self.folder}/catalog.db", **options) as catalog:
                rows: list[Record] = catalog.load_table("db.events").scan().to_arrow().to_pylist()
                return rows
        files = self.platform.list(f"{self.root}/out/events")
        data = [self.platform.read(file.path).data for file in files if "/_" not in file.path[len(self.root) :]]
        return [row for one in data for row in content(form, one)]


def content(form: str, data: bytes) -> list[Record]:
    match form:
        case "parquet":
            return pq.read_table(io.BytesIO(data)).to_pylist()  # type: ignore[no-any-return] # of pyarrow
        case "csv":
            return [{**row, "id": int(row["id"])} for row in csv.DictReader(io.StringIO(data.decode()))]
        case "json":
            return json.loads(data)  # type: ignore[no-any-return] # a list of records
        case "jsonl":
            return [json.loads(line) for line in data.splitlines()]
        case _:
            return [row for row in fastavro.reader(io.BytesIO(data)) if isinstance(row, dict)]


def flow(case: Case) -> Record:
    """Return the flow of a case: whole loads read all files, the others what is newer than the last load's mark."""
    source: Record = {"connection_name": "landing", "table": "events"}
    destination: Record = {"connection_name": "out", "table": "events", "load_type": case.load_type}
    if case.load_type not in {"overwrite", "full_load"}:
        source["watermark_columns"] = ["at"]
    match case.load_type:
        case "merge_upsert" | "merge_overwrite":
            destination["merge_keys"] = ["id"]
        case "replace_by_watermark":
            destination.update(load_type="merge_overwrite", configure={"replace_by_watermark": True})
        case "scd2":
            destination.update(merge_keys=["id"], configure={"scd2_effective_column": "at"})
        case _:
            pass
    return {"name": "events", "source": source, "destination": destination}


@pytest.fixture
def place(case: Case, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    if case.engine == "spark":
        request.getfixturevalue("spark_session")  # in which the engine works
    make: Make = request.getfixturevalue(case.platform)
    place = make(tmp_path)
    place.write(case)
    return place


@pytest.fixture
def local() -> Make:
    return lambda folder: Place(folder, str(folder), LocalPlatform(), {"name": "local"})


@pytest.fixture
def aws(case: Case, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Make:
    server: Running = request.getfixturevalue("versitygw" if case.engine == "spark" else "moto_server")
    url = server.address["url"]
    for name, value in {
        "ACCESS_KEY_ID": "test",
        "SECRET_ACCESS_KEY": "testtest",
        "DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    make_bucket(url)
    setting: Record = {"name": "aws", "endpoint": url}
    return lambda folder: Place(folder, f"s3://project/{folder.name}", AwsPlatform(endpoint=url), setting)


@pytest.fixture
def fabric(azurite: Running) -> Make:
    make_container(azurite)

    def make(folder: Path) -> Place:
        project = azure_project(folder, azurite, "lake")
        return Place(folder, project.root, project.platform, project.settings)

    return make


@pytest.fixture
def databricks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    request.getfixturevalue("aws")  # which makes the bucket
    endpoint = request.getfixturevalue("moto_server").address["url"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "DATABRICKS_RUNTIME_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", "/dev/null")
    with running_workspace() as workspace:
        workspace.unity.locations.append("s3://project")
        workspace.unity.keys = ("test", "testtest")
        settings: Record = {"host": workspace.url, "token": TOKEN, "storage_endpoint": endpoint}
        platform = DatabricksPlatform(**settings)
        yield lambda folder: Place(folder, f"s3://project/{folder.name}", platform, {"name": "databricks", **settings})


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_load_and_the_next_one(case: Case, place: Place) -> None:
    first, second = [(1, "a", at(1)), (2, "b", at(2))], [(2, "B", at(3)), (3, "c", at(4))]
    place.land("1.parquet", first)
    run(place, case)
    replay: Record | None = None
    if case.load_type == "replace_by_watermark":
        place.platform.delete(f"{place.root}/landing/events/1.parquet")
        replay = {"start": at(2), "end": at(5)}
    place.land("2.parquet", second)
    run(place, case, replay)
    names = ("id", "v", "__is_current") if case.load_type == "scd2" else ("id", "v")
    found = [tuple(row[name] for name in names) for row in place.rows(case.format)]
    assert sorted(found) == EXPECTED[case.load_type]


def run(place: Place, case: Case, replay: Record | None = None) -> None:
    result = datacoolie.Project.load(place.folder, engine=case.engine).run(replay=replay)
    assert isinstance(result, RunResult)
    assert [record.error for record in result] == [None]
    assert [record.commit is None for record in result] == [False]
