"""Services as fixtures: each runs once per session; a test whose service is missing is skipped with the reason."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tools.services import go, notebook
from tools.services import yaml_language_server as language_server
from tools.services.model import MissingError
from tools.services.running import started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from unittest.mock import MagicMock

    from pyspark.sql import SparkSession

    from datacoolie_engine_spark import SparkEngine
    from tools.services.model import Running

ACTIONLINT = "1.7.12"

REQUIRED = "DATACOOLIE_REQUIRE_SERVICES"
"""The variable that makes a missing service a failure when it is `1`."""

MASTER = "DATACOOLIE_SPARK_MASTER"
"""The variable that says where the Spark of the tests runs, such as on a cluster; by default on this machine."""


def provided(name: str) -> Iterator[Running]:
    """Yield a running service; skip, or fail where services are required, when it can't be had."""
    with _had(), started(name) as running:
        yield running


@contextmanager
def _had() -> Iterator[None]:
    """Skip, or fail where services are required, what a missing service ends."""
    try:
        yield
    except MissingError as error:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{error} ({REQUIRED} is 1)")
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Running]:
    """Return a PostgreSQL server."""
    yield from provided("postgres")


@pytest.fixture(scope="session")
def iceberg_rest() -> Iterator[Running]:
    """Return an Iceberg REST catalog."""
    yield from provided("iceberg-rest")


@pytest.fixture(scope="session")
def moto_server() -> Iterator[Running]:
    """Return S3, Secrets Manager and STS as moto has them."""
    yield from provided("moto")


@pytest.fixture(scope="session")
def versitygw() -> Iterator[Running]:
    """Return an S3 server that checks signatures."""
    yield from provided("versitygw")


@pytest.fixture(scope="session")
def azurite() -> Iterator[Running]:
    """Return storage accounts of Azure, without their DFS endpoints."""
    yield from provided("azurite")


@pytest.fixture(scope="session")
def azurite_tls() -> Iterator[Running]:
    """Return storage accounts of Azure behind TLS, which take tokens."""
    yield from provided("azurite-tls")


@pytest.fixture
def notebookutils(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """Return what stands for Fabric's `notebookutils` in this test, as if it ran in a notebook."""
    with _had():
        stand_in = notebook.stand_in()
    monkeypatch.setitem(sys.modules, "notebookutils", stand_in)
    return stand_in


@pytest.fixture(scope="session")
def vault_server() -> Iterator[Running]:
    """Return a Vault in memory."""
    yield from provided("vault")


@pytest.fixture(scope="session")
def yaml_language_server() -> Iterator[list[str]]:
    """Return the command that starts a language server of YAML."""
    with _had():
        yield language_server.command()


@pytest.fixture(scope="session")
def actionlint() -> str:
    """Return the path of the linter of GitHub's workflows."""
    with _had():
        return go.program("actionlint", ACTIONLINT, "github.com/rhysd/actionlint/cmd/actionlint")


@pytest.fixture(scope="session")
def spark_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    """Return the one Spark of the test run, which this fixture starts and stops; tests only use it.

    With `SPARK_REMOTE` it is a server that runs already.
    """
    from datacoolie_engine_spark import SparkEngine  # noqa: PLC0415 - most test runs need no Spark
    from tools.services import spark  # noqa: PLC0415 - the same

    with _had():
        jars = spark.jars()
    conf = {**spark.SMALL, "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("spark-warehouse"))}
    engine = (
        SparkEngine()
        if "SPARK_REMOTE" in os.environ
        else SparkEngine(master=os.environ.get(MASTER, "local[2]"), conf=conf, jars=str(jars))
    )
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def spark_connect() -> Iterator[Running]:
    """Return the one Spark Connect server of the test run."""
    yield from provided("spark-connect")


@pytest.fixture(scope="session")
def spark_connect_engine(spark_connect: Running) -> Iterator[SparkEngine]:
    """Return the engine in sessions of the Spark Connect server."""
    from datacoolie_engine_spark import SparkEngine  # noqa: PLC0415 - most test runs need no Spark

    engine = SparkEngine(remote=spark_connect.address["url"])
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def spark_session(spark_engine: SparkEngine) -> SparkSession:
    """Return the session that `spark_engine` works in, for what tests read back."""
    return spark_engine.session
