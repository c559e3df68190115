"""Spark on object stores: who else writes, who may, what is said when it may not, and what is set in whose session."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import write_deltalake

from datacoolie.core.exceptions import DestinationError, ErrorClass, PlatformError
from datacoolie.engines import TableRef
from datacoolie.platforms.storage import Storage
from datacoolie.testing.proxy import Answer, Fault, FaultyProxy, Request
from datacoolie_engine_spark import SparkEngine
from datacoolie_platform_aws import AwsPlatform
from datacoolie_platform_databricks import DatabricksPlatform
from datacoolie_platform_fabric import FabricPlatform
from tests.remote import RemoteProject
from tests.s3 import make_bucket
from tools.services.process import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.projects import Record
    from tools.services.model import Running

FLOW: Record = {
    "name": "events",
    "source": {"connection_name": "landing_parquet", "table": "events", "watermark_columns": ["id"]},
    "destination": {"connection_name": "lake", "table": "events", "load_type": "append"},
    "transform": {"system_columns": False},
}
ENDED = Answer(status=400, body=b"<Error><Code>ExpiredToken</Code><Message>The token has ended.</Message></Error>")


class Between(FaultyProxy):
    """Lets something happen before requests for a path, written as in `looked_for`, are passed on or answered."""

    looked_for: tuple[str, str] | None = None
    happens: Callable[[], Answer | None]

    def next_fault(self, request: Request) -> Answer | Fault | None:
        return self.happens() if (request.method, request.path) == self.looked_for else None


@pytest.fixture(scope="module")
def between(versitygw: Running) -> Iterator[Between]:
    """Return the way to the bucket `spark`: a Spark stays with the way by which it first went to a bucket."""
    url = versitygw.address["url"]
    with pytest.MonkeyPatch.context() as patch, Between(url) as between:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        make_bucket(url, "spark")
        yield between


@pytest.fixture
def project(tmp_path: Path, between: Between, spark_session: SparkSession) -> RemoteProject:
    assert spark_session.version  # the engine finds it
    settings: Record = {"name": "aws", "endpoint": between.url}
    project = RemoteProject(folder=tmp_path, root=f"s3://spark/{tmp_path.name}", settings=settings)
    project.write(FLOW, engine="spark")
    project.land("events/1.parquet", pl.DataFrame({"id": [1]}))
    project.load()
    project.land("events/2.parquet", pl.DataFrame({"id": [2]}))
    return project


def entry(project: RemoteProject, version: int) -> str:
    """Return the path of the request for an entry of the table's log."""
    return f"/{project.root.removeprefix('s3://')}/lake/events/_delta_log/{version:020}.json"


def test_a_commit_of_another_library_at_the_same_moment_is_kept(
    project: RemoteProject, between: Between, versitygw: Running
) -> None:
    def rival() -> None:
        between.looked_for = None
        direct = AwsPlatform(endpoint=versitygw.address["url"]).storage_options(project.root)
        write_deltalake(
            project.place("lake/events"), pl.DataFrame({"id": [100]}), mode="append", storage_options=direct
        )

    between.looked_for, between.happens = ("PUT", entry(project, 1)), rival
    project.load()
    assert sorted(project.table("events")["id"]) == [1, 2, 100]


def test_credentials_that_end_in_the_middle_of_a_run(project: RemoteProject, between: Between) -> None:
    between.looked_for, between.happens = ("PUT", entry(project, 1)), lambda: ENDED
    error = project.attempt().error
    between.looked_for = None
    assert error is not None
    assert (error.type, error.error_class) == ("DestinationError", ErrorClass.CONFIGURATION)
    assert "_delta_log/00000000000000000001.json: S3 refuses: The token has ended (400 ExpiredToken)" in error.message
    assert error.message.endswith(
        "Spark keeps the credentials that it first got for a bucket: run again in a new process"
    )
    project.load()
    assert sorted(project.table("events")["id"]) == [1, 2]


