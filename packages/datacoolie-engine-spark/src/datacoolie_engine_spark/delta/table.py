"""Delta tables, by path or by name."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

from datacoolie.core.exceptions import DestinationError, EngineError, ErrorClass, SourceError
from datacoolie.engines import CommitConflictError, UnknownOutcomeError, WriteResult, evolution, tokens
from datacoolie.engines.care import order_columns
from datacoolie.engines.partitions import check_asked, check_keys
from datacoolie.sql import count
from datacoolie_engine_spark import merges, rules
from datacoolie_engine_spark.columns import quoted
from datacoolie_engine_spark.delta import care, folder, log
from datacoolie_engine_spark.delta.commits import FileLog
from datacoolie_engine_spark.delta.log import Log
from datacoolie_engine_spark.failures import translated
from datacoolie_engine_spark.options import table_options
from datacoolie_engine_spark.tables import SparkTable, conformed, named, set_while, spelled
from datacoolie_engine_spark.types import struct_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import timedelta

    from pyspark.sql import DataFrame, DataFrameWriter

    from datacoolie.core.types import Schema
    from datacoolie.engines import Commit, MergePlan, TableRef, Tidied, WriteRequest
    from datacoolie.engines.evolution import SchemaChange
    from datacoolie_engine_spark.frames import SparkFrames
    from datacoolie_engine_spark.merges import Batch
    from datacoolie_engine_spark.session import Sessions

_DELTA = "spark.databricks.delta."
_OPTIONS = {
    "compression": "spark.sql.parquet.compression.codec",
    "maxRecordsPerFile": "spark.sql.files.maxRecordsPerFile",
}
_RESERVED = ("txnAppId", "txnVersion", "userMetadata", "mergeSchema", "overwriteSchema", "replaceWhere", "dataChange")
_GENERATES, _NAMES_FEATURES = 4, 7
"""From which writer version on a table may have generated columns, and says by name which features it has."""
_MADE_MEANWHILE = {"DELTA_PATH_EXISTS", "TABLE_OR_VIEW_ALREADY_EXISTS"}


class DeltaTable(SparkTable):
    """One Delta table, as of the version that was current when this was made."""

    def __init__(self, ref: TableRef, sessions: Sessions, frames: SparkFrames) -> None:
        """Remember the place; the table is opened when it is first asked for."""
        super().__init__(ref.path or str(ref), sessions, frames)
        self._ref = ref
        self._target = named(ref) if ref.path is None else f"delta.{quoted(ref.path)}"
        self._log = (
            Log(self._target, self._where, sessions)
            if ref.path is None or "://" in ref.path
            else FileLog(ref.path, self._target, ref.storage.platform, sessions)
        )

    @cached_property
    def _detail(self) -> Mapping[str, object] | None:
        """What the table says of itself now; `None` when there is none."""
        found = self._log.detail()
        identity, _, number = (self._ref.version or "").rpartition("@")
        if found and identity and found["id"] != identity:
            message = f"{self._where}: this is another table than the one of which version {number} was asked for"
            raise SourceError(message, {"path": self._where})
        return found

    @property
    def exists(self) -> bool:
        """Whether there is a table."""
        return self._detail is not None

    @property
    def version(self) -> str:
        """The table's id and version."""
        return f"{self._existing()['id']}@{self._number}"

    @cached_property
    def _number(self) -> int:
        _, _, number = (self._ref.version or "").rpartition("@")
        return int(number) if number else self._log.opened_at

    def schema(self) -> Schema:
        """Return the table's columns."""
        return self._schema

    @cached_property
    def _schema(self) -> Schema:
        return self._frames.schema(self.scan())

    def scan(self) -> DataFrame:
        """Return the rows of this version."""
        self._existing()
        return self._read({"versionAsOf": str(self._number)})

    def _read(self, options: Mapping[str, str]) -> DataFrame:
        reader = self._session.read.format("delta").options(**options)
        with translated(target=self._where):
            return reader.table(self._target) if self._ref.path is None else reader.load(self._ref.path)

    def committed(self, dataflow_id: str, *, after: int = -1) -> Commit | None:
        """Return the newest commit of a dataflow when its `seq` is above `after`, else `None`.

        Raises:
            CommitForgottenError: the commit is known to exist, but what it says is no longer in the table's log.
        """
        return self._log.newest(dataflow_id, after=after, path=self._ref.path) if self.exists else None

    def history(self, limit: int) -> Sequence[Mapping[str, object]]:
        """Return the newest entries of the log."""
        self._existing()
        return self._log.entries(limit)

    def optimize(
        self, *, zorder_by: Sequence[str] = (), options: Mapping[str, object], if_due: bool = False
    ) -> Tidied | None:
        """Join small files, compressed as `options` say, or order all rows."""
        if self._detail is None or (if_due and not care.many_small(self._detail)):
            return None
        columns = order_columns(zorder_by, self.schema(), self._keys, self._where)
        with self._confs(options), translated(target=self._where):
            return care.optimize(self._session, self._target, columns)

    def vacuum(self, *, keep: timedelta, leftovers: bool, if_due: bool = False) -> Tidied | None:
        """Remove files that no version of the last `keep` needs."""
        if self._detail is None:
            return None
        properties = cast("dict[str, str]", self._detail["properties"])
        with translated(target=self._where):
            return care.vacuum(
                self._session,
                self._target,
                self._log,
                properties,
                self._repeat,
                keep=keep,
                leftovers=leftovers,
                if_due=if_due,
            )

    def files_by_partition(self) -> Mapping[str, Sequence[str]]:
        """Return paths of data files by the folder of their partition."""
        root = self._ref.path or unquote(str(self._existing()["location"]))
        with translated(target=self._where):
            found = folder.by_partition(self.scan().inputFiles(), root)
        return found if self._keys or found else {"": []}

    @property
    def _keys(self) -> tuple[str, ...]:
        """The partition columns."""
        found = self._existing()["partitionColumns"]
        return tuple(found) if isinstance(found, list) else ()

    def _existing(self) -> Mapping[str, object]:
        if self._detail is None:
            raise self._missing()
        return self._detail

    def _filled(self, frame: DataFrame, columns: Schema) -> DataFrame:
        return spelled(frame, columns) if self._may_generate else conformed(frame, columns)

    @property
    def _may_generate(self) -> bool:
        """Whether Delta may compute columns that a batch does not have."""
        known = self._existing()
        features = known["tableFeatures"]
        named = isinstance(features, list) and "generatedColumns" in features
        return named or _GENERATES <= int(str(known["minWriterVersion"])) < _NAMES_FEATURES

    def _compare(self, schema: Schema, request: WriteRequest[DataFrame]) -> SchemaChange:
        check_asked([field.column for field in request.partition_by], self._keys, self._where)
        return evolution.of_delta(self.schema(), schema, request, self._where, keys=self._keys)

    def _check_first(self, schema: Schema, request: WriteRequest[DataFrame]) -> None:
        if self._ref.path is None:
            message = f"{self._where}: it is not in {self._ref.catalog}. Create it there: CREATE TABLE ... USING delta"
            raise DestinationError(message, {"table": self._ref.name}).classed(ErrorClass.CONFIGURATION)
        folder.refuse_foreign_files(self._ref.storage.platform, self._ref.path)
        check_keys(schema, [field.column for field in request.partition_by], self._where)

    def _create(self, frame: DataFrame, request: WriteRequest[DataFrame], commit: Commit) -> WriteResult:
        keys = [field.column for field in request.partition_by]
        return self._write(frame, "error", request, commit, keys=keys, since=-1)

    def _add(
        self, frame: DataFrame, change: SchemaChange, request: WriteRequest[DataFrame], commit: Commit
    ) -> WriteResult:
        if not change.rewrites:
            options = {"mergeSchema": "true"} if change.changed else {}
            return self._write(frame, "append", request, commit, options, change=change)
        self._refuse_losses(change)
        rows = int(str(self._frames.aggregate(frame, {"rows": count()})["rows"]))
        whole, options = self._widened(change).unionByName(frame, allowMissingColumns=True), {"overwriteSchema": "true"}
        made = self._write(whole, "overwrite", request, commit, options, change=change, keys=self._keys)
        return replace(made, rows=rows)

    def _replace_all(
        self, frame: DataFrame, change: SchemaChange, request: WriteRequest[DataFrame], commit: Commit
    ) -> WriteResult:
        if not change.rewrites:
            options = {"mergeSchema": "true"} if change.changed else {}
            return self._write(frame, "overwrite", request, commit, options, change=change)
        self._refuse_losses(change)
        frame, options = conformed(frame, change.schema), {"overwriteSchema": "true"}
        return self._write(frame, "overwrite", request, commit, options, change=change, keys=self._keys)

    def _replace_where(
        self, frame: DataFrame, condition: str, request: WriteRequest[DataFrame], commit: Commit
    ) -> WriteResult:
        # The rows of the batch need not be among those that they replace.
        free = {f"{_DELTA}replaceWhere.constraintCheck.enabled": "false"}
        with set_while(self._session, free):
            return self._write(frame, "overwrite", request, commit, {"replaceWhere": condition})

    def _merge(
        self,
        batch: Batch,
        plan: MergePlan[DataFrame],
        change: SchemaChange,
        request: WriteRequest[DataFrame],
        commit: Commit,
    ) -> WriteResult:
        token = commit.token
        confs = {
            f"{_DELTA}write.txnAppId": token.dataflow_id,
            f"{_DELTA}write.txnVersion": str(token.seq),
            f"{_DELTA}commitInfo.userMetadata": log.texts(commit, request.stem),
            # The batch is kept already, and stays so until the end.
            f"{_DELTA}merge.materializeSource": "none",
            f"{_DELTA}merge.failSourceCachedAfterMaterialization": "false",
        }
        with self._confs(request.options), set_while(self._session, confs), self._committing():
            said = merges.merge(self._target, batch, plan, change.schema)
        if not said:
            raise log.skipped(self._where, commit)
        entry = self._log.made(commit, request.stem, since=self._number)
        if entry is not None:
            return log.result_of(entry)
        # Nothing was there to be changed, so nothing was committed: the token comes with no row.
        nothing = self._session.createDataFrame([], struct_of(change.schema))
        made = self._write(nothing, "append", request, commit)
        return replace(made, inserted=0, updated=0, deleted=0)

    def _evolve(self, change: SchemaChange, request: WriteRequest[DataFrame]) -> None:
        if change.rewrites:
            self._refuse_losses(change)
            writer = self._widened(change).write.mode("overwrite").option("overwriteSchema", "true")
            writer = writer.partitionBy(*self._keys)
        elif change.changed:
            nothing = self._session.createDataFrame([], struct_of(change.schema))
            writer = nothing.write.mode("append").option("mergeSchema", "true")
        else:
            return
        with self._confs(request.options), self._committing():
            self._save(writer)

    def _widened(self, change: SchemaChange) -> DataFrame:
        """Return the rows of the table with its new columns, types and names, to be written in their own place.

        They have no version: so they are those of the transaction that replaces them.
        """
        return conformed(self._frames.rename(self._read({}), change.renamed), change.schema)

    def _refuse_losses(self, change: SchemaChange) -> None:
        """Refuse to replace a schema that says more of columns than Spark writes: that they are not null, or computed.

        Raises:
            DestinationError: naming them.
        """
        needed = [field.name for field in self.scan().schema.fields if not field.nullable]
        computed = self._log.computed_columns(self._ref.path or str(self._existing()["location"]))
        if needed or computed:
            kinds = {"must not be null": needed, "is computed by the table": computed}
            rules = ", ".join(f"{name!r} {what}" for what, names in kinds.items() for name in names)
            message = (
                f"{self._where}: {'; '.join(change.said())}: the table would have to be written again, and what is "
                f"said of its columns would be lost: {rules}. Drop that, cast the batch with a schema hint, or load "
                "into a new table"
            )
            raise DestinationError(message, {"columns": [*needed, *computed]}).classed(ErrorClass.CONFIGURATION)

    def _repeat(self, commit: Commit) -> None:
        """Say again what a commit said, in a commit that changes nothing; its token is in the table already."""
        nothing = self._session.createDataFrame([], struct_of(self.schema()))
        with self._committing():
            self._save(nothing.write.mode("append").option("userMetadata", tokens.to_text(commit)))

    def _write(  # noqa: PLR0913 - what Spark's writer can be told
        self,
        frame: DataFrame,
        mode: str,
        request: WriteRequest[DataFrame],
        commit: Commit,
        options: Mapping[str, str] | None = None,
        *,
        change: SchemaChange | None = None,
        keys: Sequence[str] = (),
        since: int | None = None,
    ) -> WriteResult:
        """Write a frame by one commit that carries the token, and return what it did."""
        token = {
            "txnAppId": commit.token.dataflow_id,
            "txnVersion": str(commit.token.seq),
            "userMetadata": log.texts(commit, request.stem),
        }
        confs, native = table_options(request.options, confs=_OPTIONS, reserved=_RESERVED, where="delta")
        writer = frame.write.mode(mode).options(**{**native, **(options or {}), **token})
        if keys:
            writer = writer.partitionBy(*keys)
        with set_while(self._session, confs), self._committing():
            self._save(writer)
        result = self._result(commit, request.stem, since=self._number if since is None else since)
        return replace(result, schema_changes=change.said() if change else ())

    def _save(self, writer: DataFrameWriter) -> None:
        writer = writer.format("delta")
        if self._ref.path is None:
            writer.saveAsTable(self._target)
        else:
            writer.save(self._ref.path)

    def _result(self, commit: Commit, stem: str, *, since: int) -> WriteResult:
        """Return what a commit did.

        Raises:
            CommitConflictError: there is none, because its token was in the table already.
        """
        entry = self._log.made(commit, stem, since=since)
        if entry is None:
            raise log.skipped(self._where, commit)
        return log.result_of(entry)

    def _confs(self, options: Mapping[str, object]) -> AbstractContextManager[None]:
        confs, _ = table_options(options, confs=_OPTIONS, reserved=_RESERVED, where="delta")
        return set_while(self._session, confs)

    @contextmanager
    def _committing(self) -> Iterator[None]:
        """Raise typed errors of a statement that commits.

        Raises:
            CommitConflictError: somebody else's commit came first.
            UnknownOutcomeError: Spark does not answer any more.
        """
        try:
            with translated(target=self._where):
                yield
        except (EngineError, DestinationError) as error:
            if refused := rules.broken(error, self._where):
                raise refused from error
            if error.details.get("condition") in _MADE_MEANWHILE:
                message = f"{self._where}: somebody else made the table first"
                raise CommitConflictError(message, {"path": self._where}) from error
            if error.error_class is ErrorClass.TRANSIENT:
                message = f"{self._where}: it is unknown whether the commit is in the table: {error.message}"
                raise UnknownOutcomeError(message, {"path": self._where}) from error
            raise

    def _check_current(self) -> None:
        newest = self._log.version
        if newest != self._number:
            message = f"{self._where}: version {newest} was committed while version {self._number} was read"
            raise CommitConflictError(message, {"path": self._where})
