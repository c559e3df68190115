"""Delta tables by path: staged files, then one commit through the handle that read the table."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from datacoolie.core.exceptions import DestinationError, ErrorClass, SourceError
from datacoolie.core.suggest import listed
from datacoolie.engines.partitions import check_asked, check_keys
from datacoolie.engines.places import by_path
from datacoolie_engine_polars import failures, partitions, staging
from datacoolie_engine_polars.access import access_of
from datacoolie_engine_polars.delta import care, commits
from datacoolie_engine_polars.delta.data_files import data_files, removes, scanned
from datacoolie_engine_polars.delta.features import refuse_unreadable, refuse_unsupported
from datacoolie_engine_polars.delta.rules import Rules, rules_of
from datacoolie_engine_polars.delta.schema import add_columns, allow, changed_schema, delta_schema, evolved, schema_of
from datacoolie_engine_polars.evolution import check_new
from datacoolie_engine_polars.files.sinks import parquet_compression, parquet_sink
from datacoolie_engine_polars.schemas import described_schema
from datacoolie_engine_polars.staged_table import Operation, StagedTable
from datacoolie_engine_polars.types import from_polars

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from deltalake.transaction import AddAction, RemoveAction

    from datacoolie.core.types import Schema
    from datacoolie.engines import Commit, TableRef, Tidied, WriteRequest
    from datacoolie_engine_polars.copy_on_write import DataFiles, Rewrite
    from datacoolie_engine_polars.evolution import SchemaChange
    from datacoolie_engine_polars.staging import StagedData, Stager

_STEM = "dc-"
"""How names of data files begin, so that what a dead first load left is not taken for somebody's files."""

_SHOWN = 5
"""How many files a message names."""


