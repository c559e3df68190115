"""The Spark engine: what it can do, and its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pyspark.sql import DataFrame

from datacoolie.core.exceptions import EngineError, ErrorClass
from datacoolie.core.models import Format, LoadType
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.engines import BaseEngine, EngineCapabilities, QueryOps
from datacoolie_engine_spark.delta.table import DeltaTable
from datacoolie_engine_spark.files.ops import SparkFiles
from datacoolie_engine_spark.files.scan import READERS
from datacoolie_engine_spark.files.writers import WRITERS
from datacoolie_engine_spark.frames import SparkFrames
from datacoolie_engine_spark.iceberg.table import IcebergTable
from datacoolie_engine_spark.session import Sessions, SessionSettings, as_texts
from datacoolie_engine_spark.storages import LOG_STORES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from pyspark.sql import SparkSession

    from datacoolie.engines import QueryScan, TableOps, TableRef


_LOOKS_FIRST = (
    "this Spark was not set up by DataCoolie: its commits to Delta tables on S3 don't see what others commit in the "
    "same moment, so only one process may write the table at a time"
)
_TAKES_ANY = (
    "Iceberg takes any append by Spark: of a run that slept before its commit until another one took its lease, and "
    "loaded, the rows are there twice"
)


class SparkEngine(BaseEngine[DataFrame]):
    """Frames of Spark, in a session of the engine's own beside the one that is given, found or started."""

    contract_version: ClassVar[int] = 1
    name: ClassVar[str] = "spark"
    capabilities: ClassVar[EngineCapabilities] = EngineCapabilities(
        reads=frozenset(READERS),
        writes=frozenset(WRITERS),
        tables=dict.fromkeys(("delta", "iceberg"), frozenset(LoadType)),
        table_paths=frozenset({"delta"}),
        table_names=frozenset({"iceberg"}),
        optimizes=frozenset({"delta"}),
        vacuums=frozenset({"delta", "iceberg"}),
        observes=False,
    )
    frames: SparkFrames

    def __init__(
        self,
        session: SparkSession | None = None,
        *,
        remote: str | None = None,
        master: str | None = None,
        conf: Mapping[str, object] | None = None,
        jars: str | None = None,
    ) -> None:
        """Keep which session to use; it is looked for, or started, when it is needed.

        Args:
            session: a session that is there, none of whose settings is changed.
            remote: URL of a Spark Connect server, instead of the session that is there.
            master: where a new session runs.
            conf: settings of a new session, or of the engine's own beside the one that is there; numbers and booleans
                are written as Spark writes them.
            jars: a folder of jars for a new session; without it they are downloaded once.

        Raises:
            ConfigurationError: a setting is neither text nor number nor boolean.
        """
        settings = SessionSettings(remote=remote, master=master, conf=as_texts(conf or {}), jars=jars)
        self.sessions = Sessions(session, settings)
        self.frames = SparkFrames(self.sessions)
        self.files = SparkFiles(self.sessions, self.frames)
        self.queries = SparkQueries()

    @property
    def session(self) -> SparkSession:
        """The session in which this thread works: in UTC and ANSI mode, and nobody else's."""
        return self.sessions.current

    def stop(self) -> None:
        """End the session that was started here; one that was given or found goes on."""
        self.sessions.stop()

    def naming(self, name: str) -> AbstractContextManager[None]:
        """Show what this thread evaluates inside under a name, in Spark's own tools and logs."""
        return self.sessions.named(name)

    def table(self, ref: TableRef) -> TableOps[DataFrame]:
        """Open a table.

        Raises:
            EngineError: there is no such format.
            PlatformError: there are no credentials for the table's files.
        """
        if ref.path is not None:
            self.sessions.reaching(ref.storage, ref.path)
        if ref.format == "delta":
            return DeltaTable(ref, self.sessions, self.frames)
        if ref.format == "iceberg":
            return IcebergTable(ref, self.sessions, self.frames)
        possible = listed(self.capabilities.tables)
        near = did_you_mean(ref.format, self.capabilities.tables)
        message = f"The engine 'spark' has no {ref.format!r} tables yet. Possible: {possible}.{near}"
        raise EngineError(message, {"format": ref.format}).classed(ErrorClass.CONFIGURATION)

    def unpromised(self, uri: str | None, kind: Format, load_type: LoadType) -> str:
        """Return that commits to Delta on S3 may not see each other, or that Iceberg does not look for a token."""
        if kind is Format.ICEBERG:
            return _TAKES_ANY if load_type is LoadType.APPEND else ""
        setting = f"spark.delta.logStore.{(uri or '').partition('://')[0]}.impl"
        ours = LOG_STORES.get(setting)
        return _LOOKS_FIRST if ours and self.sessions.setting(setting, started=ours) != ours else ""

    def end_work(self, name: str) -> None:
        """End what is evaluated under a name; returns at once."""
        self.sessions.interrupt(name)

    def interrupt(self) -> None:
        """End the passes that are running; returns at once."""
        self.sessions.interrupt()


class SparkQueries(QueryOps[DataFrame]):
    """SQL sources, which this engine does not have yet."""

    def scan(self, request: QueryScan) -> DataFrame:
        """Refuse by name."""
        message = f"{request.url}: SQL sources are not supported yet by the engine 'spark'"
        raise EngineError(message).classed(ErrorClass.CONFIGURATION)
