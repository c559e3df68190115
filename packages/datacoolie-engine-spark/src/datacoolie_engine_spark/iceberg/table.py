"""Iceberg tables by catalog name."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DataCoolieError, DestinationError, EngineError, ErrorClass, SourceError
from datacoolie.core.suggest import listed
from datacoolie.engines import CommitConflictError, UnknownOutcomeError, WriteResult, evolution, tokens
from datacoolie.sql import lit
from datacoolie_engine_spark import merges, rules
from datacoolie_engine_spark.columns import column
from datacoolie_engine_spark.failures import translated
from datacoolie_engine_spark.iceberg import care, catalogs, metadata
from datacoolie_engine_spark.iceberg.schema import held, statements, transform_name, transform_text
from datacoolie_engine_spark.options import table_options
from datacoolie_engine_spark.tables import SparkTable, conformed, named, set_while
from datacoolie_engine_spark.types import struct_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import timedelta

    from pyspark.sql import DataFrame, SparkSession

    from datacoolie.core.types import Schema
    from datacoolie.engines import Commit, MergePlan, TableRef, Tidied, WriteRequest
    from datacoolie.engines.evolution import SchemaChange
    from datacoolie_engine_spark.frames import SparkFrames
    from datacoolie_engine_spark.iceberg.metadata import Metadata
    from datacoolie_engine_spark.merges import Batch
    from datacoolie_engine_spark.session import Sessions

_log = logging.getLogger("datacoolie.engines.spark")

_PROPERTY = "spark.sql.iceberg.snapshot-property."
_ATTEMPT = "datacoolie-attempt"
"""In a snapshot's summary, beside the entries of its commit: what tells it from other attempts."""

_OPTIONS = {"compression": "spark.sql.iceberg.compression-codec"}
_MERGED = "spark.merge-into.num-target-rows-"
"""How names of what a MERGE counts begin."""

_RESERVED = ("isolation-level", "validate-from-snapshot-id", "merge-schema", "check-nullability")
_MISSING = {"TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND"}
_CONFLICTS = (
    "ValidationException",
    "CommitFailedException",
    "AlreadyExistsException",
    "TABLE_OR_VIEW_ALREADY_EXISTS",
    "TABLE_OR_VIEW_NOT_FOUND",
)
_UNKNOWN = "CommitStateUnknownException"


