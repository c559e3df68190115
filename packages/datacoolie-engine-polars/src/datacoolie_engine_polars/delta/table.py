"""Delta tables by path: staged files, then one commit through the handle that read the table."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, create_table_with_add_actions

from datacoolie.core.exceptions import DestinationError, EngineError, ErrorClass
from datacoolie.core.suggest import listed
from datacoolie.engines import Commit, CommitConflictError, TableOps, Token, UnknownOutcomeError, WriteResult
from datacoolie_engine_polars import failures, partitions, staging
from datacoolie_engine_polars.delta import statistics
from datacoolie_engine_polars.delta.features import refuse_unsupported
from datacoolie_engine_polars.delta.merging import check_unique, upsert
from datacoolie_engine_polars.delta.schema import delta_schema, evolved, schema_of
from datacoolie_engine_polars.files.sinks import parquet_sink
from datacoolie_engine_polars.schemas import conform, stored_frame
from datacoolie_engine_polars.types import from_polars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deltalake.transaction import RemoveAction

    from datacoolie.core.types import Schema
    from datacoolie.engines import MergePlan, TableRef, WriteRequest
    from datacoolie.sql import Expr
    from datacoolie_engine_polars.staging import StagedData, Stager

_PREFIX = "datacoolie."
"""How the names of our entries in a commit's metadata begin."""

_RETRIES = 15
"""How often delta-rs follows other writers with an append."""


