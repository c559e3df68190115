"""Delta tables by path: staged files, then one commit through the handle that read the table."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from datacoolie.core.exceptions import DestinationError, EngineError, ErrorClass, SourceError
from datacoolie.core.suggest import listed
from datacoolie.engines import Observation, TableOps, WriteResult
from datacoolie.sql import count
from datacoolie_engine_polars import copy_on_write, failures, partitions, staging
from datacoolie_engine_polars.delta import commits
from datacoolie_engine_polars.delta.data_files import data_files, removes
from datacoolie_engine_polars.delta.features import refuse_unreadable, refuse_unsupported
from datacoolie_engine_polars.delta.schema import SchemaChange, check_new, delta_schema, evolved, schema_of
from datacoolie_engine_polars.files.sinks import parquet_sink
from datacoolie_engine_polars.schemas import conform, stored_frame
from datacoolie_engine_polars.types import from_polars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deltalake.transaction import AddAction, RemoveAction

    from datacoolie.core.types import Schema
    from datacoolie.engines import Commit, MergePlan, Observed, TableRef, WriteRequest
    from datacoolie.sql import Expr
    from datacoolie_engine_polars.copy_on_write import DataFiles, Rewrite
    from datacoolie_engine_polars.staging import StagedData, Stager

_log = logging.getLogger("datacoolie.engines.polars")

_STEM = "dc-"
"""How names of data files begin, so that what a dead first load left is not taken for somebody's files."""

_ROWS = "__datacoolie_rows"

_SHOWN = 5
"""How many files a message names."""


