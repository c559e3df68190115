"""What tests of Spark need: its jars, and settings for a small machine."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pyspark

from datacoolie_engine_spark.jars import coordinates
from tools.services import maven, store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


SMALL: Mapping[str, str] = {
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.ui.enabled": "false",
    "spark.log.level": "ERROR",
}
"""Settings of a session or server for tests."""


def jars() -> Path:
    """Return a folder with the engine's jars for the Spark that is installed.

    Raises:
        MissingError: they can't be had.
    """
    wanted = coordinates(pyspark.__version__)
    digest = sha256(" ".join(wanted).encode()).hexdigest()[:8]

    def install(folder: Path) -> None:
        maven.copy_jars(wanted, folder, "Spark's jars", transitive=False)

    return store.installed(f"spark-jars-{pyspark.__version__}-{digest}", install)
