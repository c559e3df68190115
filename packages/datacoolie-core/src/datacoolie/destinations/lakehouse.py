"""Tables as destinations: each load type is one `append`, `overwrite` or `merge` of the engine."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie.core.columns import CREATED_AT
from datacoolie.core.exceptions import EngineError, ErrorClass
from datacoolie.core.models import LakehouseSettings, LoadType
from datacoolie.destinations import scd2
from datacoolie.destinations.base import BaseDestination, Cared, CareRequest, LoadRequest
from datacoolie.destinations.catalogs import Registrar
from datacoolie.destinations.symlinks import write_manifests
from datacoolie.engines import (
    CanOptimize,
    CanVacuum,
    ListsFiles,
    MergePlan,
    WriteRequest,
    WriteResult,
)
from datacoolie.engines.places import table_ref
from datacoolie.sql import lit

if TYPE_CHECKING:
    from collections.abc import Collection

    from datacoolie.engines import Commit, TableOps

Frame = TypeVar("Frame")


class TableDestination(BaseDestination[Frame], Generic[Frame]):
    """A Delta or Iceberg table."""

    @cached_property
    def _table(self) -> TableOps[Frame]:
        """Open the table once: the commit refuses to land on a version that this handle has not seen."""
        return self._open()

    def _open(self) -> TableOps[Frame]:
        """Open the table at its newest version."""
        return self.engine.table(table_ref(self.flow.destination, self.connection, self.platform))

    @property
    def _write_options(self) -> dict[str, object]:
        return {**self.connection.settings.write_options, **self.flow.destination.settings.write_options}

    @property
    def identity(self) -> str | None:
        """The table's id in its own metadata."""
        return self._table.version.rpartition("@")[0] if self._table.exists else None

    def committed(self, *, after: int) -> Commit | None:
        """Ask the table for the flow's token."""
        return self._table.committed(self.flow.dataflow_id, after=after)

    def follow(self) -> None:
        """Write the manifests and register the table, as far as the connection asks for that."""
        settings = self.connection.settings_as(LakehouseSettings)
        folders = self._write_manifests()
        if not (settings.register_table or settings.register_symlink_table):
            return
        catalog = Registrar(flow=self.flow, connection=self.connection, platform=self.platform, location=self.location)
        table = self._open()
        if not table.exists:
            return
        columns = table.schema()
        if settings.register_table:
            catalog.delta(columns)
        # A table by partitions that has no file has no manifest, and nothing that tells its partitions.
        if settings.register_symlink_table and folders:
            catalog.symlinks(columns, folders)

    def clear(self, request: LoadRequest[Frame]) -> WriteResult:
        """Overwrite the table with none of its rows."""
        if not self._table.exists:
            return WriteResult(version="", rows=0, size=0, files=0)
        nothing = self.engine.frames.filter(self._table.scan(), lit(value=False))
        return self._table.overwrite(nothing, self._write_request(request))

    def _write_request(self, request: LoadRequest[Frame]) -> WriteRequest[Frame]:
        destination = self.flow.destination
        return WriteRequest(
            decide=request.decide,
            observe=request.observe,
            partition_by=request.partition_by,
            schema_policy=destination.settings.schema_policy,
            options=self._write_options,
            stem=request.stem,
            size=request.size,
            renames=request.renames,
        )

    def load(self, frame: Frame, request: LoadRequest[Frame]) -> WriteResult:
        """Append, overwrite or merge."""
        destination = self.flow.destination
        write = self._write_request(request)
        match destination.load_type:
            case LoadType.APPEND:
                return self._table.append(frame, write)
            case LoadType.OVERWRITE | LoadType.FULL_LOAD:
                return self._table.overwrite(frame, write)
            case LoadType.MERGE_UPSERT:
                return self._table.merge(frame, MergePlan(keys=request.merge_keys, keep=(CREATED_AT,)), write)
            case LoadType.MERGE_OVERWRITE if request.replaced is not None:
                return self._table.overwrite(frame, write, where=request.replaced)
            case LoadType.MERGE_OVERWRITE:
                return self._table.merge(frame, MergePlan(keys=request.merge_keys, replace=True), write)
            case LoadType.SCD2 if request.history is not None:
                history = scd2.History(self.engine.frames, request.history, request.stamps, where=self.flow.name)
                return history.load(self._table, frame, write)
            case other:
                message = f"{self.flow.name}: a load of type {other.value} needs to know its columns"
                raise ValueError(message)

    def care(self, request: CareRequest) -> Cared:
        """Join files, then remove those that nobody needs."""
        optimized = vacuumed = None
        if request.optimize:
            table = self._open()
            if not isinstance(table, CanOptimize):
                raise self._unsupported(what="maintenance.optimize")
            optimized = table.optimize(zorder_by=request.zorder_by, options=self._write_options, if_due=request.if_due)
        if optimized or not request.if_due:
            self._write_manifests()
        if request.vacuum:
            table = self._open()
            if not isinstance(table, CanVacuum):
                raise self._unsupported(what="maintenance.vacuum")
            vacuumed = table.vacuum(keep=request.keep, leftovers=not request.live_runs, if_due=request.if_due)
        return Cared(optimized=optimized, vacuumed=vacuumed)

    def _write_manifests(self) -> Collection[str]:
        """Write the manifests of the newest version, if they are asked for, and return the folders of its partitions.

        Raises:
            EngineError: this engine can't list the files of such tables.
            PlatformError: the platform failed.
        """
        settings = self.connection.settings_as(LakehouseSettings)
        if not (settings.generate_manifest or settings.register_symlink_table):
            return ()
        table = self._open()
        while table.exists:
            if not isinstance(table, ListsFiles):
                raise self._unsupported(what="generate_manifest")
            files = table.files_by_partition()
            write_manifests(self.platform, self.location, files)
            written, table = table.version, self._open()
            if table.version == written:
                return files.keys()
        return ()

    def _unsupported(self, *, what: str) -> EngineError:
        kind, engine = self.connection.format.value, self.engine.name
        message = f"{self.location}: {what} of {kind} tables is not supported yet by the engine {engine!r}"
        return EngineError(message, {"format": kind}).classed(ErrorClass.CONFIGURATION)
