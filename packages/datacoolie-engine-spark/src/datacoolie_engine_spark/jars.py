"""Which jars a Spark needs for Delta, Iceberg and Avro, by its version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.suggest import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

SCALA = "2.13"

_CATALOGS = ("org.xerial:sqlite-jdbc:3.53.4.0", "org.postgresql:postgresql:42.7.13")
"""Drivers of the databases that Iceberg's SQL catalogs are in."""

COORDINATES: Mapping[str, tuple[str, ...]] = {
    "4.1": (
        f"io.delta:delta-spark_4.1_{SCALA}:4.4.0",
        "io.delta:delta-storage:4.4.0",
        f"org.apache.iceberg:iceberg-spark-runtime-4.1_{SCALA}:1.12.0",
        f"org.apache.spark:spark-avro_{SCALA}:4.1.1",
        *_CATALOGS,
    ),
    "4.0": (
        f"io.delta:delta-spark_4.0_{SCALA}:4.4.0",
        "io.delta:delta-storage:4.4.0",
        f"org.apache.iceberg:iceberg-spark-runtime-4.0_{SCALA}:1.11.0",
        f"org.apache.spark:spark-avro_{SCALA}:4.0.1",
        *_CATALOGS,
    ),
}
"""`group:artifact:version` of the jars that were seen to work together, by Spark's minor version."""


def coordinates(version: str) -> tuple[str, ...]:
    """Return the jars for a Spark of this full version, such as `4.1.4`.

    Raises:
        ConfigurationError: the version is not in the table.
    """
    minor = ".".join(version.split(".")[:2])
    if minor not in COORDINATES:
        message = (
            f"No jars of Delta and Iceberg are known for Spark {version}; there are some for {listed(COORDINATES)}. "
            'Install one of these (pip install "datacoolie-engine-spark[local]"), or put fitting jars into a folder '
            "and name it: engine: {name: spark, jars: FOLDER}"
        )
        raise ConfigurationError(message, {"version": version, "possible": list(COORDINATES)})
    return COORDINATES[minor]