class IcebergTable(SparkTable):
    """One Iceberg table, as of the snapshot that was current when this was made."""

    def __init__(self, ref: TableRef, sessions: Sessions, frames: SparkFrames) -> None:
        """Remember the name; the catalog is asked when the table is first needed."""
        if not ref.name or not ref.catalog_options:
            message = f"{ref}: Iceberg tables have a name in a catalog; give the connection catalog_options"
            raise EngineError(message).classed(ErrorClass.CONFIGURATION)
        super().__init__(str(ref), sessions, frames)
        self._ref = ref
        self._target = named(ref)
        self._home = catalogs.register(sessions, ref)

    @property
    def _session(self) -> SparkSession:
        return self._home

    @cached_property
    def _metadata(self) -> Metadata | None:
        found = self._read_metadata()
        identity, _, _ = (self._ref.version or "").partition("@")
        if found is not None and identity and found.identity != identity:
            message = f"{self._where}: this is another table than the one of which a version was asked for"
            raise SourceError(message, {"table": self._ref.name})
        return found

    def _read_metadata(self) -> Metadata | None:
        """Return what the table says of itself now; `None` when there is none.

        Raises:
            DestinationError: the catalog can't be reached, or the metadata can't be read.
        """
        try:
            with translated(target=self._where):
                return metadata.read(self._session, self._target)
        except (EngineError, SourceError, DestinationError) as error:
            if error.details.get("condition") in _MISSING:
                return None
            if error.error_class is ErrorClass.TRANSIENT:
                raise
            message = f"{self._where}: the catalog {self._ref.catalog!r} can't be used: {error.message}"
            raise DestinationError(message, {"table": self._ref.name}).classed(error.error_class) from error

    @property
    def exists(self) -> bool:
        """Whether there is a table."""
        return self._metadata is not None

    @property
    def version(self) -> str:
        """The table's id and that of its snapshot, which is missing while the table has none."""
        if self._ref.version is not None:
            return self._ref.version
        known = self._existing()
        return f"{known.identity}@{'' if known.snapshot is None else known.snapshot}"

    def schema(self) -> Schema:
        """Return the table's columns."""
        self._existing()
        with self._committing():
            return self._frames.schema(self._session.table(self._target))

    def scan(self) -> DataFrame:
        """Return the rows of this version."""
        known = self._existing()
        _, _, number = self.version.partition("@")
        if number and not known.has(int(number)):
            message = f"{self._where}: snapshot {number} is expired; read the table from its newest snapshot"
            raise SourceError(message, {"table": self._ref.name})
        with translated(target=self._where):
            if not number:
                return self._session.table(self._target).filter("false")
            rows = self._session.sql(f"SELECT * FROM {self._target} VERSION AS OF {int(number)}")  # noqa: S608 - quoted
            # The schema may have changed without a snapshot; one that is named has the schema of its time.
            return rows if int(number) != known.snapshot else self._with_own_columns(rows)

    def _with_own_columns(self, rows: DataFrame) -> DataFrame:
        current = self._session.table(self._target)
        return rows if rows.schema == current.schema else current

    def committed(self, dataflow_id: str, *, after: int = -1) -> Commit | None:
        """Return the newest commit of a dataflow when its `seq` is above `after`, else `None`.

        Raises:
            CommitForgottenError: the table has the token, but its snapshot is expired or rolled back.
        """
        known = self._metadata
        return known.newest(dataflow_id, after=after, where=self._where) if known else None

    def history(self, limit: int) -> Sequence[Mapping[str, object]]:
        """Return the newest snapshots."""
        found = islice(self._existing().ancestors(), limit)
        return [
            {"snapshot_id": one["snapshot-id"], "timestamp_ms": one["timestamp-ms"], **one.get("summary", {})}
            for one in found
        ]

    def vacuum(self, *, keep: timedelta, leftovers: bool, if_due: bool = False) -> Tidied | None:
        """Expire snapshots that are older than `keep`, and remove files that no snapshot needs."""
        known = self._metadata
        if known is None:
            return None
        with translated(target=self._where):
            return care.vacuum(
                self._session, self._ref, known, self._repeat, keep=keep, leftovers=leftovers, if_due=if_due
            )

    def _existing(self) -> Metadata:
        if self._metadata is None:
            raise self._missing()
        return self._metadata

    def _held(self, frame: DataFrame) -> DataFrame:
        catalogs.refuse_others(frame, self._home, self._ref)
        schema = self._frames.schema(frame)
        target = held(schema)
        return frame if target == dict(schema) else conformed(frame, target)

    def _compare(self, schema: Schema, request: WriteRequest[DataFrame]) -> SchemaChange:
        asked = [(field.column, transform_name(field)) for field in request.partition_by]
        actual = self._existing().partitions
        if asked and asked != actual:
            shown = listed(f"{name} ({transform})" for name, transform in actual)
            message = (
                f"{self._where}: the table is partitioned by {shown}, not by {listed(map(str, request.partition_by))}. "
                "Ask for what the table has, or for nothing, or load into a new table"
            )
            raise DestinationError(message, {"partitions": shown}).classed(ErrorClass.CONFIGURATION)
        return evolution.of_iceberg(self.schema(), schema, request, self._where)

    def _check_first(self, schema: Schema, request: WriteRequest[DataFrame]) -> None:
        for field in request.partition_by:
            if field.column not in schema:
                message = f"{self._where}: there is no partition column {field.column!r}. Columns: {listed(schema)}"
                raise DestinationError(message, {"column": field.column}).classed(ErrorClass.CONFIGURATION)

    def _create(self, frame: DataFrame, request: WriteRequest[DataFrame], commit: Commit) -> WriteResult:
        keys = ", ".join(map(transform_text, request.partition_by))
        partitioned = f" PARTITIONED BY ({keys})" if keys else ""

        def make() -> None:
            self._make_namespace()
            with merges.viewed(frame) as view:
                properties = "TBLPROPERTIES ('format-version'='2')"
                made = f"CREATE TABLE {self._target} USING iceberg{partitioned} {properties} AS TABLE {view}"
                self._session.sql(made).collect()

        made = self._commit(make, request, commit)
        return replace(made, identity=self._existing().identity)

    def _make_namespace(self) -> None:
        namespace = ".".join(self._target.split(".")[:-1])
        statement = f"CREATE NAMESPACE IF NOT EXISTS {namespace}"
        try:
            with translated(target=self._where):
                self._session.sql(statement).collect()
        except DataCoolieError:
            # Of two that find none, one fails to make it; if that was it, it is there now.
            self._session.sql(statement).collect()

    def _add(
        self, frame: DataFrame, change: SchemaChange, request: WriteRequest[DataFrame], commit: Commit
    ) -> WriteResult:
        self._check_append(commit)
        self._evolve(change, request)
        made = self._commit(lambda: frame.writeTo(self._target).append(), request, commit)
        return replace(made, schema_changes=change.said())

    def _replace_all(
        self, frame: DataFrame, change: SchemaChange, request: WriteRequest[DataFrame], commit: Commit
    ) -> WriteResult:
        self._evolve(change, request)
        writer = frame.writeTo(self._target).option("isolation-level", "serializable")
        if (snapshot := self._existing().snapshot) is not None:
            writer = writer.option("validate-from-snapshot-id", str(snapshot))
        made = self._commit(lambda: writer.overwrite(column(frame, "true")), request, commit)
        return replace(made, schema_changes=change.said())

    def _replace_where(
        self, frame: DataFrame, condition: str, request: WriteRequest[DataFrame], commit: Commit
    ) -> WriteResult:
        made = self._commit(lambda: merges.replace_where(self._target, frame, condition), request, commit)
        return replace(made, inserted=None, updated=None, deleted=None)

    def _merge(
        self,
        batch: Batch,
        plan: MergePlan[DataFrame],
        change: SchemaChange,
        request: WriteRequest[DataFrame],
        commit: Commit,
    ) -> WriteResult:
        return self._commit(lambda: merges.merge(self._target, batch, plan, change.schema), request, commit)

    def _evolve(self, change: SchemaChange, request: WriteRequest[DataFrame]) -> None:
        del request
        with self._committing():
            for statement in statements(self._target, change):
                self._session.sql(statement).collect()

    def _repeat(self, commit: Commit) -> None:
        """Say again what a commit said, in a snapshot that changes nothing."""
        nothing = self._session.createDataFrame([], struct_of(self.schema()))
        with set_while(self._session, _properties(commit)), self._committing():
            nothing.writeTo(self._target).append()

    def _commit(self, act: Callable[[], object], request: WriteRequest[DataFrame], commit: Commit) -> WriteResult:
        """Run the one statement of a load, whose snapshot carries the token, and return what it did."""
        confs, _ = table_options(request.options, confs=_OPTIONS, reserved=_RESERVED, where="iceberg")
        said = {**_properties(commit), _PROPERTY + _ATTEMPT: request.stem}
        with set_while(self._session, {**confs, **said}), self._committing():
            act()
        del self._metadata
        snapshot = next(one for one in self._existing().ancestors() if one["summary"].get(_ATTEMPT) == request.stem)
        self._remember(commit)
        return _result(snapshot)

    def _remember(self, commit: Commit) -> None:
        """Note a flow's newest number in the table, where it stays when the snapshot is expired."""
        key, value = tokens.SEQ_PROPERTY + commit.token.dataflow_id, str(commit.token.seq)
        try:
            with translated(target=self._where):
                properties = f"{lit(key).sql()} = {lit(value).sql()}"
                self._session.sql(f"ALTER TABLE {self._target} SET TBLPROPERTIES ({properties})").collect()
        except DataCoolieError as error:
            # The commit is made; this is for tables whose snapshots others expire.
            _log.warning("%s: the number of load %s was not noted: %s", self._where, value, error.message)

    @contextmanager
    def _committing(self) -> Iterator[None]:
        """Raise typed errors of a statement that needs the table that is open.

        Raises:
            CommitConflictError: somebody else's commit came first.
            UnknownOutcomeError: the catalog, or Spark, does not say whether the commit was made.
        """
        try:
            with translated(target=self._where):
                yield
        except (EngineError, DestinationError, CommitConflictError) as error:
            if refused := rules.broken(error, self._where):
                raise refused from error
            text = f"{error.message} {error.details.get('condition')} {error.__cause__}"
            details = {"table": self._ref.name}
            if _UNKNOWN in text or error.error_class is ErrorClass.TRANSIENT:
                message = f"{self._where}: it is unknown whether the commit is in the table: {error.message}"
                raise UnknownOutcomeError(message, details) from error
            if any(sign in text for sign in _CONFLICTS):
                message = f"{self._where}: somebody else's commit came first: {error.message}"
                raise CommitConflictError(message, details) from error
            raise

    def _check_append(self, commit: Commit) -> None:
        """Make sure, for Iceberg takes any append, that the table is the same and has no such load yet.

        Raises:
            CommitConflictError: it is not, or it has.
        """
        now, token = self._read_metadata(), commit.token
        details = {"table": self._ref.name, "seq": token.seq}
        if now is None or now.identity != self._existing().identity:
            message = f"{self._where}: somebody else dropped the table, or made it again, while it was loaded"
            raise CommitConflictError(message, details)
        if now.newest(token.dataflow_id, after=token.seq - 1, where=self._where):
            message = f"{self._where}: load {token.seq} of dataflow {token.dataflow_id} was committed meanwhile"
            raise CommitConflictError(message, details)

    def _check_current(self) -> None:
        now = self._read_metadata()
        if now is None or now.snapshot != self._existing().snapshot:
            message = f"{self._where}: somebody else committed while the table was read"
            raise CommitConflictError(message, {"table": self._ref.name})


def _properties(commit: Commit) -> dict[str, str]:
    return {_PROPERTY + name: text for name, text in tokens.entries(commit).items()}


def _result(snapshot: metadata.Json) -> WriteResult:
    """Return what a snapshot did, by its summary."""
    said = snapshot["summary"]

    def number(name: str) -> int:
        return int(said.get(name, 0))

    written = WriteResult(
        version=str(snapshot["snapshot-id"]),
        rows=number("added-records"),
        size=number("added-files-size"),
        files=number("added-data-files"),
        removed_files=number("deleted-data-files"),
    )
    if f"{_MERGED}inserted" not in said:
        return written
    inserted, updated, deleted = (number(_MERGED + what) for what in ("inserted", "updated", "deleted"))
    return replace(written, rows=inserted + updated, inserted=inserted, updated=updated, deleted=deleted)
