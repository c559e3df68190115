"""Tables of any format: a batch is compared with the table, decided on, then written by one statement."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from datacoolie.core.exceptions import DestinationError
from datacoolie.engines import TableOps, WriteResult
from datacoolie.engines.evolution import check_new
from datacoolie.engines.merging import resolved
from datacoolie.engines.schemas import spellings
from datacoolie_engine_spark import merges, observations
from datacoolie_engine_spark.columns import quoted
from datacoolie_engine_spark.expressions import expression_text
from datacoolie_engine_spark.types import struct_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import SparkSession

    from datacoolie.core.types import Schema
    from datacoolie.engines import Commit, MergePlan, Rebuild, TableRef, WriteRequest
    from datacoolie.engines.evolution import SchemaChange
    from datacoolie.sql import Expr
    from datacoolie_engine_spark.frames import SparkFrames
    from datacoolie_engine_spark.merges import Batch
    from datacoolie_engine_spark.session import Sessions


def named(ref: TableRef) -> str:
    """Return a table's name as SQL says it, with its catalog."""
    return ".".join(map(quoted, [ref.catalog, *str(ref.name).split(".")]))


class SparkTable(TableOps[DataFrame]):
    """One table of one format, as of the version that was current when this was made.

    Args:
        where: the table, for messages.
        sessions: where statements run.
        frames: operations on frames.
    """

    def __init__(self, where: str, sessions: Sessions, frames: SparkFrames) -> None:
        """Remember the table; it is opened when it is first asked for."""
        self._where = where
        self._sessions = sessions
        self._frames = frames

    @property
    def _session(self) -> SparkSession:
        return self._sessions.current

    @abstractmethod
    def _compare(self, schema: Schema, request: WriteRequest[DataFrame]) -> SchemaChange:
        """Compare a batch's columns with the table's.

        Raises:
            DestinationError: a type doesn't fit, the policy forbids the change, or other partitions were asked for.
        """

    @abstractmethod
    def _check_first(self, schema: Schema, request: WriteRequest[DataFrame]) -> None:
        """Make sure that a table can be made of such a batch.

        Raises:
            DestinationError: it can't.
        """

    @abstractmethod
    def _create(self, frame: DataFrame, request: WriteRequest[DataFrame], commit: Commit) -> WriteResult:
        """Make the table with these rows, unless somebody else does it first."""

    @abstractmethod
    def _add(
        self, frame: DataFrame, change: SchemaChange, request: WriteRequest[DataFrame], commit: Commit
    ) -> WriteResult:
        """Commit rows beside those that are there."""

    @abstractmethod
    def _replace_all(
        self, frame: DataFrame, change: SchemaChange, request: WriteRequest[DataFrame], commit: Commit
    ) -> WriteResult:
        """Commit rows as the whole of the table."""

    @abstractmethod
    def _replace_where(
        self, frame: DataFrame, condition: str, request: WriteRequest[DataFrame], commit: Commit
    ) -> WriteResult:
        """Commit rows in the place of those for which a condition is true."""

    @abstractmethod
    def _evolve(self, change: SchemaChange, request: WriteRequest[DataFrame]) -> None:
        """Give the table its new columns, types and names by a commit of its own, which changes no row."""

    @abstractmethod
    def _merge(
        self,
        batch: Batch,
        plan: MergePlan[DataFrame],
        change: SchemaChange,
        request: WriteRequest[DataFrame],
        commit: Commit,
    ) -> WriteResult:
        """Commit a merge into a table that has the columns of the batch."""

    @abstractmethod
    def _check_current(self) -> None:
        """Make sure that the table still is at the version that was read.

        Raises:
            CommitConflictError: it is not.
        """

    def _filled(self, frame: DataFrame, columns: Schema) -> DataFrame:
        """Return a batch as it is written: all columns of the table, null where the batch has none."""
        return conformed(frame, columns)

    def _held(self, frame: DataFrame) -> DataFrame:
        """Bring a batch to types that the format has."""
        return frame

    def append(self, frame: DataFrame, request: WriteRequest[DataFrame]) -> WriteResult:
        """Add the rows."""
        frame = self._held(frame)
        if not self.exists:
            return self._first(frame, request)
        change = self._compare(self._frames.schema(frame), request)
        return self._add(self._filled(frame, change.schema), change, request, self._decided(request))

    def overwrite(
        self, frame: DataFrame, request: WriteRequest[DataFrame], *, where: Expr | None = None
    ) -> WriteResult:
        """Replace all rows, or those for which `where` is true."""
        frame = self._held(frame)
        if not self.exists:
            return self._first(frame, request)
        change = self._compare(self._frames.schema(frame), request)
        frame = self._filled(frame, change.schema)
        condition = None if where is None else expression_text(where, change.schema)
        commit = self._decided(request)
        self._check_current()
        if condition is None:
            return self._replace_all(frame, change, request, commit)
        self._evolve(change, request)
        result = self._replace_where(frame, condition, request, commit)
        return replace(result, schema_changes=change.said())

    def merge(self, frame: DataFrame, plan: MergePlan[DataFrame], request: WriteRequest[DataFrame]) -> WriteResult:
        """Run one MERGE; the batch is evaluated once and kept by Spark until it ends.

        Raises:
            DestinationError: a key is no column, or is in the batch twice; and as `TableOps` says.
        """
        with self._frames.keeping():
            # What is observed is observed of the same rows, before they get the table's columns.
            return self._merged(self._frames.reused(self._held(frame)), plan, request)

    def _merged(self, frame: DataFrame, plan: MergePlan[DataFrame], request: WriteRequest[DataFrame]) -> WriteResult:
        schema = self._frames.schema(frame)
        plan = resolved(plan, schema, self._where)
        if not self.exists:
            return self._first_merged(frame, plan, request)
        own = {name: kind for name, kind in schema.items() if name != plan.delete}
        change = self._compare(own, request)
        frame = spelled(frame, change.schema, whole=plan.rebuild is not None, extra=plan.delete)
        plan = resolved(plan, frame.columns, self._where)
        batch = merges.measured(self._rebuilt(frame, plan.rebuild, change), plan, self._where)
        commit = self._decided(request)
        self._check_current()
        self._evolve(change, request)
        result = self._merge(batch, plan, change, request, commit)
        return replace(result, schema_changes=change.said())

    def _first(self, frame: DataFrame, request: WriteRequest[DataFrame]) -> WriteResult:
        schema = self._frames.schema(frame)
        check_new(schema, self._where)
        self._check_first(schema, request)
        return self._create(frame, request, self._decided(request))

    def _first_merged(
        self, frame: DataFrame, plan: MergePlan[DataFrame], request: WriteRequest[DataFrame]
    ) -> WriteResult:
        rows = self._rebuilt(frame, plan.rebuild, None)
        merges.measured(rows, plan, self._where)
        kept = rows.filter(f"NOT {quoted(plan.delete)}").drop(plan.delete) if plan.delete else rows
        made = self._first(kept, request)
        return replace(made, inserted=made.rows, updated=0, deleted=0)

    def _rebuilt(self, batch: DataFrame, rebuild: Rebuild[DataFrame] | None, change: SchemaChange | None) -> DataFrame:
        """Return the rows to merge: the batch itself, or what a rebuild makes of it."""
        if rebuild is None:
            return batch
        known = None
        if change is not None:
            known = conformed(self._frames.rename(self.scan(), change.renamed), change.schema)
            if rebuild.keys is not None:
                keys = batch.selectExpr(*map(quoted, rebuild.keys)).distinct()
                known = self._frames.join(known, keys, keys=rebuild.keys, how="semi")
            known = self._frames.reused(known)
        return self._frames.reused(rebuild.make(batch, known))

    def _decided(self, request: WriteRequest[DataFrame]) -> Commit:
        """Evaluate what is observed, and decide on the commit."""
        return request.decide(observations.evaluated(self._frames, request.observe))

    def _missing(self) -> DestinationError:
        return DestinationError(f"{self._where}: there is no such table", {"table": self._where})