class DeltaTableOps(TableOps[pl.LazyFrame]):
    """One Delta table, as of the version that was current when this was made."""

    def __init__(self, ref: TableRef, stager: Stager) -> None:
        """Remember the place; the table is opened when it is first asked for."""
        if ref.path is None:
            message = f"{ref}: Delta tables by catalog name are not supported yet; give the connection a base_path"
            raise EngineError(message).classed(ErrorClass.CONFIGURATION)
        self._ref = ref
        self._path = ref.path
        self._options = dict(ref.storage_options) or None
        self._stager = stager

    @cached_property
    def _table(self) -> DeltaTable | None:
        version = None if self._ref.version is None else int(self._ref.version.rpartition("@")[2])
        try:
            return DeltaTable(self._path, version=version, storage_options=self._options)
        except TableNotFoundError:
            return None
        except DeltaError as error:
            message = f"{self._path}: this is no Delta table that can be read: {error}"
            raise DestinationError(message, {"path": self._path}) from error

    @property
    def exists(self) -> bool:
        """Whether there is a table."""
        return self._table is not None

    @property
    def version(self) -> str:
        """The table's id and version."""
        table = self._existing()
        return f"{table.metadata().id}@{table.version()}"

    def schema(self) -> Schema:
        """Return the table's columns."""
        return {name: from_polars(kind, column=name) for name, kind in schema_of(self._existing()).items()}

    def scan(self) -> pl.LazyFrame:
        """Return the rows of this version."""
        return pl.scan_delta(self._existing())

    def append(self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame]) -> WriteResult:
        """Add the rows."""
        if self._table is None:
            return self._create(frame, request)
        refuse_unsupported(self._table, self._path, appends=True)
        frame, schema = stored_frame(frame)
        change = evolved(self._table, schema, request.schema_policy, self._path)
        staged = self._stage(conform(frame, schema, change.schema), self._keys(request), request)
        with self._withdrawn_on_failure(staged):
            commit = request.decide(staged.staged.observed)
            change.apply(self._table)
            self._commit(self._adds(staged), commit, mode="append", retries=_RETRIES)
        return self._result(staged, rows=staged.staged.rows)

    def overwrite(
        self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame], *, where: Expr | None = None
    ) -> WriteResult:
        """Replace all rows, and the schema where the policy lets it change."""
        if where is not None:
            message = f"{self._path}: replacing a part of a table is not supported yet"
            raise EngineError(message).classed(ErrorClass.CONFIGURATION)
        if self._table is None:
            return self._create(frame, request)
        refuse_unsupported(self._table, self._path, appends=False)
        frame, schema = stored_frame(frame)
        change = evolved(self._table, schema, request.schema_policy, self._path)
        staged = self._stage(conform(frame, schema, change.schema), self._keys(request), request)
        removed = len(self._table.file_uris())
        with self._withdrawn_on_failure(staged):
            commit = request.decide(staged.staged.observed)
            self._commit(self._adds(staged), commit, mode="overwrite", retries=0, schema=change.schema)
        return self._result(staged, rows=staged.staged.rows, removed=removed)

    def merge(self, frame: pl.LazyFrame, plan: MergePlan, request: WriteRequest[pl.LazyFrame]) -> WriteResult:
        """Rewrite the files that hold a touched key, and add the rows that are new."""
        frame, schema = stored_frame(frame)
        change = None
        if self._table is not None:
            refuse_unsupported(self._table, self._path, appends=False)
            change = evolved(self._table, schema, request.schema_policy, self._path)
        batch, observed = self._stager.collect(frame, request.observe, self._path)
        check_unique(batch, plan, self._path)
        request_decide = request.decide
        request = replace(request, observe={}, decide=lambda _: request_decide(observed))
        if self._table is None or change is None:
            return self._create(batch.lazy(), request, rows_are_new=True)
        planned = upsert(self._table, self._path, batch, change.schema, plan)
        staged = self._stage(planned.frame, self._keys(request), request)
        with self._withdrawn_on_failure(staged):
            commit = request.decide({})
            change.apply(self._table)
            self._commit([*self._adds(staged), *planned.removes], commit, mode="append", retries=0)
        return self._result(
            staged,
            rows=batch.height,
            removed=len(planned.removes),
            inserted=planned.inserted,
            updated=batch.height - planned.inserted,
        )

    def committed(self, dataflow_id: str, *, after: int = -1) -> Commit | None:
        """Ask the table's log for the flow's token."""
        if self._table is None:
            return None
        seq = self._table.transaction_version(dataflow_id)
        if seq is None or seq <= after:
            return None
        for entry in self._table.history():
            if entry.get(_PREFIX + "dataflow_id") == dataflow_id and entry.get(_PREFIX + "seq") == str(seq):
                return _commit_of(entry, dataflow_id, seq)
        message = (
            f"{self._path}: commit {seq} of dataflow {dataflow_id} is in the table, but the log no longer says up to where "
            "it loaded. Set the mark by hand, or load the table anew"
        )
        raise DestinationError(message, {"path": self._path, "seq": seq})

    def history(self, limit: int) -> Sequence[Mapping[str, object]]:
        """Return the newest entries of the log."""
        return self._existing().history(limit)

    def _existing(self) -> DeltaTable:
        if self._table is None:
            message = f"{self._path}: there is no Delta table"
            raise DestinationError(message, {"path": self._path})
        return self._table

    def _keys(self, request: WriteRequest[pl.LazyFrame]) -> tuple[str, ...]:
        """Return the table's partition columns, which have to be those that were asked for."""
        actual = tuple(self._existing().metadata().partition_columns)
        if request.partition_by and actual != request.partition_by:
            message = (
                f"{self._path}: the table is partitioned by {listed(actual)}, not by {listed(request.partition_by)}. "
                "Ask for the table's partition columns, or load into a new table"
            )
            raise DestinationError(message, {"path": self._path}).classed(ErrorClass.CONFIGURATION)
        return actual

    def _stage(self, frame: pl.LazyFrame, keys: tuple[str, ...], request: WriteRequest[pl.LazyFrame]) -> StagedData:
        target = staging.Target(folder=self._path, stem=request.stem, extension="parquet", keys=keys)
        sink = parquet_sink(request.options, partitioned=bool(keys), what="delta").sink
        return self._stager.stage(frame, target, sink, request.observe)

    def _create(
        self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame], *, rows_are_new: bool = False
    ) -> WriteResult:
        """Make the table with these rows, unless somebody else does it first."""
        self._refuse_foreign_files()
        frame, schema = stored_frame(frame)
        partitions.check_keys(schema, request.partition_by, self._path)
        staged = self._stage(frame, request.partition_by, request)
        with self._withdrawn_on_failure(staged):
            commit = request.decide(staged.staged.observed)
            try:
                create_table_with_add_actions(
                    self._path,
                    delta_schema(schema),
                    self._adds(staged),
                    mode="error",
                    partition_by=list(request.partition_by),
                    storage_options=self._options,
                    commit_properties=_properties(commit, retries=0),
                )
            except (DeltaError, OSError) as error:
                raise self._failed(error) from error
        del self.__dict__["_table"]
        rows = staged.staged.rows
        return self._result(staged, rows=rows, **({"inserted": rows, "updated": 0} if rows_are_new else {}))

    def _refuse_foreign_files(self) -> None:
        """Make no table of a folder that holds somebody's files."""
        folder = Path(self._path)
        found = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        foreign = [name for name in found if not name.startswith(("_", ".", "part-")) and "=" not in name]
        if foreign:
            message = (
                f"{self._path}: this is no Delta table, but files are here ({listed(foreign[:5])}). Load into an empty "
                "folder, or move these files away"
            )
            raise DestinationError(message, {"path": self._path}).classed(ErrorClass.CONFIGURATION)

    def _adds(self, staged: StagedData) -> list[AddAction]:
        now = int(time.time() * 1000)
        return [
            AddAction(
                path=file.relative,
                size=file.size,
                partition_values=staged.values[file.relative],
                modification_time=now,
                data_change=True,
                stats=statistics.of_file(file.path),
            )
            for file in staged.staged.files
        ]

    def _commit(
        self,
        actions: Sequence[AddAction | RemoveAction],
        commit: Commit,
        *,
        mode: str,
        retries: int,
        schema: Mapping[str, pl.DataType] | None = None,
    ) -> None:
        table = self._existing()
        try:
            table.create_write_transaction(
                list(actions),
                mode,
                delta_schema(schema) if schema else table.schema(),
                table.metadata().partition_columns,
                commit_properties=_properties(commit, retries=retries),
            )
        except (DeltaError, OSError) as error:
            raise self._failed(error) from error

    def _failed(self, error: DeltaError | OSError) -> DestinationError:
        """Say what a commit that failed means."""
        text, details = failures.first_line(error), {"path": self._path}
        if isinstance(error, CommitFailedError) or "already exists" in text:
            return CommitConflictError(f"{self._path}: somebody else's commit came first: {text}", details)
        number = failures.os_number(error)
        if number is not None:
            return failures.of_writing(number, self._path, 0)
        return UnknownOutcomeError(f"{self._path}: it is unknown whether the commit is in the table: {text}", details)

    @contextmanager
    def _withdrawn_on_failure(self, staged: StagedData) -> Iterator[None]:
        """Remove staged files when no commit can refer to them; when that is unknown they stay."""
        try:
            yield
        except UnknownOutcomeError:
            raise
        except BaseException:
            staging.remove(self._path, staged.values)
            raise

    def _result(self, staged: StagedData, *, rows: int, removed: int = 0, **merged: int) -> WriteResult:
        return WriteResult(
            version=self.version,
            rows=rows,
            size=staged.staged.size,
            files=len(staged.staged.files),
            removed_files=removed,
            **merged,
        )


def _properties(commit: Commit, *, retries: int) -> CommitProperties:
    token = commit.token
    entries = {"dataflow_id": token.dataflow_id, "epoch": str(token.epoch), "seq": str(token.seq), **commit.metadata}
    return CommitProperties(
        custom_metadata={_PREFIX + name: text for name, text in entries.items()},
        max_commit_retries=retries,
        app_transactions=[Transaction(token.dataflow_id, token.seq)],
    )


def _commit_of(entry: Mapping[str, object], dataflow_id: str, seq: int) -> Commit:
    metadata = {name.removeprefix(_PREFIX): str(text) for name, text in entry.items() if name.startswith(_PREFIX)}
    return Commit(
        token=Token(seq=seq, epoch=int(metadata["epoch"]), dataflow_id=dataflow_id),
        metadata={name: text for name, text in metadata.items() if name not in {"dataflow_id", "epoch", "seq"}},
    )
