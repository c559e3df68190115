"""Spark on other machines: a standalone cluster of two workers, and a Spark Connect server that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from pysail.spark import SparkConnectServer as SailServer  # type: ignore[import-untyped] # it has no types

from datacoolie.core.exceptions import ConfigurationError, EngineError, ErrorClass
from datacoolie_engine_spark import SparkEngine, connecting
from tests.spark_work import PATIENCE, lasting
from tools.services.fixtures import provided

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.services.model import Running


@pytest.fixture(scope="module")
def cluster() -> Iterator[Running]:
    yield from provided("spark-cluster")


@pytest.fixture
def doomed() -> Iterator[Running]:
    """Return a Spark Connect server that a test may kill."""
    yield from provided("spark-connect")


ON_CLUSTER = """
import sys
from datacoolie.core.exceptions import DataCoolieError
from datacoolie.sql import count
from datacoolie_engine_spark import SparkEngine, starting
from tools.services.spark import SMALL, jars

starting.PATIENCE = float(sys.argv[3])
conf = {**SMALL, "spark.driver.memory": "512m", "spark.executor.memory": sys.argv[2]}
try:
    engine = SparkEngine(master=sys.argv[1], conf=conf, jars=str(jars()))
    print(engine.frames.aggregate(engine.session.range(0, 1000, 1, 4), {"rows": count()}))
except DataCoolieError as error:
    print(error.error_class, error)
"""


def on_cluster(cluster: Running, memory: str, patience: float) -> str:
    command = [sys.executable, "-c", ON_CLUSTER, cluster.address["url"], memory, str(patience)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_cluster_evaluates(cluster: Running) -> None:
    assert on_cluster(cluster, "512m", 300) == "{'rows': 1000}\n"


def test_a_cluster_without_a_free_executor_is_said_in_time(cluster: Running) -> None:
    said = on_cluster(cluster, "900g", 3)
    assert said.startswith(
        f"transient The cluster {cluster.address['url']} gave no executor within 3 seconds. Free some"
    )


def test_a_connect_server_that_is_killed_in_the_middle(doomed: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = SparkEngine(remote=doomed.address["url"])
    with lasting(engine, "killed") as work:
        time.sleep(1)  # killed earlier or later, it is the same error
        os.kill(doomed.pid, signal.SIGKILL)
        killed = time.monotonic()
        error = work.exception(PATIENCE)
    assert time.monotonic() - killed < 60
    assert isinstance(error, EngineError)
    assert error.error_class is ErrorClass.TRANSIENT
    assert error.message.startswith("The connection to Spark is lost: its process has ended, or its server")
    monkeypatch.setattr(connecting, "PATIENCE", 1.0)
    with engine.naming("again"), pytest.raises(EngineError, match="No Spark Connect server answers at"):
        _ = engine.session


def test_a_server_that_is_not_sparks_own_is_refused() -> None:
    sail = SailServer(ip="127.0.0.1", port=0)
    sail.start(background=True)
    try:
        _, port = sail.listening_address
        with pytest.raises(
            ConfigurationError, match=rf"The server at sc://127.0.0.1:{port} is not Spark's own: .* Sail"
        ):
            connecting.connect(f"sc://127.0.0.1:{port}")
    finally:
        sail.stop()
