"""Starting a Spark in this process: its settings, its jars, its Java."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import pyspark
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from datacoolie.core.exceptions import EngineError, ErrorClass
from datacoolie_engine_spark.jars import SPARK_HAS, brings, coordinates, jars_in
from datacoolie_engine_spark.java import require_java
from datacoolie_engine_spark.storages import LOG_STORES, OURS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_HERE = Path(__file__).parent
_EXTENSIONS = {
    "delta-spark": "io.delta.sql.DeltaSparkSessionExtension",
    "iceberg-spark-runtime": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
}
_ON_S3 = {
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
    **LOG_STORES,
}
"""Paths are `s3://`, as everywhere else. Of several writers of a Delta table one wins, those of other engines too."""

PATIENCE = 60.0
"""Seconds for which a cluster's first executor is waited for."""

_PAUSE = 0.5
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"


def start_session(
    *, master: str | None, conf: Mapping[str, str], jars: str | None, schemes: Collection[str] = ()
) -> SparkSession:
    """Start a Spark in this process.

    Args:
        master: where it runs; by default here, on all cores.
        conf: Spark's settings, which win over those that this engine sets.
        jars: a folder of jars; without it those that the Spark needs are downloaded once.
        schemes: of the URIs at which it has to get, such as `s3`.

    Raises:
        EngineError: there is no Java that fits, or Spark can't be started.
        ConfigurationError: there are no jars that fit.
    """
    settings = _settings(jars, conf, schemes)
    require_java()
    builder = SparkSession.builder.master(master or conf.get("spark.master", "local[*]"))
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        return _with_executors(builder.getOrCreate(), master or settings.get("spark.master", "local"))
    except (PySparkException, Py4JError, OSError) as error:
        said = str(error).strip().splitlines()[0]
        message = f"Spark can't be started on {master or 'this machine'}: {said}. What it said itself stands above"
        raise EngineError(message, {"master": master}).classed(ErrorClass.CONFIGURATION) from error


def _with_executors(session: SparkSession, master: str) -> SparkSession:
    """Wait for the cluster's first executor: without one Spark would wait for ever.

    Raises:
        EngineError: there is none in time; Spark is stopped again.
    """
    if master.startswith("local"):
        return session
    done = Event()
    Thread(target=_interrupt_after, args=(session, done), daemon=True).start()
    try:
        session.range(1).count()
    except (PySparkException, Py4JError) as error:
        session.stop()
        message = (
            f"The cluster {master} gave no executor within {PATIENCE:.0f} seconds. Free some of its cores and memory, "
            "or ask for less (engine: {name: spark, conf: {spark.executor.memory: 1g, spark.cores.max: 2}})"
        )
        raise EngineError(message, {"master": master}).classed(ErrorClass.TRANSIENT) from error
    finally:
        done.set()
    return session


def _interrupt_after(session: SparkSession, done: Event) -> None:
    """Interrupt again and again: a job that is only about to begin would not notice."""
    pause = PATIENCE
    while not done.wait(pause):
        session.interruptAll()
        pause = _PAUSE


def _settings(jars: str | None, conf: Mapping[str, str], schemes: Collection[str]) -> dict[str, str]:
    version = pyspark.__version__
    wanted = coordinates(version, schemes) if jars is None else jars_in(jars, version)
    level = "error" if logging.getLogger("datacoolie").isEnabledFor(logging.DEBUG) else "off"
    options = f"-Dlog4j2.configurationFile={(_HERE / 'log4j2.properties').as_uri()} -Ddatacoolie.spark.log={level}"
    settings = {
        "spark.app.name": "datacoolie",
        "spark.ui.showConsoleProgress": "false",
        "spark.scheduler.mode": "FAIR",
        "spark.scheduler.allocation.file": (_HERE / "fairscheduler.xml").as_uri(),
        **_bringing(wanted, download=jars is None),
        "spark.sql.extensions": ",".join(name for jar, name in _EXTENSIONS.items() if brings(wanted, jar)),
        OURS: "true",
        **conf,
    }
    if brings(wanted, "delta-spark"):
        settings.setdefault("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    settings[_JAVA_OPTIONS] = f"{options} {conf.get(_JAVA_OPTIONS, '')}".strip()
    return settings


def _bringing(jars: Sequence[str], *, download: bool) -> dict[str, str]:
    """Return the settings by which jars are there, and what those of S3 are for."""
    if not brings(jars, "hadoop-aws"):
        return {"spark.jars.packages" if download else "spark.jars": ",".join(jars)}
    own = str(_HERE / "s3-log-store.jar")
    found = {"spark.jars": ",".join([own] if download else [own, *jars])}
    if download:
        found |= {"spark.jars.packages": ",".join(jars), "spark.jars.excludes": ",".join(SPARK_HAS)}
    return found | _ON_S3
