"""Spark for tests: its jars, settings for a small machine, and a Spark Connect server."""

from __future__ import annotations

import socket
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tools.services import maven, process, store
from tools.services.model import MissingError, Running, Service

if TYPE_CHECKING:
    from collections.abc import Mapping

SMALL: Mapping[str, str] = {
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.ui.enabled": "false",
}
"""Settings of a session or server for tests."""

_TABLES: Mapping[str, str] = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension,"
    "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def jars() -> Path:
    """Return a folder with the engine's jars for the Spark that is installed.

    Raises:
        MissingError: they can't be had.
    """
    import pyspark  # noqa: PLC0415 - most test runs need no Spark

    from datacoolie_engine_spark.jars import coordinates  # noqa: PLC0415 - the same

    wanted = coordinates(pyspark.__version__)
    digest = sha256(" ".join(wanted).encode()).hexdigest()[:8]

    def install(folder: Path) -> None:
        maven.copy_jars(wanted, folder, "Spark's jars", transitive=False)

    return store.installed(f"spark-jars-{pyspark.__version__}-{digest}", install)


class SparkConnect(Service):
    """A Spark Connect server on two cores, with Delta and Iceberg."""

    name: ClassVar[str] = "spark-connect"

    def start(self, folder: Path) -> Running:
        """Start the server."""
        port = process.free_port()
        conf = {
            **SMALL,
            **_TABLES,
            "spark.master": "local[2]",
            "spark.jars": ",".join(map(str, sorted(jars().glob("*.jar")))),
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.local.dir": str(folder),
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(port),
        }
        options = [part for name, value in conf.items() for part in ("--conf", f"{name}={value}")]
        main = ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
        command = [str(_home() / "bin/spark-submit"), *main, *options]
        pid = process.spawn(command, folder, {"SPARK_HOME": str(_home())})
        process.wait_until(lambda: _listens(port), pid, folder, "Spark Connect")
        address = {"url": f"sc://127.0.0.1:{port}", "port": str(port)}
        return Running(name=self.name, folder=folder, pid=pid, address=address)

    def stop(self, running: Running) -> None:
        """Stop the server."""
        process.stop(running.pid)


def _home() -> Path:
    """Return the folder of the Spark that is installed as a package."""
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        message = "Spark: the package pyspark is not installed"
        raise MissingError(message)
    return Path(found.origin).parent


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
