"""Loads into tables of Unity Catalog, from a laptop: by name, with credentials that Databricks gives away."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

import datacoolie
from datacoolie.core.exceptions import ConfigurationError
from datacoolie.observability.records import FlowStatus
from datacoolie.orchestration.results import RunResult
from tools.services.databricks import TOKEN, VOLUME, Workspace, running_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from datacoolie.observability.records import FlowRecord
    from tests.projects import Record
    from tools.services.model import Running

BUCKET = "unity"


@dataclass
class Laptop:
    """A project on this machine, a workspace, and the storage behind it.

    Attributes:
        folder: of the project.
        workspace: Databricks.
        endpoint: where the storage answers.
        root: URI of an external location.
    """

    folder: Path
    workspace: Workspace
    endpoint: str
    root: str = field(default_factory=lambda: f"s3://{BUCKET}/{uuid.uuid4().hex}")

    @property
    def options(self) -> dict[str, str]:
        """What deltalake needs to look at tables."""
        return {
            "aws_access_key_id": "test",
            "aws_secret_access_key": "testtest",
            "aws_region": "us-east-1",
            "aws_endpoint_url": self.endpoint,
            "aws_allow_http": "true",
            "aws_conditional_put": "etag",
        }

    def arrive(self, rows: pl.DataFrame) -> None:
        """Have a file with orders."""
        (self.folder / "landing" / "orders").mkdir(parents=True)
        rows.write_parquet(self.folder / "landing" / "orders" / "1.parquet")

    def create(self, name: str, rows: pl.DataFrame, kind: str = "EXTERNAL") -> None:
        """Create a Delta table, and register it."""
        write_deltalake(f"{self.root}/tables/{name}", rows, storage_options=self.options)
        self.workspace.unity.add_table(name, f"{self.root}/tables/{name}", kind=kind)

    def rows(self, name: str) -> list[tuple[object, ...]]:
        """Read a table by deltalake."""
        table = DeltaTable(f"{self.root}/tables/{name}", storage_options=self.options)
        return sorted(pl.DataFrame(table.to_pyarrow_table()).select("id", "v").rows())

    def files(self) -> list[str]:
        """Return the URIs of all files in the external location."""
        client = boto3.client("s3", "us-east-1", endpoint_url=self.endpoint, aws_access_key_id="test",
                              aws_secret_access_key="testtest")  # fmt: skip
        prefix = self.root.removeprefix(f"s3://{BUCKET}/")
        return [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())]

    def write(self, *dataflows: Record, state: str = "", catalog: str = "main") -> None:
        """Write the document and the project file."""
        connections = [
            {"name": "landing", "format": "parquet", "configure": {"base_path": "landing"}},
            {"name": "sales", "format": "delta", "catalog": catalog, "database": "sales"},
            {"name": "nowhere", "format": "delta", "database": "sales"},
        ]
        (self.folder / "flows.yaml").write_text(json.dumps({"connections": connections, "dataflows": dataflows}))
        platform = {"name": "databricks", "host": self.workspace.url, "token": TOKEN, "storage_endpoint": self.endpoint}
        settings = {"metadata": ["flows.yaml"], "platform": platform, "state": state or f"{self.root}/state"}
        (self.folder / "datacoolie.yaml").write_text(json.dumps(settings))

    def run(self, engine: str = "polars") -> dict[str, FlowRecord]:
        """Run the project; return the record of each flow."""
        result = datacoolie.Project.load(self.folder, engine=engine).run()
        assert isinstance(result, RunResult)
        return {record.flow: record for record in result.records}


@pytest.fixture(scope="module")
def endpoint(versitygw: Running) -> str:
    url = versitygw.address["url"]
    client = boto3.client("s3", "us-east-1", endpoint_url=url, aws_access_key_id="test",
                          aws_secret_access_key="testtest")  # fmt: skip
    client.create_bucket(Bucket=BUCKET)
    return url


@pytest.fixture
def laptop(tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laptop]:
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_RUNTIME_VERSION", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", "/dev/null")
    with running_workspace() as workspace:
        workspace.unity.keys = ("test", "testtest")
        laptop = Laptop(tmp_path, workspace, endpoint)
        workspace.unity.locations.append(laptop.root)
        yield laptop


def flow(source: str, target: str, load_type: str, watermark_columns: Sequence[str] = (), **more: object) -> Record:
    connection = "landing" if source == "orders" else "sales"
    return {
        "name": f"{source}_to_{target}",
        "source": {"connection_name": connection, "table": source, "watermark_columns": [*watermark_columns]},
        "destination": {"connection_name": "sales", "table": target, "load_type": load_type, **more},
        "transform": {"system_columns": False},
    }


def test_tables_are_loaded_by_name(laptop: Laptop) -> None:
    laptop.arrive(pl.DataFrame({"id": [1, 2], "v": ["a", "b"]}))
    laptop.create("main.sales.raw", pl.DataFrame({"id": [0], "v": ["old"]}))
    laptop.create("main.sales.clean", pl.DataFrame({"id": [1], "v": ["x"]}))
    orders = flow("orders", "raw", "append", watermark_columns=["__file_modification_time"])
    laptop.write(orders, flow("raw", "clean", "merge_upsert", merge_keys=["id"]))
    first, second = laptop.run(), laptop.run()
    assert {name: record.status for name, record in first.items()} == {
        "orders_to_raw": FlowStatus.SUCCEEDED,
        "raw_to_clean": FlowStatus.SUCCEEDED,
    }
    assert second["orders_to_raw"].status is FlowStatus.SKIPPED
    assert first["orders_to_raw"].guarantee_reason == (
        "each commit carries a token, which the next run finds; on AWS commits of Databricks itself and those from "
        "outside of it don't see each other: only one of both may write the table at a time"
    )
    assert laptop.rows("main.sales.raw") == [(0, "old"), (1, "a"), (2, "b")]
    assert laptop.rows("main.sales.clean") == [(0, "old"), (1, "a"), (2, "b")]
    assert {("main.sales.raw", "READ"), ("main.sales.raw", "READ_WRITE"), ("main.sales.clean", "READ_WRITE")} == {
        given for given in laptop.workspace.unity.given if given[0] != laptop.root
    }


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (
            "MANAGED",
            r"'main\.sales\.raw' is a managed table, which only Databricks writes\. Load into an external table",
        ),
        ("VIEW", r"'main\.sales\.raw' is no Delta table with files of its own \(VIEW, DELTA\)"),
        ("", r"Can't find the table 'main\.sales\.raw': Table 'main\.sales\.raw' does not exist"),
    ],
)
def test_tables_that_cannot_be_written_are_refused_by_name(laptop: Laptop, kind: str, why: str) -> None:
    laptop.arrive(pl.DataFrame({"id": [1], "v": ["a"]}))
    if kind:
        laptop.create("main.sales.raw", pl.DataFrame({"id": [0], "v": ["old"]}), kind)
    laptop.write(flow("orders", "raw", "append"))
    before = [file for file in laptop.files() if "/state/" not in file]
    record = laptop.run()["orders_to_raw"]
    assert record.status is FlowStatus.FAILED
    assert record.error is not None
    assert re.search(why, record.error.message)
    assert [file for file in laptop.files() if "/state/" not in file] == before


def test_a_managed_table_is_read(laptop: Laptop) -> None:
    laptop.create("main.sales.raw", pl.DataFrame({"id": [1], "v": ["a"]}), "MANAGED")
    laptop.create("main.sales.clean", pl.DataFrame({"id": [9], "v": ["x"]}))
    laptop.write(flow("raw", "clean", "overwrite"))
    assert laptop.run()["raw_to_clean"].status is FlowStatus.SUCCEEDED
    assert laptop.rows("main.sales.clean") == [(1, "a")]


def test_a_name_needs_its_catalog(laptop: Laptop) -> None:
    nameless = flow("orders", "raw", "append", connection_name="nowhere")
    laptop.write(nameless)
    with pytest.raises(ConfigurationError, match=r"delta without a catalog \(catalog of the connection\)"):
        laptop.run()


def test_a_doctor_sees_where_a_state_can_be(laptop: Laptop) -> None:
    laptop.create("main.sales.raw", pl.DataFrame({"id": [0], "v": ["old"]}))
    laptop.write(flow("raw", "raw", "overwrite"))
    seen = datacoolie.Project.load(laptop.folder).examine()
    assert [(check.what, check.detail) for check in seen.findings] == []
    assert ("catalog", "answers; 1 of the tables are there") in [(check.what, check.detail) for check in seen.checks]
    laptop.write(flow("raw", "raw", "overwrite"), state=f"{VOLUME}/state")
    [finding] = datacoolie.Project.load(laptop.folder).examine().findings
    assert (finding.subject, finding.what) == ("state", "conditional write")
    assert "nothing makes sure that of two writers one wins" in finding.detail
    record = laptop.run()["raw_to_raw"]
    assert record.error is not None
    assert "nothing makes sure that of two writers one wins" in record.error.message
    assert laptop.rows("main.sales.raw") == [(0, "old")]
