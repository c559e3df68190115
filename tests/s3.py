"""A project whose files, tables and states are on S3."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3
import polars as pl

import datacoolie
from datacoolie.orchestration.results import RunResult
from datacoolie_platform_aws import AwsPlatform

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from datacoolie.observability.records import FlowRecord
    from tests.projects import Record

BUCKET = "project"


def make_bucket(url: str) -> None:
    """Make the bucket of all projects, if it isn't there."""
    client = boto3.client("s3", endpoint_url=url)
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=BUCKET)


@dataclass
class S3Project:
    """A project in a folder of a bucket: `landing`, `lake`, `out`, `state`.

    Attributes:
        folder: of the project file and the document.
        url: of the server.
        root: URI of the project's folder on S3.
    """

    folder: Path
    url: str
    root: str = field(default_factory=lambda: f"s3://{BUCKET}/{uuid.uuid4().hex}")

    @property
    def platform(self) -> AwsPlatform:
        """The platform, to look at what is there."""
        return AwsPlatform(endpoint=self.url)

    def write(self, *dataflows: Record, **settings: object) -> None:
        """Write the project file and the document."""
        configure = {name: {"base_path": f"{self.root}/{name}"} for name in ("landing", "lake", "out")}
        connections = [
            {"name": "lake", "format": "delta", "configure": configure["lake"]},
            *(
                {"name": f"{name}_{kind}", "format": kind, "configure": configure[name]}
                for name in ("landing", "out")
                for kind in ("parquet", "csv", "jsonl", "json", "avro")
            ),
        ]
        catalog = {"type": "sql", "uri": "sqlite:///catalog.db", "warehouse": f"{self.root}/warehouse"}
        iceberg = {"configure": {"catalog_options": catalog}, "catalog": "tests", "database": "db"}
        connections.append({"name": "ice", "format": "iceberg", **iceberg})
        document = {"connections": connections, "dataflows": list(dataflows)}
        (self.folder / "flows.json").write_text(json.dumps(document))
        project = {
            "metadata": ["flows.json"],
            "platform": {"name": "aws", "endpoint": self.url},
            "state": f"{self.root}/state",
            **settings,
        }
        (self.folder / "datacoolie.yaml").write_text(json.dumps(project))

    def land(self, name: str, frame: pl.DataFrame) -> None:
        """Put a file into `landing`, in the format that its name says."""
        path = self.folder / "landed"
        writers: dict[str, Callable[[Path], object]] = {
            "parquet": frame.write_parquet,
            "csv": frame.write_csv,
            "jsonl": frame.write_ndjson,
        }
        writers[name.rpartition(".")[2]](path)
        self.platform.write(f"{self.root}/landing/{name}", path.read_bytes())

    def attempt(self, **arguments: object) -> FlowRecord:
        """Run the only flow and return its record."""
        result = datacoolie.Project.load(self.folder).run(**arguments)  # type: ignore[arg-type] # passed on
        assert isinstance(result, RunResult)  # noqa: S101 - a test's own assertion
        (record,) = result
        return record

    def load(self, **arguments: object) -> FlowRecord:
        """Run the only flow; it must not fail."""
        record = self.attempt(**arguments)
        assert record.error is None, record.error  # noqa: S101 - a test's own assertion
        return record

    def names(self, folder: str) -> list[str]:
        """Return the names of all files below a folder of the project."""
        root = f"{self.root}/{folder}"
        return [file.path[len(root) + 1 :] for file in self.platform.list(root)]

    def table(self, name: str) -> pl.DataFrame:
        """Read a Delta table with Polars."""
        uri = f"{self.root}/lake/{name}"
        return pl.read_delta(uri, storage_options=self.platform.storage_options(uri), credential_provider=None)
