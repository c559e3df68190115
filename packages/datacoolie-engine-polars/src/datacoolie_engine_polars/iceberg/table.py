"""Iceberg tables by catalog name: staged files, then one commit through the metadata that was read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING

import polars as pl
from pyiceberg.table.snapshots import ancestors_of

from datacoolie.core.exceptions import DestinationError, EngineError, ErrorClass, SourceError
from datacoolie.engines import UnknownOutcomeError, evolution
from datacoolie_engine_polars import staging
from datacoolie_engine_polars.access import access_of
from datacoolie_engine_polars.copy_on_write import PATH
from datacoolie_engine_polars.evolution import SchemaChange, check_new
from datacoolie_engine_polars.files.sinks import parquet_sink
from datacoolie_engine_polars.iceberg import care, catalogs, commits, data_files, partitioning
from datacoolie_engine_polars.iceberg.features import refuse_nulls, refuse_unsupported
from datacoolie_engine_polars.iceberg.schema import held, iceberg_schema, schema_of, with_ids
from datacoolie_engine_polars.schemas import conform, described_schema
from datacoolie_engine_polars.staged_table import Operation, StagedTable
from datacoolie_engine_polars.types import from_polars

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    from pyiceberg.catalog import Catalog
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table, Transaction

    from datacoolie.core.types import Schema
    from datacoolie.engines import Commit, TableRef, Tidied, WriteRequest
    from datacoolie_engine_polars.copy_on_write import DataFiles, Rewrite
    from datacoolie_engine_polars.staging import StagedData, Stager


@dataclass(frozen=True, slots=True)
class _Written:
    """Staged files and what is to be committed with them.

    Attributes:
        data: the files.
        change: the commit.
    """

    data: StagedData
    change: commits.Change

    def shown(self, make: Callable[[commits.Change, TableRef], int], ref: TableRef) -> str:
        """Make the commit and return the snapshot's id; the files of one that is known to have failed are removed."""
        try:
            return str(make(self.change, ref))
        except UnknownOutcomeError:
            raise
        except DestinationError:
            self.data.remove()
            raise


