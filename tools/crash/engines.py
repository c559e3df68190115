"""What loads are run by, and what of it is killed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tools.crash.killing import DEFAULT, Engine
from tools.crash.victims import Executors, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager


@contextmanager
def _polars() -> Iterator[Engine]:
    yield DEFAULT


@contextmanager
def _spark() -> Iterator[Engine]:
    """A Spark of its own for each load: the driver is killed with the load."""
    yield Engine(settings={**_small(), "master": "local[2]"}, usual=20, patience=600)


@contextmanager
def _connect() -> Iterator[Engine]:
    with Server() as server:
        yield Engine(settings={"name": "spark"}, usual=15, patience=300, victim=server)


@contextmanager
def _cluster() -> Iterator[Engine]:
    with Executors() as executors:
        settings = _small({"spark.driver.memory": "1g", "spark.executor.memory": "512m"})
        yield Engine(settings={**settings, "master": executors.url}, usual=30, patience=600, victim=executors)


def _small(conf: Mapping[str, str] | None = None) -> dict[str, object]:
    """Return the settings of a Spark for a small machine."""
    from tools.services import spark  # noqa: PLC0415 - loads by Polars need no Spark

    return {"name": "spark", "conf": {**spark.SMALL, **(conf or {})}, "jars": str(spark.jars())}


ENGINES: Mapping[str, Callable[[], AbstractContextManager[Engine]]] = {
    "polars": _polars,
    "spark": _spark,
    "spark-connect": _connect,
    "spark-cluster": _cluster,
}
"""By name. The process that loads is killed, but on Spark Connect the server, and on a cluster the executors."""
