"""The sessions that an engine works in."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock, local
from typing import TYPE_CHECKING

import pyspark
from pyspark.sql import SparkSession

from datacoolie.core.exceptions import ConfigurationError
from datacoolie_engine_spark.jars import coordinates

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN_CONF: Mapping[str, str] = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}
"""What is set in the sessions that are the engine's own, and nowhere else."""

_EXTENSIONS = (
    "io.delta.sql.DeltaSparkSessionExtension",
    "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """Which session there is to be.

    Attributes:
        remote: URL of a Spark Connect server, `sc://host:port`.
        master: where a new session runs: `local[*]`, `spark://host:port`, ...
        conf: Spark's settings of a new session.
        jars: a folder of jars for a new session, which is then made without any download.
    """

    remote: str | None = None
    master: str | None = None
    conf: Mapping[str, str] = field(default_factory=dict)
    jars: str | None = None


class Sessions:
    """One session of the engine's own for each thread, beside the one that is there or that is started."""

    def __init__(self, session: SparkSession | None, settings: SessionSettings) -> None:
        """Keep what to use; a session is looked for, or started, when one is needed."""
        self._given = session
        self._settings = settings
        self._base: SparkSession | None = None
        self._started: SparkSession | None = None
        self._starting = RLock()
        self._own = local()

    @property
    def current(self) -> SparkSession:
        """This thread's session, in UTC and ANSI mode; its settings may be changed."""
        session: SparkSession | None = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = self.new()
        return session

    def new(self) -> SparkSession:
        """Return a new session beside the others, in UTC and ANSI mode."""
        base = self._found()
        session = _beside(base)
        for name, value in OWN_CONF.items():
            session.conf.set(name, value)
        return session

    def stop(self) -> None:
        """End the session that was started here, with all that it runs; one that was given or found goes on."""
        if self._started is not None:
            self._started.stop()
            self._started = None

    def _found(self) -> SparkSession:
        with self._starting:
            if self._base is None:
                self._base = self._given or _remote(self._settings) or _active()
            if self._base is None:
                self._base = self._started = _started(self._settings)
            return self._base


def is_remote(session: SparkSession) -> bool:
    """Return whether a session is one of Spark Connect."""
    return type(session).__module__.startswith("pyspark.sql.connect.")


def _beside(base: SparkSession) -> SparkSession:
    return base.cloneSession() if is_remote(base) else base.newSession()  # type: ignore[attr-defined] # of Connect


def _remote(settings: SessionSettings) -> SparkSession | None:
    url = settings.remote or os.environ.get("SPARK_REMOTE")
    if not url:
        return None
    from pyspark.sql.connect.session import SparkSession as RemoteSession  # noqa: PLC0415 - needs grpc

    return RemoteSession.builder.remote(url).create()  # type: ignore[return-value] # one interface, two classes


def _active() -> SparkSession | None:
    return SparkSession.getActiveSession()


def _started(settings: SessionSettings) -> SparkSession:
    """Start a session in this process."""
    builder = SparkSession.builder.appName("datacoolie").master(settings.master or "local[*]")
    for name, value in {**_new_conf(settings), **settings.conf}.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _new_conf(settings: SessionSettings) -> dict[str, str]:
    conf = {
        "spark.sql.extensions": ",".join(_EXTENSIONS),
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.ui.showConsoleProgress": "false",
    }
    if settings.jars is None:
        return {**conf, "spark.jars.packages": ",".join(coordinates(pyspark.__version__))}
    jars = sorted(map(str, Path(settings.jars).glob("*.jar")))
    if not jars:
        message = f"{settings.jars}: there are no jars in this folder"
        raise ConfigurationError(message, {"path": settings.jars})
    return {**conf, "spark.jars": ",".join(jars)}