class IcebergTableOps(StagedTable):
    """One Iceberg table, as of the snapshot that was current when this was made."""

    def __init__(self, ref: TableRef, stager: Stager) -> None:
        """Remember the name; the catalog is asked when the table is first needed."""
        if not ref.name or not ref.catalog_options:
            message = f"{ref}: Iceberg tables have a name in a catalog; give the connection catalog_options"
            raise EngineError(message).classed(ErrorClass.CONFIGURATION)
        super().__init__(str(ref), stager)
        self._ref = ref

    @cached_property
    def _catalog(self) -> Catalog:
        return catalogs.catalog_of(self._ref)

    @cached_property
    def _table(self) -> Table | None:
        table = catalogs.table_of(self._catalog, self._ref)
        identity, _, _ = (self._ref.version or "").partition("@")
        if table is not None and identity and str(table.metadata.table_uuid) != identity:
            message = f"{self._where}: this is another table than the one of which a version was asked for"
            raise SourceError(message, {"table": self._ref.name})
        return table

    @property
    def exists(self) -> bool:
        """Whether there is a table."""
        return self._table is not None

    @property
    def version(self) -> str:
        """The table's id and that of its snapshot, which is missing while the table has none."""
        if self._ref.version is not None:
            return self._ref.version
        table = self._existing()
        snapshot = table.current_snapshot()
        return f"{table.metadata.table_uuid}@{'' if snapshot is None else snapshot.snapshot_id}"

    def schema(self) -> Schema:
        """Return the table's columns."""
        columns = schema_of(self._existing().schema())
        return {name: from_polars(kind, column=name) for name, kind in columns.items()}

    def scan(self) -> pl.LazyFrame:
        """Return the rows of this version."""
        table = self._existing()
        _, _, number = self.version.partition("@")
        if number and table.snapshot_by_id(int(number)) is None:
            message = f"{self._where}: snapshot {number} is expired; read the table from its newest snapshot"
            raise SourceError(message, {"table": self._ref.name})
        if not number:
            return pl.LazyFrame(schema=schema_of(table.schema()))
        # The schema may have changed without a snapshot; one that is named has the schema of its time.
        newest = int(number) == table.metadata.current_snapshot_id
        return pl.scan_iceberg(table, snapshot_id=None if newest else int(number))

    def committed(self, dataflow_id: str, *, after: int = -1) -> Commit | None:
        """Return the newest commit of a dataflow when its `seq` is above `after`, else `None`.

        Raises:
            DestinationError: the table has the token, but its snapshot is expired or rolled back.
        """
        if self._table is None:
            return None
        return commits.newest(self._table, dataflow_id, after=after, where=self._where)

    def history(self, limit: int) -> Sequence[Mapping[str, object]]:
        """Return the newest snapshots."""
        table = self._existing()
        return [
            {
                "snapshot_id": snapshot.snapshot_id,
                "timestamp_ms": snapshot.timestamp_ms,
                "operation": snapshot.summary.operation.value if snapshot.summary else None,
                **commits.entries(snapshot),
            }
            for snapshot in islice(ancestors_of(table.current_snapshot(), table.metadata), limit)
        ]

    def vacuum(self, *, keep: timedelta, leftovers: bool, if_due: bool = False) -> Tidied | None:
        """Expire snapshots that are older than `keep`, and remove files that no snapshot needs."""
        if self._table is None:
            return None
        refuse_unsupported(self._table.metadata, self._where)
        return care.vacuum(self._table, self._ref, keep=keep, leftovers=leftovers, if_due=if_due)

    def _existing(self) -> Table:
        if self._table is None:
            message = f"{self._where}: there is no such table"
            raise DestinationError(message, {"table": self._ref.name})
        return self._table

    def _check_writable(self, operation: Operation) -> None:
        del operation
        refuse_unsupported(self._existing().metadata, self._where)

    def _prepared(
        self, frame: pl.LazyFrame, schema: pl.Schema, request: WriteRequest[pl.LazyFrame]
    ) -> tuple[pl.LazyFrame, pl.Schema]:
        if self._table is not None:
            metadata = self._table.metadata
            partitioning.check_asked(request.partition_by, metadata.spec(), metadata.schema(), self._where)
        target = held(schema)
        return conform(frame, schema, target), target

    def _compare(self, schema: pl.Schema, request: WriteRequest[pl.LazyFrame]) -> SchemaChange:
        current = schema_of(self._existing().schema())
        change = evolution.of_iceberg(described_schema(current), described_schema(schema), request, self._where)
        return SchemaChange(change)

    @cached_property
    def _tasks(self) -> dict[str, FileScanTask]:
        """The table's data files by path."""
        try:
            tasks = list(self._existing().scan().plan_files())
        except catalogs.FAILURES as error:
            raise catalogs.unreadable(self._ref, error) from error
        return {self._path_of(task.file.file_path): task for task in tasks}

    def _data_files(self, change: SchemaChange) -> DataFiles:
        evolved = self._evolving(change).table_metadata
        table = self._existing()
        access = access_of(self._path_of(table.location()), self._ref.storage)
        data_files.refuse_unreadable(self._tasks.values(), self._where)
        return data_files.of_tasks(self._tasks, table, evolved, self._evaluate, access)

    def _path_of(self, location: str) -> str:
        return data_files.path_of(location, self._ref.storage, self._where)

    def _add(
        self, frame: pl.LazyFrame, change: SchemaChange, request: WriteRequest[pl.LazyFrame]
    ) -> tuple[StagedData, str]:
        table, transaction = self._existing(), self._evolving(change)
        written = self._stage(frame, transaction, request)
        if change.changed:
            return written.data, written.shown(partial(commits.make, transaction), self._ref)
        return written.data, written.shown(partial(commits.follow, table), self._ref)

    def _replace_all(
        self, frame: pl.LazyFrame, change: SchemaChange, request: WriteRequest[pl.LazyFrame]
    ) -> tuple[StagedData, str, int]:
        removed = [task.file for task in self._tasks.values()]
        staged, version = self._exchange(frame, removed, change, request)
        return staged, version, len(removed)

    def _rewrite(
        self, rewrite: Rewrite, change: SchemaChange, request: WriteRequest[pl.LazyFrame]
    ) -> tuple[StagedData, str]:
        removed = [self._tasks[path].file for path in rewrite.replaced[PATH]]
        if request.size is not None:
            request = replace(request, size=request.size + sum(file.file_size_in_bytes for file in removed))
        return self._exchange(rewrite.frame, removed, change, request)

    def _exchange(
        self,
        frame: pl.LazyFrame,
        removed: Sequence[DataFile],
        change: SchemaChange,
        request: WriteRequest[pl.LazyFrame],
    ) -> tuple[StagedData, str]:
        """Stage rows, and commit them in the place of files."""
        transaction = self._evolving(change)
        written = self._stage(frame, transaction, request, removed)
        return written.data, written.shown(partial(commits.make, transaction), self._ref)

    def _create(self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame]) -> tuple[StagedData, str, str]:
        schema = frame.collect_schema()
        check_new(schema, self._where)
        described = iceberg_schema(schema)
        spec = partitioning.spec_of(request.partition_by, described, self._where)
        transaction = catalogs.begin(self._catalog, self._ref, described, spec)
        written = self._stage(frame, transaction, request)
        version = written.shown(partial(commits.make, transaction), self._ref)
        return written.data, str(transaction.table_metadata.table_uuid), version

    def _evolving(self, change: SchemaChange) -> Transaction:
        """Begin a transaction that gives the table its new schema."""
        transaction = self._existing().transaction()
        if change.renamed:
            with transaction.update_schema() as update:
                for old, new in change.renamed.items():
                    update.rename_column(old, new)
        if change.changed:
            with transaction.update_schema() as update:
                update.union_by_name(iceberg_schema(change.schema))
        return transaction

    def _stage(
        self,
        frame: pl.LazyFrame,
        transaction: Transaction,
        request: WriteRequest[pl.LazyFrame],
        removed: Sequence[DataFile] = (),
    ) -> _Written:
        """Write the data files, those without rows left out, and decide on their commit."""
        metadata = transaction.table_metadata
        schema, location = metadata.schema(), data_files.location_of(metadata)
        folder = self._path_of(location)
        keys = partitioning.keys_of(metadata.spec(), schema, schema_of(schema), self._where)
        target = staging.Target(
            folder=folder,
            stem=data_files.STEM + request.stem,
            extension="parquet",
            keys=tuple(keys),
            flat=True,
            file_bytes=staging.file_bytes(request.size),
            access=access_of(folder, self._ref.storage),
        )
        arrow = with_ids(schema)
        sink = parquet_sink(request.options, partitioned=bool(keys), what="iceberg", arrow_schema=arrow).sink
        staged = self._stager.stage(frame.with_columns(**keys), target, sink, request.observe).without_empty()
        with staged.withdrawn_on_failure():
            commit = request.decide(staged.observed)
            added = data_files.described(metadata, location, staged)
            refuse_nulls(added, schema, self._where)
        return _Written(staged, commits.Change(commit=commit, added=added, removed=removed))
