"""Spark on other machines: a standalone cluster of two workers, and a Spark Connect server that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pysail.spark import SparkConnectServer as SailServer  # type: ignore[import-untyped] # it has no types

from datacoolie.core.exceptions import ConfigurationError, EngineError, ErrorClass
from datacoolie_engine_spark import SparkEngine, connecting
from tests.spark_work import PATIENCE, lasting
from tools.services.fixtures import MASTER, provided

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.services.model import Running

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Running]:
    yield from provided("spark-cluster")


@pytest.fixture
def doomed() -> Iterator[Running]:
    """Return a Spark Connect server that a test may kill."""
    yield from provided("spark-connect")


ENDS = """
import sys, time
from datacoolie.core.exceptions import DataCoolieError
from datacoolie.sql import count
from datacoolie_engine_spark import SparkEngine, starting
from tests.spark_work import PATIENCE, lasting
from tools.services.spark import SMALL, jars

starting.PATIENCE = 3.0
try:
    SparkEngine(master=sys.argv[1], conf={**SMALL, "spark.executor.memory": "900g"}, jars=str(jars())).session
except DataCoolieError as error:
    print(error.error_class, error)

engine = SparkEngine(master="local[2]", conf=SMALL, jars=str(jars()))
context = engine.session.sparkContext
with lasting(engine, "stopped") as work:
    while not context.statusTracker().getActiveJobsIds() and not work.done():
        time.sleep(0.01)
    context.stop()
    error = work.exception(PATIENCE)
print(error.error_class, error)
with engine.naming("again"):
    print(engine.frames.aggregate(engine.session.range(3), {"n": count()}))
"""


def test_a_cluster_without_a_free_executor_and_a_session_that_is_stopped_are_said(cluster: Running) -> None:
    command = [sys.executable, "-c", ENDS, cluster.address["url"]]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    busy, stopped, again = done.stdout.splitlines()
    assert busy.startswith(
        f"transient The cluster {cluster.address['url']} gave no executor within 3 seconds. Free some"
    )
    assert stopped.startswith("transient The Spark session was stopped while it was in use. Run again: it works in")
    assert again == "{'n': 3}"


DOCUMENTS = ("csv_types", "avro", "folders", "all_transformers", "window_plain", "write_json", "write_parquet")
LOADS = ("merge_upsert-iceberg", "scd2-delta")
CHOSEN = (
    *(f"tests/test_parity.py::test_engines_leave_the_same[{name}]" for name in DOCUMENTS),
    *(f"tests/test_spark_loads.py::test_engines_take_turns[{name}]" for name in LOADS),
)
"""Of the documents by which engines are compared on one machine: formats, kinds of windows and of loads."""


@pytest.mark.parametrize(("service", "variable"), [("cluster", MASTER), ("spark_connect", "SPARK_REMOTE")])
def test_documents_leave_the_same_elsewhere(service: str, variable: str, request: pytest.FixtureRequest) -> None:
    place = {variable: request.getfixturevalue(service).address["url"]}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *CHOSEN]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **place}, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(CHOSEN)} passed" in done.stdout


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
