"""The sessions that an engine works in."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock, RLock, Thread, local
from typing import TYPE_CHECKING

from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from datacoolie.core.exceptions import ConfigurationError, EngineError
from datacoolie.core.redaction import get_logger
from datacoolie_engine_spark.columns import is_remote
from datacoolie_engine_spark.connecting import connect, patient
from datacoolie_engine_spark.failures import translated
from datacoolie_engine_spark.starting import start_session
from datacoolie_engine_spark.storages import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacoolie.platforms.storage import Storage

OWN_CONF: Mapping[str, str] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # The default of Spark is a type that Parquet gave up, in which points in time are times without zone for others.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}
"""What is set in the sessions that are the engine's own, and nowhere else."""

_QUERY_ERRORS = "SQLQueryContextLogger"
"""Where pyspark logs each error of a query, with all lines of Java, before it raises it."""

_PAUSE = 0.2
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """Which session there is to be.

    Attributes:
        remote: URL of a Spark Connect server, `sc://host:port`.
        master: where a new session runs: `local[*]`, `spark://host:port`, ...
        conf: Spark's settings of a new session, or of the engine's own beside the one that is there.
        jars: a folder of jars for a new session, which is then made without any download.
    """

    remote: str | None = None
    master: str | None = None
    conf: Mapping[str, str] = field(default_factory=dict)
    jars: str | None = None


def as_texts(conf: object) -> dict[str, str]:
    """Return settings as Spark takes them.

    Raises:
        ConfigurationError: they are no settings by name, or a value is neither text nor number nor boolean.
    """
    if not isinstance(conf, Mapping):
        message = f"engine.conf is {type(conf).__name__}; write settings of Spark by name: {{spark.ui.enabled: false}}"
        raise ConfigurationError(message, {"setting": "conf"})
    for name, value in conf.items():
        if not isinstance(value, (str, int, float)):
            message = f"engine.conf.{name} is {value!r}; write text, a number, true or false"
            raise ConfigurationError(message, {"setting": name})
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in conf.items()}


