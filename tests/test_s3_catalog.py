"""Tables that loads register in the Glue Data Catalog, read back with boto3."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import boto3
import polars as pl
import pytest
from botocore.stub import ANY, Stubber
from pyiceberg.table import StaticTable

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.types import LongType
from datacoolie.observability.records import FlowStatus
from datacoolie.platforms import CatalogFormat, CatalogTable
from datacoolie.testing.proxy import Answer, Fault, FaultyProxy, Request
from datacoolie_platform_aws.glue import GlueTable
from tests.projects import append_flow
from tests.s3 import make_bucket, s3_project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from types_boto3_glue.type_defs import TableInputTypeDef

    from tests.projects import Project, Record
    from tests.remote import RemoteProject
    from tools.services.model import Running

DENIED = Answer(status=400, body=b'{"__type": "AccessDeniedException", "Message": "No."}')


class Guard(FaultyProxy):
    """Disturbs calls of one operation of Glue or Athena, as often as there are faults."""

    operation = ""

    def next_fault(self, request: Request) -> Answer | Fault | None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        return super().next_fault(request) if headers.get("x-amz-target", "").endswith(f".{self.operation}") else None


@dataclass
class Warehouse:
    """A project on S3, the Glue database that is its own, and a proxy before all of AWS."""

    project: RemoteProject
    guard: Guard
    database: str

    @property
    def url(self) -> str:
        """Where the services are asked."""
        return str(self.project.settings["endpoint"])

    @url.setter
    def url(self, url: str) -> None:
        self.project.settings = {**self.project.settings, "endpoint": url}

    def write(self, connection: Record, drop: tuple[str, ...] = (), **destination: object) -> None:
        """Write a flow that loads Parquet files into `events`."""
        base = f"{self.project.root}/lake"
        configure = {"base_path": base, **connection.pop("configure")}  # type: ignore[dict-item] # a record of ours
        target = {"name": "target", "database": self.database, **connection, "configure": configure}
        flow = append_flow(
            source={"connection_name": "landing_parquet"},
            destination={"connection_name": "target", **destination},
            transform={"drop_columns": drop},
        )
        self.project.write(flow)
        document = json.loads((self.project.folder / "flows.json").read_text())
        document["connections"].append(target)
        (self.project.folder / "flows.json").write_text(json.dumps(document))

    def load(self, name: str, **columns: list[object] | pl.Series) -> None:
        """Land a file and load it."""
        self.project.land(f"events/{name}.parquet", pl.DataFrame(columns))
        self.project.load()

    def table(self, database: str = "", name: str = "events") -> Mapping[str, object]:
        """Return a table as Glue has it."""
        table = boto3.client("glue", endpoint_url=self.url).get_table(
            DatabaseName=database or self.database, Name=name
        )["Table"]
        return {**table, **table["StorageDescriptor"]}

    def partitions(self, database: str = "") -> dict[str, str]:
        """Return where partitions are, below the table, by their first value."""
        client = boto3.client("glue", endpoint_url=self.url)
        found = client.get_partitions(DatabaseName=database or self.database, TableName="events")["Partitions"]
        below = len(f"{self.project.root}/lake/events/")
        return {one["Values"][0]: one["StorageDescriptor"]["Location"][below:] for one in found}


@pytest.fixture(scope="module")
def guard(moto_server: Running) -> Iterator[Guard]:
    with pytest.MonkeyPatch.context() as patch, Guard(moto_server.address["url"]) as guard:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        make_bucket(moto_server.address["url"])
        yield guard


@pytest.fixture
def warehouse(tmp_path: Path, guard: Guard) -> Warehouse:
    guard.operation = ""
    guard.disturb()
    return Warehouse(s3_project(tmp_path, guard.url), guard, f"db_{uuid.uuid4().hex}")


def delta(**configure: object) -> Record:
    return {"format": "delta", "configure": configure}


def parquet() -> Record:
    return {"format": "parquet", "configure": {"register_table": True}}


def types(table: Mapping[str, object], part: str = "Columns") -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in table[part]}  # type: ignore[attr-defined] # a list of records


def test_a_delta_table_and_its_symlink_table(warehouse: Warehouse) -> None:
    configure = {"register_table": True, "register_symlink_table": True, "symlink_database_prefix": "links_"}
    warehouse.write(delta(**configure), partition_columns=["p"])
    warehouse.load("1", id=[1, 2], p=["a", "b/c"])
    root, links = f"{warehouse.project.root}/lake/events", f"links_{warehouse.database}"

    table = warehouse.table()
    assert (table["Location"], types(table)) == (root, {"id": "bigint", "p": "string"})
    parameters = {"EXTERNAL": "TRUE", "classification": "delta", "table_type": "DELTA"}
    assert table["Parameters"] == {**parameters, "spark.sql.sources.provider": "delta"}
    link = warehouse.table(links)
    assert link["Location"] == f"{root}/_symlink_format_manifest"
    assert link["InputFormat"] == "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat"
    assert (types(link), types(link, "PartitionKeys")) == ({"id": "bigint"}, {"p": "string"})
    folder = "_symlink_format_manifest"
    assert warehouse.partitions(links) == {"a": f"{folder}/p=a", "b/c": f"{folder}/p=b%2Fc"}

    warehouse.load("2", id=[4], p=["d"], n=[1.5])
    assert types(warehouse.table()) == {"id": "bigint", "p": "string", "n": "double"}
    assert types(warehouse.table(links)) == {"id": "bigint", "n": "double"}
    assert set(warehouse.partitions(links)) == {"a", "b/c", "d"}


def test_a_table_without_files_or_that_is_gone_is_registered_when_it_has_some(warehouse: Warehouse) -> None:
    configure = {"register_table": True, "register_symlink_table": True}
    warehouse.write(delta(**configure), partition_columns=["p"], load_type="overwrite", configure={"on_empty": "clear"})
    warehouse.load("1", id=[1], p=["a"])
    warehouse.load("1", id=pl.Series([], dtype=pl.Int64), p=pl.Series([], dtype=pl.String))
    assert warehouse.project.table("events").height == 0
    links = f"symlink_{warehouse.database}"
    link = warehouse.table(links)
    assert (types(link), types(link, "PartitionKeys")) == ({"id": "bigint"}, {"p": "string"})
    warehouse.project.platform.delete(f"{warehouse.project.root}/lake/events")
    assert warehouse.project.load().error is None
    warehouse.load("2", id=[2], p=["b"])
    assert warehouse.project.table("events").rows() == [(2, "b")]


def test_what_is_there_already_is_left_alone(warehouse: Warehouse) -> None:
    warehouse.write(delta(register_table=True))
    warehouse.load("1", id=[1])
    client = boto3.client("glue", endpoint_url=warehouse.url)
    theirs: TableInputTypeDef = {
        "Name": "events",
        "Description": "of the shop",
        "Parameters": {"owner": "me"},
        "StorageDescriptor": {
            "Location": f"{warehouse.project.root}/lake/events",
            "Columns": [{"Name": "id", "Type": "bigint", "Comment": "key"}],
        },
    }
    client.update_table(DatabaseName=warehouse.database, TableInput=theirs)

    warehouse.load("2", id=[2], a=["x"])
    table = warehouse.table()
    assert table["Description"] == "of the shop"
    assert table["Parameters"]["owner"] == "me"  # type: ignore[index] # a record
    assert table["Columns"] == [{"Name": "id", "Type": "bigint", "Comment": "key"}, {"Name": "a", "Type": "string"}]
    versions = len(client.get_table_versions(DatabaseName=warehouse.database, TableName="events")["TableVersions"])
    warehouse.load("3", id=[3], a=["y"])
    assert warehouse.project.load().status is FlowStatus.SKIPPED
    after = client.get_table_versions(DatabaseName=warehouse.database, TableName="events")["TableVersions"]
    assert len(after) == versions


def test_a_table_that_changes_meanwhile_is_looked_at_again() -> None:
    """By answers as the documentation has them: moto takes any version."""
    client = boto3.client("glue", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="testtest")
    table = CatalogTable(
        database="db", name="t", format=CatalogFormat.PARQUET, location="s3://b/t", columns={"id": LongType()}
    )
    found = {"Name": "t", "StorageDescriptor": {"Location": "s3://b/t"}}
    asked = {"DatabaseName": "db", "TableInput": ANY}
    with Stubber(client) as glue:
        glue.add_response("get_table", {"Table": {**found, "VersionId": "7"}})
        conflict = "ConcurrentModificationException"
        glue.add_client_error("update_table", conflict, expected_params={**asked, "VersionId": "7"})
        glue.add_response("get_table", {"Table": {**found, "VersionId": "8"}})
        glue.add_response("update_table", {}, {**asked, "VersionId": "8"})
        assert GlueTable(client, table).register()
        glue.assert_no_pending_responses()


def test_a_folder_of_parquet_files(warehouse: Warehouse) -> None:
    warehouse.write(parquet(), partition_columns=["p"])
    warehouse.load("1", id=[1, 2], a=["x", "y"], p=["a b", None])
    table = warehouse.table()
    assert table["Location"] == f"{warehouse.project.root}/lake/events"
    assert (types(table), types(table, "PartitionKeys")) == ({"id": "bigint", "a": "string"}, {"p": "string"})
    null = "__HIVE_DEFAULT_PARTITION__"
    assert warehouse.partitions() == {"a b": "p=a b", null: f"p={null}"}

    warehouse.load("2", id=[3], b=[True], p=["c"])
    assert types(warehouse.table()) == {"id": "bigint", "a": "string", "b": "boolean"}
    assert set(warehouse.partitions()) == {"a b", null, "c"}

    warehouse.write(parquet(), ("a",), partition_columns=["p"], load_type="overwrite")
    warehouse.load("3", id=[4], b=[True], p=["d"])
    assert types(warehouse.table()) == {"id": "bigint", "b": "boolean"}
    assert warehouse.partitions() == {"d": "p=d"}


def test_an_iceberg_table_lives_in_the_catalog(warehouse: Warehouse) -> None:
    options = {"type": "glue", "warehouse": f"{warehouse.project.root}/warehouse"}
    warehouse.write({"format": "iceberg", "configure": {"base_path": None, "catalog_options": options}})
    warehouse.load("1", id=[1])
    warehouse.load("2", id=[2], n=[0.5])
    assert warehouse.project.load().status is FlowStatus.SKIPPED
    table = warehouse.table()
    assert types(table) == {"id": "bigint", "n": "double"}
    properties = {"s3.endpoint": warehouse.url, "s3.region": "us-east-1"}
    metadata = table["Parameters"]["metadata_location"]  # type: ignore[index] # a record
    rows = StaticTable.from_metadata(metadata, properties).scan().to_arrow().to_pylist()
    assert sorted(rows, key=itemgetter("id")) == [{"id": 1, "n": None}, {"id": 2, "n": 0.5}]

    warehouse.guard.operation = "GetTable"
    warehouse.guard.disturb(DENIED)
    warehouse.project.land("events/3.parquet", pl.DataFrame({"id": [3]}))
    record = warehouse.project.attempt()
    assert record.error is not None
    assert record.error.type == "DestinationError"
    assert "the catalog 'default' can't be used: An error occurred (AccessDeniedException)" in record.error.message


@pytest.mark.parametrize("operation", ["CreateDatabase", "CreateTable", "BatchCreatePartition"])
def test_a_lost_answer_changes_nothing(warehouse: Warehouse, operation: str) -> None:
    warehouse.write(parquet(), partition_columns=["p"])
    warehouse.guard.operation = operation
    warehouse.guard.disturb(Fault.LOST_ANSWER)
    warehouse.load("1", id=[1], p=["x"])
    assert types(warehouse.table()) == {"id": "bigint"}
    assert warehouse.partitions() == {"x": "p=x"}


@pytest.mark.parametrize(
    ("operation", "answer", "message"),
    [
        ("CreateTable", DENIED, "Can't register '{table}' in the Glue Data Catalog: No. (AccessDeniedException)"),
        (
            "GetQueryExecution",
            Answer(
                status=200,
                body=b'{"QueryExecution": {"Status": {"State": "FAILED", "StateChangeReason": "Bad column"}}}',
            ),
            "Athena can't read '{table}': Bad column.",
        ),
    ],
)
def test_a_failure_is_the_loads_and_the_commit_stays(
    warehouse: Warehouse, moto_server: Running, operation: str, answer: Answer, message: str
) -> None:
    results = f"{warehouse.project.root}/results/"
    warehouse.write(delta(register_table=True, athena_output_location=results))
    warehouse.guard.operation = operation
    warehouse.guard.disturb(answer)
    warehouse.project.land("events/1.parquet", pl.DataFrame({"id": [1]}))
    record = warehouse.project.attempt()
    assert record.error is not None
    assert record.error.message.startswith(f"{warehouse.project.root}/lake/events: the load was committed, but")
    assert message.format(table=f"{warehouse.database}.events") in record.error.message
    assert record.commit is not None
    assert record.commit.rows == 1

    # delta-rs keeps the interpreter from running while it looks into the log, so a proxy in this process can't answer.
    warehouse.url = moto_server.address["url"]
    warehouse.write(delta(register_table=True, athena_output_location=results))
    again = warehouse.project.load()
    assert (again.status, again.reason) == (FlowStatus.SKIPPED, "adopted commit 1 of the destination")
    assert warehouse.project.table("events")["id"].to_list() == [1]
    assert types(warehouse.table()) == {"id": "bigint"}


def test_athena_tries_the_table(warehouse: Warehouse) -> None:
    results = f"{warehouse.project.root}/results/"
    warehouse.write(delta(register_symlink_table=True, athena_output_location=results))
    warehouse.load("1", id=[1])
    client = boto3.client("athena", endpoint_url=warehouse.url)
    asked = [
        client.get_query_execution(QueryExecutionId=each)["QueryExecution"]
        for each in client.list_query_executions()["QueryExecutionIds"]
    ]
    query = f'SELECT * FROM "symlink_{warehouse.database}"."events" LIMIT 0'  # noqa: S608 - what is expected
    assert query in [one["Query"] for one in asked]


def test_another_table_of_the_name_is_not_touched(warehouse: Warehouse) -> None:
    warehouse.write(delta(register_table=True))
    client = boto3.client("glue", endpoint_url=warehouse.url)
    client.create_database(DatabaseInput={"Name": warehouse.database})
    theirs: TableInputTypeDef = {"Name": "events", "StorageDescriptor": {"Location": "s3://theirs/events"}}
    client.create_table(DatabaseName=warehouse.database, TableInput=theirs)
    warehouse.project.land("events/1.parquet", pl.DataFrame({"id": [1]}))
    record = warehouse.project.attempt()
    assert record.error is not None
    assert "has another table" in record.error.message
    assert warehouse.table()["Location"] == "s3://theirs/events"


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        ({"format": "delta", "database": "db"}, "the platform 'local' has no catalog of tables"),
        (
            {"format": "iceberg", "database": "db", "configure": {"catalog_options": {"type": "glue"}}},
            "catalog of tables",
        ),
    ],
)
def test_a_platform_without_a_catalog(project: Project, connection: Record, message: str) -> None:
    configure = {"base_path": "lake", "register_table": True}
    lake = {"name": "cat", **connection, "configure": configure}
    project.write(append_flow(destination={"connection_name": "cat"}), connections=[lake])
    with pytest.raises(ConfigurationError, match=message):
        project.attempt()


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        ({"format": "csv", "configure": {"register_table": True}}, "possible for delta and parquet, not for csv"),
        ({"format": "delta", "database": None, "configure": {"register_table": True}}, "nothing says the database"),
    ],
)
def test_what_can_not_be_registered_is_said_before_anything_is_read(
    warehouse: Warehouse, connection: Record, message: str
) -> None:
    warehouse.write(connection)
    with pytest.raises(ConfigurationError, match=message):
        warehouse.project.attempt()