class DeltaTableOps(StagedTable):
    """One Delta table, as of the version that was current when this was made."""

    def __init__(self, ref: TableRef, stager: Stager) -> None:
        """Remember the place; the table is opened when it is first asked for."""
        ref = by_path(ref)
        self._path = str(ref.path)
        super().__init__(self._path, stager)
        self._ref = ref
        self._access = access_of(self._path, ref.storage)

    @cached_property
    def _table(self) -> DeltaTable | None:
        identity, _, number = (self._ref.version or "").rpartition("@")
        table = self._open(int(number) if number else None)
        if table and identity and str(table.metadata().id) != identity:
            message = f"{self._path}: this is another table than the one of which version {number} was asked for"
            raise SourceError(message, {"path": self._path})
        return table

    def _open(self, version: int | None) -> DeltaTable | None:
        """Open the table by credentials that are good now."""
        self._options = self._access.options
        try:
            return DeltaTable(self._path, version=version, storage_options=self._options)
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> DestinationError:
        found = failures.of_store(error)
        why, kind = (found.message, found.error_class) if found else (failures.first_line(error), ErrorClass.DATA)
        message = f"{self._path}: this is no Delta table that can be read: {why}"
        return DestinationError(message, {"path": self._path}).classed(kind)

    def _renew(self) -> None:
        """Open the same version again when other credentials are good by now: a pass may take long."""
        if self._access.options != self._options:
            self._table = self._open(self._existing().version())

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
        return scanned(table, self._path, self._access)

    @cached_property
    def _rules(self) -> Rules:
        return rules_of(self._existing(), self._path)

    def _check_writable(self, operation: Operation) -> None:
        refuse_unsupported(self._existing(), self._path, operation)

    def _compare(self, schema: pl.Schema, request: WriteRequest[pl.LazyFrame]) -> SchemaChange:
        change = evolved(self._existing(), schema, request, self._path)
        self._rules.refuse_renaming(change.renamed)
        return change

    def _data_files(self, change: SchemaChange) -> DataFiles:
        return data_files(self._existing(), self._path, change, self._evaluate, self._access)

    def _prepared(
        self, frame: pl.LazyFrame, schema: pl.Schema, request: WriteRequest[pl.LazyFrame]
    ) -> tuple[pl.LazyFrame, pl.Schema]:
        keys = self._keys(request)
        if self._table is not None:
            frame, schema = self._rules.completed(frame, schema, schema_of(self._table))
        return partitions.without_empty(frame, schema, [name for name in keys if name in schema]), schema

    def _add(
        self, frame: pl.LazyFrame, change: SchemaChange, request: WriteRequest[pl.LazyFrame]
    ) -> tuple[StagedData, str]:
        staged = self._stage(frame, self._keys(request), request)
        with staged.withdrawn_on_failure():
            commit = request.decide(staged.observed)
            add_columns(self._existing(), change)
        return staged, self._commit(staged, commit, kind="add")

    def _replace_all(
        self, frame: pl.LazyFrame, change: SchemaChange, request: WriteRequest[pl.LazyFrame]
    ) -> tuple[StagedData, str, int]:
        staged, removed = self._stage(frame, self._keys(request), request), len(self._existing().file_uris())
        return staged, self._commit_whole(staged, change, request), removed

    def _rewrite(
        self, rewrite: Rewrite, change: SchemaChange, request: WriteRequest[pl.LazyFrame]
    ) -> tuple[StagedData, str]:
        size = None if request.size is None else request.size + int(rewrite.replaced["size_bytes"].sum())
        staged = self._stage(rewrite.frame, self._keys(request), replace(request, size=size))
        if change.rewrites:
            return staged, self._commit_whole(staged, change, request)
        with staged.withdrawn_on_failure():
            commit = request.decide(staged.observed)
            add_columns(self._existing(), change)
        return staged, self._commit(staged, commit, removes(rewrite.replaced))

    def _commit_whole(self, staged: StagedData, change: SchemaChange, request: WriteRequest[pl.LazyFrame]) -> str:
        """Commit staged files as the whole of the table, with its new schema."""
        with staged.withdrawn_on_failure():
            commit = request.decide(staged.observed)
            allow(self._existing(), change)
        return self._commit(staged, commit, kind="replace", change=change)

    def committed(self, dataflow_id: str, *, after: int = -1) -> Commit | None:
        """Return the newest commit of a dataflow when its `seq` is above `after`, else `None`; one look when it isn't.

        Raises:
            DestinationError: the commit is known to exist, but what it says is no longer in the table's log; or the log
                can't be read.
        """
        if self._table is None:
            return None
        try:
            return commits.newest(self._table, dataflow_id, after=after, where=self._path)
        except (DeltaError, OSError) as error:
            raise self._unreadable(error) from error

    def history(self, limit: int) -> Sequence[Mapping[str, object]]:
        """Return the newest entries of the log."""
        return self._existing().history(limit)

    def optimize(
        self, *, zorder_by: Sequence[str] = (), options: Mapping[str, object], if_due: bool = False
    ) -> Tidied | None:
        """Join small files, compressed as `options` say, or order all rows."""
        if self._table is None:
            return None
        refuse_unsupported(self._table, self._path, "care")
        compression = parquet_compression(options, what="delta")
        return care.optimize(self._table, self._path, zorder_by=zorder_by, compression=compression, if_due=if_due)

    def vacuum(self, *, keep: timedelta, leftovers: bool, if_due: bool = False) -> Tidied | None:
        """Remove files that no version of the last `keep` needs."""
        if self._table is None:
            return None
        refuse_unsupported(self._table, self._path, "care")
        return care.vacuum(self._table, self._path, keep=keep, leftovers=leftovers, if_due=if_due)

    def files_by_partition(self) -> Mapping[str, Sequence[str]]:
        """Return paths of data files by the folder of their partition."""
        found: dict[str, list[str]] = {}
        table = self._existing()
        keys = table.metadata().partition_columns
        for file in pl.DataFrame(table.get_add_actions(flatten=True)).iter_rows(named=True):
            values = {name: partitions.value_text(file[f"partition.{name}"]) for name in keys}
            found.setdefault(partitions.folder(values), []).append(f"{self._path}/{unquote(file['path'])}")
        return found if keys or found else {"": []}

    def _existing(self) -> DeltaTable:
        if self._table is None:
            message = f"{self._path}: there is no Delta table"
            raise DestinationError(message, {"path": self._path})
        return self._table

    def _keys(self, request: WriteRequest[pl.LazyFrame]) -> tuple[str, ...]:
        """Return the partition columns of the table, which have to be those that were asked for; else just these."""
        asked = tuple(field.column for field in request.partition_by)
        if self._table is None:
            return asked
        actual = tuple(self._table.metadata().partition_columns)
        check_asked(asked, actual, self._path)
        return actual

    def _stage(self, frame: pl.LazyFrame, keys: tuple[str, ...], request: WriteRequest[pl.LazyFrame]) -> StagedData:
        """Write the data files, those without rows left out, and make sure that no row breaks a rule of the table.

        Raises:
            DestinationError: rows do; the files are removed.
        """
        target = staging.Target(
            folder=self._path,
            stem=_STEM + request.stem,
            extension="parquet",
            keys=keys,
            file_bytes=staging.file_bytes(request.size),
            access=self._access,
        )
        sink = parquet_sink(request.options, partitioned=bool(keys), what="delta").sink
        if self._table is None:
            return self._stager.stage(frame, target, sink, request.observe).without_empty()
        observe = {**request.observe, **self._rules.observations(frame)}
        staged = self._stager.stage(frame, target, sink, observe).without_empty()
        with staged.withdrawn_on_failure():
            observed = self._rules.enforce(staged.observed)
            self._renew()
        return replace(staged, observed=observed)

    def _create(self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame]) -> tuple[StagedData, str, str]:
        self._refuse_foreign_files()
        schema, keys = frame.collect_schema(), self._keys(request)
        check_keys(described_schema(schema), keys, self._path)
        check_new(schema, self._path)
        staged = self._stage(frame, keys, request)
        with staged.withdrawn_on_failure():
            commit = request.decide(staged.observed)
        act = partial(commits.make_first, staged, commits.adds(staged), commit)
        described = delta_schema(schema)
        commits.guarded(partial(act, partition_by=keys, schema=described), staged)
        return staged, commits.made_id(staged), "0"

    def _refuse_foreign_files(self) -> None:
        """Make no table of a folder that holds somebody's files.

        Raises:
            DestinationError: naming some of them.
        """
        foreign = list(islice((name for name in self._access.names(self._path) if not _is_ours(name)), _SHOWN))
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
        kind: commits.Kind = "rewrite",
        change: SchemaChange | None = None,
    ) -> str:
        """Show the staged files in one commit and return its version."""
        table = self._existing()
        actions: list[AddAction | RemoveAction] = [*commits.adds(staged), *removes]
        described = changed_schema(table, change) if change else table.schema()
        act = partial(commits.make, table, actions, commit, kind=kind, schema=described)
        made = commits.guarded(act, staged)
        return str(table.version() + 1 if made is None else made)


def _is_ours(relative: str) -> bool:
    """Whether a file below a folder is nobody else's: staged by us, part of a log, or hidden."""
    *folders, name = relative.split("/")
    return name.startswith(_STEM) or any(part.startswith(("_", ".")) for part in (*folders, name))
