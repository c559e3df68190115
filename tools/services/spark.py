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
    # Tests end before code that is compiled better pays.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC",
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

    from datacoolie_engine_spark.jars import SPARK_HAS, coordinates  # noqa: PLC0415 - the same

    of_tables, wanted = (coordinates(pyspark.__version__, schemes) for schemes in ((), ("s3",)))
    digest = sha256(" ".join(wanted).encode()).hexdigest()[:8]

    def install(folder: Path) -> None:
        maven.copy_jars(of_tables, folder, "Spark's jars", transitive=False)
        of_s3 = wanted[len(of_tables) :]
        maven.copy_jars(of_s3, folder, "Spark's jars for S3", without=SPARK_HAS)

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
        command = [str(home() / "bin/spark-submit"), *main, *options]
        pid = process.spawn(command, folder, {"SPARK_HOME": str(home())})
        process.wait_until(lambda: _listens(port), pid, folder, "Spark Connect")
        address = {"url": f"sc://127.0.0.1:{port}", "port": str(port)}
        return Running(name=self.name, folder=folder, pid=pid, address=address)

    def stop(self, running: Running) -> None:
        """Stop the server."""
        process.stop(running.pid)


def home() -> Path:
    """Return the folder of the Spark that is installed as a package."""
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        message = "Spark: the package pyspark is not installed"
        raise MissingError(message)
    return Path(found.origin).parent


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


class SparkCluster(Service):
    """A standalone cluster: a master and two workers of one core each."""

    name: ClassVar[str] = "spark-cluster"

    def start(self, folder: Path) -> Running:
        """Start the master, then the workers."""
        port = process.free_port()
        url = f"spark://127.0.0.1:{port}"
        master = self._spawn(folder / "master", "master.Master", "--port", str(port))
        process.wait_until(lambda: _listens(port), master, folder / "master", "Spark's master")
        workers = [
            self._spawn(folder / name, "worker.Worker", "--cores", "1", "--memory", "1g", "-d", str(folder / name), url)
            for name in ("worker-1", "worker-2")
        ]
        address = {"url": url, "port": str(port), "workers": " ".join(map(str, workers))}
        return Running(name=self.name, folder=folder, pid=master, address=address)

    def stop(self, running: Running) -> None:
        """Stop the workers, then the master."""
        for pid in (*map(int, running.address["workers"].split()), running.pid):
            process.stop(pid)

    def _spawn(self, folder: Path, what: str, *options: str) -> int:
        folder.mkdir()
        main = f"org.apache.spark.deploy.{what}"
        command = [str(home() / "bin/spark-class"), main, "--host", "127.0.0.1", "--webui-port", "0", *options]
        return process.spawn(command, folder, {"SPARK_HOME": str(home()), "SPARK_DAEMON_MEMORY": "256m"})