def conformed(frame: DataFrame, target: Schema) -> DataFrame:
    """Bring a frame to the columns, spellings, order and types of `target`, fields too; what is missing is null."""
    return frame.to(struct_of(target))


def spelled(frame: DataFrame, columns: Schema, *, whole: bool = False, extra: str | None = None) -> DataFrame:
    """Return a batch's own columns spelled and typed as in the table.

    Args:
        frame: the batch.
        columns: what the table's columns become.
        whole: all columns of the table, null where the batch has none.
        extra: a column that stays as it is, after the others.
    """
    known = set(columns if whole else spellings(frame.columns, columns).values())
    target = {name: kind for name, kind in columns.items() if name in known}
    if not extra:
        return conformed(frame, target)
    struct = struct_of(target).add(frame.schema[extra])
    return frame.to(struct)


@contextmanager
def set_while(session: SparkSession, confs: Mapping[str, str]) -> Iterator[None]:
    """Have confs set in a session of the engine's own while one statement runs."""
    before: Mapping[str, str | None] = {name: session.conf.get(name, None) for name in confs}
    try:
        for name, value in confs.items():
            session.conf.set(name, value)
        yield
    finally:
        for name, was in before.items():
            if was is None:
                session.conf.unset(name)
            else:
                session.conf.set(name, was)
