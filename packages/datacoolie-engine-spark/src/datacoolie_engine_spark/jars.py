"""Which jars a Spark needs for Delta, Iceberg, Avro and S3, by its version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.suggest import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

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

ON_S3: Mapping[str, tuple[str, ...]] = {
    "4.1": (
        "org.apache.hadoop:hadoop-aws:3.4.2",
        *(
            f"software.amazon.awssdk:{name}:2.29.52"
            for name in ("s3", "s3-transfer-manager", "sts", "apache-client", "netty-nio-client")
        ),
    )
}
"""The same for S3; only these need further jars, but none of `SPARK_HAS`."""

SPARK_HAS = (
    "software.amazon.awssdk:bundle",
    "software.amazon.s3.analyticsaccelerator:*",
    "commons-codec:*",
    "commons-logging:*",
    "io.netty:*",
    "org.apache.httpcomponents:*",
    "org.slf4j:*",
    "org.wildfly.openssl:*",
)
"""`group:artifact` of what those of `ON_S3` ask for and do without, or find in a Spark."""

_CLASSES: Mapping[str, str] = {
    r"io\.delta|\bdelta\b": "delta-spark",
    r"org\.apache\.iceberg|\biceberg\b": "iceberg-spark-runtime",
    r"\bavro\b": "spark-avro",
    r"org\.sqlite": "sqlite-jdbc",
    r"org\.postgresql": "postgresql",
    r"s3a|awssdk": "hadoop-aws",
    r"azurebfs": "org.apache.hadoop:hadoop-azure",
}
"""Artifacts by what a message names when they are missing."""

_MISSING = re.compile(
    r"(?:ClassNotFoundException: (?:Class )?|Failed to find (?:the )?data source: |Cannot find catalog plugin class"
    r"[^\n]*?: |No suitable driver[^\n]*?)([\w.$:]+)"
)
_OF_ONE_SPARK = re.compile(r"(delta-spark|iceberg-spark-runtime)[-_](\d+\.\d+)_")


def coordinates(version: str, schemes: Collection[str] = ()) -> tuple[str, ...]:
    """Return the jars for a Spark.

    Args:
        version: of the Spark, in full, such as `4.1.4`.
        schemes: of the URIs at which it has to get, such as `s3`.

    Raises:
        ConfigurationError: the version is not in the table.
    """
    minor = _minor(version)
    if minor not in COORDINATES:
        message = (
            f"No jars of Delta and Iceberg are known for Spark {version}; there are some for {listed(COORDINATES)}. "
            'Install one of these (pip install "datacoolie-engine-spark[local]"), or put fitting jars into a folder '
            "and name it: engine: {name: spark, jars: FOLDER}"
        )
        raise ConfigurationError(message, {"version": version, "possible": list(COORDINATES)})
    if "s3" not in schemes:
        return COORDINATES[minor]
    if minor not in ON_S3:
        message = f"No jars of S3 are known for Spark {version}; there are some for {listed(ON_S3)}. Install that one"
        raise ConfigurationError(message, {"version": version, "possible": list(ON_S3)})
    return (*COORDINATES[minor], *ON_S3[minor])


def jars_in(folder: str, version: str) -> list[str]:
    """Return the paths of the jars in a folder, for a Spark of this full version.

    Raises:
        ConfigurationError: there are none, or one is for another Spark.
    """
    jars = sorted(Path(folder).resolve().glob("*.jar"))
    if not jars:
        wanted = listed(COORDINATES.get(_minor(version), ()))
        message = f"{Path(folder).resolve()}: there are no jars here. For Spark {version} put these into it: {wanted}"
        raise ConfigurationError(message, {"path": folder})
    for jar in jars:
        made_for = _OF_ONE_SPARK.match(jar.name)
        if made_for and made_for[2] != _minor(version):
            message = f"{jar}: this jar is for Spark {made_for[2]}, and here is Spark {version}"
            if _minor(version) in COORDINATES:
                message += f". Use {_fitting(made_for[1], version)}"
            raise ConfigurationError(message, {"path": str(jar), "version": version})
    return [str(jar) for jar in jars]


def brings(jars: Iterable[str], artifact: str) -> bool:
    """Return whether an artifact, such as `delta-spark`, is among jars given by path or coordinate."""
    return any(re.search(rf"(^|[/\\:]){re.escape(artifact)}[-_:]", jar) for jar in jars)


def missing_class(text: str) -> str | None:
    """Return which jar to add when an error of Spark says that a class is not there, else `None`."""
    found = _MISSING.search(text)
    if found is None:
        return None
    artifact = next((jar for sign, jar in _CLASSES.items() if re.search(sign, found[1], re.IGNORECASE)), None)
    if artifact is None:
        return None
    tables = (*COORDINATES.values(), *ON_S3.values())
    jars = " or ".join(one for table in tables for one in table if brings([one], artifact)) or artifact
    return f"The session has no jar for it: start it with {jars}, by its setting spark.jars.packages"


def _fitting(artifact: str, version: str) -> str:
    return next(one for one in COORDINATES[_minor(version)] if brings([one], artifact))


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