@pytest.mark.usefixtures("between")
def test_nothing_says_the_secret(
    spark_engine: SparkEngine, versitygw: Running, caplog: pytest.LogCaptureFixture
) -> None:
    storage = Storage(platform=AwsPlatform(endpoint=versitygw.address["url"]))
    with caplog.at_level(logging.DEBUG, "py4j"):
        session = spark_engine.sessions.reaching(storage, "s3://shown/t")
    shown = {row["key"]: row["value"] for row in session.sql("SET").collect()}
    assert session.conf.get("fs.s3a.bucket.shown.secret.key") == "testtest"
    assert "fs.s3a.bucket.shown.secret.key" in shown
    assert "fs.s3a.bucket.shown.secret.key" in caplog.text
    assert "testtest" not in f"{shown} {caplog.text}"


def test_a_path_without_credentials_is_refused_at_once(
    spark_engine: SparkEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    storage = Storage(platform=AwsPlatform(region="us-east-1"))
    with pytest.raises(PlatformError, match="credentials"):
        spark_engine.table(TableRef(format="delta", path="s3://bucket/t", storage=storage))


@pytest.mark.usefixtures("between")
def test_who_may_not_is_refused_at_once(spark_engine: SparkEngine, versitygw: Running) -> None:
    platform = AwsPlatform(endpoint=versitygw.address["url"])
    storage = Storage(platform=platform, overrides={"fs.s3a.secret.key": "another"})
    with pytest.raises(DestinationError, match=r"s3://closed/t.*: S3 refuses: .*\(403.*Check the cred") as caught:
        _ = spark_engine.table(TableRef(format="delta", path="s3://closed/t", storage=storage)).exists
    assert caught.value.error_class is ErrorClass.CONFIGURATION


@pytest.mark.usefixtures("between")
def test_a_server_that_is_not_there_is_waited_for_as_the_platform_says(spark_engine: SparkEngine) -> None:
    platform = AwsPlatform(endpoint=f"http://127.0.0.1:{free_port()}", timeout=5, attempts=2)
    table = TableRef(format="delta", path="s3://silent/t", storage=Storage(platform=platform))
    with pytest.raises(DestinationError, match=r"s3://silent/t.*: S3 does not answer: .*Connection refused") as caught:
        _ = spark_engine.table(table).exists
    assert caught.value.error_class is ErrorClass.TRANSIENT


@pytest.mark.usefixtures("between")
def test_in_a_spark_that_others_set_up_only_the_options_of_the_connection_are_set(spark_session: SparkSession) -> None:
    engine = SparkEngine(spark_session, conf={"spark.datacoolie.started": False})
    storage = Storage(platform=AwsPlatform(), overrides={"fs.s3a.endpoint.region": "eu-central-1", "aws_region": "x"})
    session = engine.sessions.reaching(storage, "s3://theirs/t")
    told = {row["key"]: row["value"] for row in session.sql("SET").collect() if ".bucket." in row["key"]}
    assert told == {"fs.s3a.bucket.theirs.endpoint.region": "eu-central-1"}


def test_outside_of_fabric_spark_is_refused_by_name(spark_engine: SparkEngine) -> None:
    platform = FabricPlatform(account="lake", account_key="a2V5IG9mIHRoZSBsYWtl")
    table = TableRef(format="delta", path="abfss://box@lake.dfs.core.windows.net/t", storage=Storage(platform=platform))
    with pytest.raises(PlatformError, match=r"abfss://box@.*by the DFS endpoint.*notebook of Fabric") as caught:
        spark_engine.table(table)
    assert caught.value.error_class is ErrorClass.CONFIGURATION


def test_outside_of_databricks_spark_is_refused_by_name(
    spark_engine: SparkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    platform = DatabricksPlatform(host="http://127.0.0.1:1", token="of-nobody")
    table = TableRef(format="delta", path="s3://vended/t", storage=Storage(platform=platform))
    with pytest.raises(PlatformError, match=r"Spark gets at 's3://vended/t' in Databricks only.*polars") as caught:
        spark_engine.table(table)
    assert caught.value.error_class is ErrorClass.CONFIGURATION


@pytest.mark.usefixtures("notebookutils")
def test_inside_of_fabric_nothing_is_set(spark_session: SparkSession) -> None:
    engine = SparkEngine(spark_session, conf={"spark.datacoolie.started": False})
    session = engine.sessions.reaching(
        Storage(platform=FabricPlatform()), "abfss://shop@onelake.dfs.fabric.microsoft.com/t"
    )
    told = [row["key"] for row in session.sql("SET").collect()]
    assert not [name for name in told if name.startswith("fs.") or "azure" in name]