@dataclass(eq=False, slots=True)
class _Work:
    """What one thread does under one name, and the sessions in which it does it: the last one is its own now."""

    name: str | None = None
    sessions: list[SparkSession] = field(default_factory=list)
    is_ended: bool = False


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
        self._schemes: set[str] = set()
        self._finding = RLock()
        self._all: list[SparkSession] = []
        self._idle: list[SparkSession] = []
        self._works: list[_Work] = []
        self._lock = Lock()
        self._mine = local()

    @property
    def current(self) -> SparkSession:
        """This thread's session, in UTC and ANSI mode; its settings may be changed.

        Raises:
            EngineError: no session can be had.
            ConfigurationError: the settings are wrong.
        """
        work = self._work()
        if not work.sessions:
            with translated():
                session = self._take()
                _describe(session, work.name)
            work.sessions.append(session)
        return work.sessions[-1]

    def reaching(self, storage: Storage, uri: str) -> SparkSession:
        """Return this thread's session, which gets at a path of a connection.

        Raises:
            EngineError: no session can be had.
            PlatformError: there are no credentials, or the platform has no such paths.
        """
        self._schemes |= storage.platform.schemes
        session = self.current
        with translated():
            tell(session, storage, uri)
        return session

    def setting(self, name: str, *, started: str) -> str | None:
        """Return a setting of the classic Spark that is there, or that is to be started: nothing is, and nobody asked.

        Args:
            name: of the setting.
            started: what it is in a Spark that is started here, unless the project says otherwise.
        """
        elsewhere = self._settings.remote or os.environ.get("SPARK_REMOTE")
        there = self._base or self._given or (None if self._settings.remote else _active())
        if there is None:
            return None if elsewhere else self._settings.conf.get(name, started)
        with suppress(EngineError), translated():
            return None if is_remote(there) else there.conf.get(name, None)
        return None

    @contextmanager
    def named(self, name: str) -> Iterator[None]:
        """Name what this thread runs, as Spark's own tools show it; then let another thread have its session."""
        self._end(self._work())
        work = self._begin(_Work(name))
        try:
            yield
        finally:
            self._mine.work = None
            self._end(work)

    def renew(self) -> SparkSession:
        """Give this thread another session, which knows no catalog and no view; frames of the one it had go on."""
        work = self._work()
        with translated():
            session = self._new()
            _describe(session, work.name)
        work.sessions.append(session)
        with self._lock:
            self._all.append(session)
        return session

    def interrupt(self, name: str | None = None) -> None:
        """End what runs under a name, or all that runs, and what is about to begin there; nothing that begins later.

        Returns at once: a server may take its time, or never answer.
        """
        with self._lock:
            works = [work for work in self._works if name in {None, work.name}]
            for work in works:
                work.is_ended = True
        Thread(target=self._interrupt_on, args=(works,), name="datacoolie-spark-interrupt", daemon=True).start()

    def _interrupt_on(self, works: list[_Work]) -> None:
        """Interrupt work again and again until it ends: a job that is only about to begin would not notice.

        Work without a name does not end, so it is interrupted once.
        """
        while works:
            _interrupt([session for work in works for session in work.sessions])
            time.sleep(_PAUSE)
            with self._lock:
                works = [work for work in works if work.name is not None and work in self._works]

    def stop(self) -> None:
        """End the session that was started here, with all that it runs; one that was given or found goes on."""
        with self._finding:
            sessions, started = self._all, self._started
            self._forget()
            self._mine = local()
            for session in sessions:
                if is_remote(session):
                    session.stop()
            if started is not None:
                started.stop()

    def _work(self) -> _Work:
        work: _Work | None = getattr(self._mine, "work", None)
        return work or self._begin(_Work())

    def _begin(self, work: _Work) -> _Work:
        self._mine.work = work
        with self._lock:
            self._works.append(work)
        return work

    def _end(self, work: _Work) -> None:
        """Let another thread have the session, unless an interrupt may still be on its way to it."""
        if work.sessions:
            with suppress(EngineError), translated():
                _describe(work.sessions[-1], None)
        with self._lock:
            self._works.remove(work)
            if work.sessions and not work.is_ended:
                self._idle.append(work.sessions[-1])

    def _take(self) -> SparkSession:
        with self._lock:
            session = self._idle.pop() if self._idle else None
        if session is not None:
            if _is_alive(session):
                return session
            self._forget()
        session = self._new()
        with self._lock:
            self._all.append(session)
        return session

    def _new(self) -> SparkSession:
        settings = self._settings
        session = connect(settings.remote) if self._given is None and settings.remote else _beside(self._found())
        # A setting of a session that was started is in it already; some can't be set any more.
        conf = {} if self._started is not None else settings.conf
        for name, value in {**conf, **OWN_CONF}.items():
            if session.conf.get(name, None) != value:  # also one that can't be set any more
                session.conf.set(name, value)
        logger = logging.getLogger(_QUERY_ERRORS)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.CRITICAL)
        return session

    def _forget(self) -> None:
        """Forget sessions of a Spark that is gone, so that there can be another one."""
        with self._finding, self._lock:
            self._all, self._idle = [], []
            self._base = self._started = None

    def _found(self) -> SparkSession:
        """Return the session beside which the engine's own are made."""
        with self._finding:
            if self._base is None:
                self._base = self._given or _active() or _of_environment()
                if self._base is not None:
                    _log.info("Works beside the Spark session that is there")
            if self._base is None:
                settings = self._settings
                self._base = self._started = start_session(
                    master=settings.master, conf=settings.conf, jars=settings.jars, schemes=self._schemes
                )
            return self._base


def _beside(base: SparkSession) -> SparkSession:
    """Return a session with settings and views of its own."""
    if not is_remote(base):
        return base.newSession()
    _ = base.version  # the server knows a session from its first question on
    clone = base.cloneSession()  # type: ignore[attr-defined] # of Spark Connect
    clone.release_session_on_close = True  # which a clone is made without, and can't be stopped without
    return patient(clone)


def _interrupt(sessions: list[SparkSession]) -> None:
    for session in sessions:
        with suppress(EngineError), translated():
            session.interruptAll()


def _is_alive(session: SparkSession) -> bool:
    try:
        with translated():
            _ = session.conf.get("spark.sql.ansi.enabled") if is_remote(session) else session.sparkContext.version
    except EngineError:
        return False
    return True


def _active() -> SparkSession | None:
    """Return the session that this process has already, classic or of Spark Connect."""
    kinds = [SparkSession, getattr(sys.modules.get("pyspark.sql.connect.session"), "SparkSession", None)]
    for kind in kinds:
        try:
            session: SparkSession | None = kind and kind.active()
        except PySparkRuntimeError:
            continue
        # A classic one that was stopped is still shown.
        if session is not None and (is_remote(session) or _is_alive(session)):
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
