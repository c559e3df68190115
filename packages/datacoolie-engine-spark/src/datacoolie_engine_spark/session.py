"""The sessions that an engine works in."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock, RLock, local
from typing import TYPE_CHECKING

from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from datacoolie.core.exceptions import EngineError
from datacoolie_engine_spark.columns import is_remote
from datacoolie_engine_spark.connecting import connect, patient
from datacoolie_engine_spark.failures import translated
from datacoolie_engine_spark.starting import start_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OWN_CONF: Mapping[str, str] = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}
"""What is set in the sessions that are the engine's own, and nowhere else."""

_QUERY_ERRORS = "SQLQueryContextLogger"
"""Where pyspark logs each error of a query, with all lines of Java, before it raises it."""

_log = logging.getLogger(__name__)


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
    """Sessions of the engine's own, one for each thread, beside the one that is there or that is started.

    Nothing is set in a session that somebody else made.
    """

    def __init__(self, session: SparkSession | None, settings: SessionSettings) -> None:
        """Keep what to use; a session is looked for, or started, when one is needed."""
        self._given = session
        self._settings = settings
        self._base: SparkSession | None = None
        self._started: SparkSession | None = None
        self._finding = RLock()
        self._all: list[SparkSession] = []
        self._idle: list[SparkSession] = []
        self._lock = Lock()
        self._mine = local()

    @property
    def current(self) -> SparkSession:
        """This thread's session, in UTC and ANSI mode; its settings may be changed.

        Raises:
            EngineError: no session can be had.
            ConfigurationError: the settings are wrong.
        """
        session: SparkSession | None = getattr(self._mine, "session", None)
        if session is None:
            with translated():
                session = self._mine.session = self._take()
        return session

    @contextmanager
    def named(self, name: str) -> Iterator[None]:
        """Name what this thread runs, as Spark's own tools show it; then let another thread have its session."""
        session = self.current
        try:
            _describe(session, name)
            yield
        finally:
            _describe(session, None)
            del self._mine.session
            with self._lock:
                self._idle.append(session)

    def interrupt(self) -> None:
        """End what runs in all sessions of the engine."""
        with self._lock:
            sessions = list(self._all)
        for session in sessions:
            with suppress(EngineError), translated():
                session.interruptAll()

    def stop(self) -> None:
        """End the session that was started here, with all that it runs; one that was given or found goes on."""
        with self._finding, self._lock:
            for session in self._all:
                if is_remote(session):
                    session.stop()
            if self._started is not None:
                self._started.stop()
            self._all, self._idle = [], []
            self._base = self._started = None
            self._mine = local()

    def _take(self) -> SparkSession:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        session = self._new()
        with self._lock:
            self._all.append(session)
        return session

    def _new(self) -> SparkSession:
        if self._given is None and self._settings.remote:
            session = connect(self._settings.remote)
        else:
            session = _beside(self._found())
        for name, value in OWN_CONF.items():
            session.conf.set(name, value)
        logger = logging.getLogger(_QUERY_ERRORS)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.CRITICAL)
        return session

    def _found(self) -> SparkSession:
        """Return the session beside which the engine's own are made."""
        with self._finding:
            if self._base is None:
                self._base = self._given or _active() or _of_environment()
            if self._base is None:
                settings = self._settings
                self._started = start_session(master=settings.master, conf=settings.conf, jars=settings.jars)
                self._base = self._started
            return self._base


def _beside(base: SparkSession) -> SparkSession:
    """Return a session with settings and views of its own."""
    if not is_remote(base):
        return base.newSession()
    _ = base.version  # the server knows a session from its first question on
    return patient(base.cloneSession())  # type: ignore[attr-defined] # of Spark Connect


def _active() -> SparkSession | None:
    """Return the session that this process has already, classic or of Spark Connect."""
    kinds = [SparkSession, getattr(sys.modules.get("pyspark.sql.connect.session"), "SparkSession", None)]
    for kind in kinds:
        try:
            session: SparkSession | None = kind and kind.active()
        except PySparkRuntimeError:
            continue
        if session is not None:
            _log.info("Works beside the Spark session that is there")
            return session
    return None


def _of_environment() -> SparkSession | None:
    url = os.environ.get("SPARK_REMOTE")
    return connect(url) if url else None


def _describe(session: SparkSession, name: str | None) -> None:
    """Name the jobs of this thread, in a classic session; those of Spark Connect have tags."""
    session.clearTags()
    if name is not None:
        session.addTag(name.replace(",", " "))
    if not is_remote(session):
        session.sparkContext.setJobDescription(name)  # type: ignore[arg-type] # none takes it away
