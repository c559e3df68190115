"""Flat files as destinations: staged out of sight, committed by a manifest, then moved into place."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.models import FileSettings, LoadType
from datacoolie.destinations import json_numbers
from datacoolie.destinations.base import BaseDestination, Cared, CareRequest, LoadRequest
from datacoolie.destinations.catalogs import Registrar
from datacoolie.engines import FileScan, FileWrite, Staged, Tidied
from datacoolie.engines.places import storage_of
from datacoolie.state.folders import IDENTITY, FolderCommits
from datacoolie.state.views import live_files

if TYPE_CHECKING:
    from datacoolie.engines import Commit, WriteResult

Frame = TypeVar("Frame")


class FileDestination(BaseDestination[Frame], Generic[Frame]):
    """A folder of Parquet, CSV, JSON or Avro files, or one such file."""

    @cached_property
    def _commits(self) -> FolderCommits:
        return FolderCommits(self.platform, self.location, self.flow.dataflow_id)

    @property
    def identity(self) -> str | None:
        """`files` when the flow has committed here; nothing tells one folder of files from another."""
        return IDENTITY if self._commits.has_commits else None

    def recover(self) -> None:
        """Finish a publication that was interrupted."""
        self._commits.recover()

    def committed(self, *, after: int) -> Commit | None:
        """Look for the flow's newest manifest."""
        return self._commits.newest(after=after)

    def follow(self) -> None:
        """Register the folder, if the connection asks for that, with the columns of the files that came last."""
        if not self.connection.settings_as(FileSettings).register_table:
            return
        files, added = live_files(self.platform, self.location), self._commits.added()
        newest = tuple(file for file in files if file.path in added)
        storage = storage_of(self.connection, self.platform)
        scan = FileScan(format=self.connection.format, root=self.location, files=newest, storage=storage)
        catalog = Registrar(flow=self.flow, connection=self.connection, platform=self.platform, location=self.location)
        columns = self.engine.frames.schema(self.engine.files.scan(scan)) if newest else {}
        catalog.parquet(columns, (file.path for file in files), whole=self._replaces)

    @property
    def _replaces(self) -> bool:
        return self.flow.destination.load_type in {LoadType.OVERWRITE, LoadType.FULL_LOAD}

    def load(self, frame: Frame, request: LoadRequest[Frame]) -> WriteResult:
        """Stage in one pass, then commit the manifest and publish."""
        destination = self.flow.destination
        staging = self._commits.staging_folder(request.run_id, request.stem)
        numbers = json_numbers.observations(self.connection.format, self.engine.frames.schema(frame))
        frame, counts = self.engine.frames.observed(frame, numbers)
        write = FileWrite(
            format=self.connection.format,
            folder=staging,
            stem=request.stem,
            partition_by=tuple(field.column for field in request.partition_by),
            single_file=self._commits.single_file,
            size=request.size,
            options={**self.connection.settings.write_options, **destination.settings.write_options},
            observe={**request.observe, **counts},
            storage=storage_of(self.connection, self.platform),
        )
        try:
            staged = self.engine.files.stage(frame, write)
            json_numbers.check(numbers, staged.observed, self.location)
            files = self._commits.staged_files()
            commit = request.decide(staged.observed)
        except BaseException:
            self._commits.discard()
            raise
        return self._commits.commit(files, staged, commit, replace=self._replaces)

    def clear(self, request: LoadRequest[Frame]) -> WriteResult:
        """Commit a manifest that removes all files."""
        if self._commits.single_file:
            message = (
                f"{self.location} is one file, which can't be emptied; on_empty clear needs a table that is a folder"
            )
            raise DestinationError(message, {"path": self.location}).classed(ErrorClass.CONFIGURATION)
        self._commits.staging_folder(request.run_id, request.stem)
        nothing = Staged(rows=0, extension="", observed={})
        return self._commits.commit((), nothing, request.decide({}), replace=True)

    def care(self, request: CareRequest) -> Cared:
        """Finish what was cut off, and remove what dead runs staged and old manifests; files are not joined."""
        if not request.vacuum or request.if_due:
            # Each load tidies its own flow anyway.
            return Cared()
        removed = self._commits.tidy(request.live_runs)
        return Cared(vacuumed=Tidied(removed_files=removed) if removed else None)