class DeltaTableOps(TableOps[pl.LazyFrame]):
    """One Delta table, as of the version that was current when this was made."""

    def __init__(self, ref: TableRef, stager: Stager) -> None:
        """Remember the place; the table is opened when it is first asked for."""
        if ref.path is None:
            message = f"{ref}: Delta tables by catalog name are not supported yet; give the connection a base_path"
            raise EngineError(message).classed(ErrorClass.CONFIGURATION)
        self._ref = ref
        self._path = ref.path
        self._place = commits.Place(ref.path, dict(ref.storage_options) or None)
        self._stager = stager

    @cached_property
    def _table(self) -> DeltaTable | None:
        identity, _, number = (self._ref.version or "").rpartition("@")
        try:
            table = DeltaTable(self._path, version=int(number) if number else None, storage_options=self._place.options)
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as error:
            message = f"{self._path}: this is no Delta table that can be read: {failures.first_line(error)}"
            raise DestinationError(message, {"path": self._path}) from error
        if identity and str(table.metadata().id) != identity:
            message = f"{self._path}: this is another table than the one of which version {number} was asked for"
            raise SourceError(message, {"path": self._path})
        return table

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
        table = self._existing()
        refuse_unreadable(table, self._path)
        return pl.scan_delta(table)

    def append(self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame]) -> WriteResult:
        """Add the rows; where types have to widen, the table's own are written again in the same commit."""
        if self._table is None:
            return self._create(frame, request)
        refuse_unsupported(self._table, self._path, appends=True)
        frame, schema = stored_frame(frame)
        change = evolved(self._table, schema, request.schema_policy, self._path)
        frame = conform(frame, schema, change.schema)
        if change.rewrites:
            refuse_unsupported(self._table, self._path, appends=False)
            data = data_files(self._table, self._path, change, self._evaluate)
            return self._rewrite_counting(change, data, copy_on_write.added(data, frame), frame, request)
        staged = self._stage(frame, change.schema, self._keys(request), request)
        with self._withdrawn_on_failure(staged):
            commit = request.decide(staged.staged.observed)
            change.add_columns(self._table)
        version = self._commit(staged, commit)
        return self._result(staged, version, change, rows=staged.staged.rows)

    def overwrite(
        self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame], *, where: Expr | None = None
    ) -> WriteResult:
        """Replace all rows, and the schema where the policy lets it change."""
        if self._table is None:
            return self._create(frame, request)
        refuse_unsupported(self._table, self._path, appends=False)
        frame, schema = stored_frame(frame)
        change = evolved(self._table, schema, request.schema_policy, self._path)
        frame = conform(frame, schema, change.schema)
        if where is not None:
            data = data_files(self._table, self._path, change, self._evaluate)
            return self._rewrite_counting(
                change, data, copy_on_write.replaced_where(data, frame, where), frame, request
            )
        staged = self._stage(frame, change.schema, self._keys(request), request)
        removed = len(self._table.file_uris())
        version = self._replace_all(staged, change, request)
        return self._result(staged, version, change, rows=staged.staged.rows, removed=removed)

    def merge(
        self, frame: pl.LazyFrame, plan: MergePlan[pl.LazyFrame], request: WriteRequest[pl.LazyFrame]
    ) -> WriteResult:
        """Rewrite the files that hold a touched row, and add the rows that are new.

        The batch is held in memory, the table is not.

        Raises:
            DestinationError: a key is no column, or is in the batch twice; and as `TableOps` says.
        """
        frame, schema = stored_frame(frame)
        plan = copy_on_write.resolved(plan, schema.names(), self._path)
        if self._table is None:
            batch, decided = self._collect(frame, schema, request.partition_by, request)
            batch = copy_on_write.first(batch, plan, self._evaluate, self._path)
            return self._create(batch.lazy(), decided, rows_are_new=True)
        refuse_unsupported(self._table, self._path, appends=False)
        own = {name: kind for name, kind in schema.items() if name != plan.delete}
        change = evolved(self._table, own, request.schema_policy, self._path)
        frame, schema = change.spelled(frame, schema, whole=plan.rebuild is not None, extra=plan.delete)
        plan = copy_on_write.resolved(plan, schema.names(), self._path)
        batch, decided = self._collect(frame, schema, self._keys(request), request)
        data = data_files(self._table, self._path, change, self._evaluate)
        rewrite = self._with_widened(change, data, copy_on_write.merged(data, batch, plan, self._path))
        staged, version = self._rewrite(change, rewrite, decided)
        return self._result(
            staged,
            version,
            change,
            rows=rewrite.rows,
            removed=rewrite.replaced.height,
            inserted=rewrite.inserted,
            updated=rewrite.updated,
            deleted=rewrite.deleted,
        )

    def _rewrite_counting(
        self,
        change: SchemaChange,
        data: DataFiles,
        rewrite: Rewrite,
        frame: pl.LazyFrame,
        request: WriteRequest[pl.LazyFrame],
    ) -> WriteResult:
        """Make a rewrite whose rows of the batch, `frame`, are not counted yet."""
        rows = 0

        def decide(observed: Observed) -> Commit:
            nonlocal rows
            rows = int(str(observed[_ROWS]))
            return request.decide({name: value for name, value in observed.items() if name != _ROWS})

        rewrite = self._with_widened(change, data, rewrite)
        observe = {**request.observe, _ROWS: Observation(frame=frame, aggregate=count())}
        staged, version = self._rewrite(change, rewrite, replace(request, observe=observe, decide=decide))
        return self._result(staged, version, change, rows=rows, removed=rewrite.replaced.height)

    def _with_widened(self, change: SchemaChange, data: DataFiles, rewrite: Rewrite) -> Rewrite:
        """Return the rewrite, of all files where types widen."""
        if not change.rewrites:
            return rewrite
        _log.warning("%s: %s; all rows of the table are written again", self._path, "; ".join(change.said()))
        return copy_on_write.of_all(data, rewrite)

    def _rewrite(
        self, change: SchemaChange, rewrite: Rewrite, request: WriteRequest[pl.LazyFrame]
    ) -> tuple[StagedData, int]:
        """Write what takes the place of files, and commit both in one."""
        table = self._existing()
        staged = self._stage(rewrite.frame, change.schema, self._keys(request), request)
        if change.rewrites:
            return staged, self._replace_all(staged, change, request)
        with self._withdrawn_on_failure(staged):
            commit = request.decide(staged.staged.observed)
            change.add_columns(table)
        return staged, self._commit(staged, commit, removes(rewrite.replaced))

    def _replace_all(self, staged: StagedData, change: SchemaChange, request: WriteRequest[pl.LazyFrame]) -> int:
        """Commit staged files as the whole of the table, with its new schema."""
        with self._withdrawn_on_failure(staged):
            commit = request.decide(staged.staged.observed)
            change.allow(self._existing())
        return self._commit(staged, commit, mode="overwrite", schema=change.schema)

    def _collect(
        self, frame: pl.LazyFrame, schema: pl.Schema, keys: Sequence[str], request: WriteRequest[pl.LazyFrame]
    ) -> tuple[pl.DataFrame, WriteRequest[pl.LazyFrame]]:
        """Evaluate a batch into memory; the request that is returned knows what was observed on the way."""
        frame = partitions.without_empty(frame, schema, [name for name in keys if name in schema])
        batch, observed = self._stager.collect(frame, request.observe, self._path)
        return batch, replace(request, observe={}, decide=lambda _: request.decide(observed))

    def _evaluate(self, frame: pl.LazyFrame) -> pl.DataFrame:
        return self._stager.collect(frame, {}, self._path)[0]

    def committed(self, dataflow_id: str, *, after: int = -1) -> Commit | None:
        """Return the newest commit of a dataflow when its `seq` is above `after`, else `None`; one look when it isn't.

        Raises:
            DestinationError: the commit is known to exist, but what it says is no longer in the table's log.
        """
        if self._table is None:
            return None
        return commits.newest(self._table, dataflow_id, after=after, where=self._path)

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

    def _stage(
        self, frame: pl.LazyFrame, schema: pl.Schema, keys: tuple[str, ...], request: WriteRequest[pl.LazyFrame]
    ) -> StagedData:
        """Write the data files; those without rows are left out."""
        target = staging.Target(folder=self._path, stem=_STEM + request.stem, extension="parquet", keys=keys)
        sink = parquet_sink(request.options, partitioned=bool(keys), what="delta").sink
        frame = partitions.without_empty(frame, schema, keys)
        staged = self._stager.stage(frame, target, sink, request.observe)
        empty = {file.relative: None for file in staged.staged.files if not file.rows}
        if not empty:
            return staged
        staging.remove(self._path, empty)
        files = tuple(file for file in staged.staged.files if file.rows)
        return replace(staged, staged=replace(staged.staged, files=files))

    def _create(
        self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame], *, rows_are_new: bool = False
    ) -> WriteResult:
        """Make the table with these rows, unless somebody else does it first."""
        self._refuse_foreign_files()
        frame, schema = stored_frame(frame)
        partitions.check_keys(schema, request.partition_by, self._path)
        check_new(schema, self._path)
        staged = self._stage(frame, schema, request.partition_by, request)
        with self._withdrawn_on_failure(staged):
            commit = request.decide(staged.staged.observed)
        act = partial(commits.make_first, self._place, commits.adds(staged), commit)
        described = delta_schema(schema)
        commits.guarded(partial(act, partition_by=request.partition_by, schema=described), staged, self._place)
        rows = staged.staged.rows
        return self._result(
            staged, 0, None, rows=rows, **({"inserted": rows, "updated": 0, "deleted": 0} if rows_are_new else {})
        )

    def _refuse_foreign_files(self) -> None:
        """Make no table of a folder that holds somebody's files.

        Raises:
            DestinationError: naming some of them.
        """
        root = Path(self._path)
        found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        foreign = list(islice((name for name in found if not _is_ours(name)), _SHOWN))
        if foreign:
            message = (
                f"{self._path}: this is no Delta table, but files are here ({listed(foreign)}). Load into an empty "
                "folder, or move these files away"
            )
            raise DestinationError(message, {"path": self._path}).classed(ErrorClass.CONFIGURATION)

    def _commit(
        self,
        staged: StagedData,
        commit: Commit,
        removes: Sequence[RemoveAction] = (),
        *,
        mode: str = "append",
        schema: Mapping[str, pl.DataType] | None = None,
    ) -> int:
        """Show the staged files in one commit and return its version."""
        table = self._existing()
        actions: list[AddAction | RemoveAction] = [*commits.adds(staged), *removes]
        described = delta_schema(schema) if schema else table.schema()
        act = partial(commits.make, table, actions, commit, mode=mode, schema=described)
        made = commits.guarded(act, staged, self._place)
        return table.version() + 1 if made is None else made

    @contextmanager
    def _withdrawn_on_failure(self, staged: StagedData) -> Iterator[None]:
        """Remove staged files when what comes before their commit fails."""
        try:
            yield
        except BaseException:
            staging.remove(self._path, staged.values)
            raise

    def _result(
        self,
        staged: StagedData,
        version: int,
        change: SchemaChange | None,
        *,
        rows: int,
        removed: int = 0,
        **merged: int,
    ) -> WriteResult:
        return WriteResult(
            version=str(version),
            rows=rows,
            size=staged.staged.size,
            files=len(staged.staged.files),
            removed_files=removed,
            schema_changes=change.said() if change else (),
            **merged,
        )


def _is_ours(relative: str) -> bool:
    """Whether a file below a folder is nobody else's: staged by us, part of a log, or hidden."""
    *folders, name = relative.split("/")
    return name.startswith(_STEM) or any(part.startswith(("_", ".")) for part in (*folders, name))
