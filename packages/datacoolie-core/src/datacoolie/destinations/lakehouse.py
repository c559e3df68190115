"""Tables as destinations: each load type is one `append`, `overwrite` or `merge` of the engine."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.models import LoadType
from datacoolie.destinations.base import BaseDestination, LoadRequest
from datacoolie.engines import MergePlan, WriteRequest, WriteResult
from datacoolie.engines.places import table_ref
from datacoolie.sql import lit

if TYPE_CHECKING:
    from datacoolie.engines import Commit, TableOps

Frame = TypeVar("Frame")

CREATED_AT = "__created_at"
"""The system column that an upsert keeps."""


class TableDestination(BaseDestination[Frame], Generic[Frame]):
    """A Delta or Iceberg table."""

    @cached_property
    def _table(self) -> TableOps[Frame]:
        """Open the table once: the commit refuses to land on a version that this handle has not seen."""
        return self.engine.table(table_ref(self.flow.destination, self.connection, self.platform))

    def committed(self, *, after: int) -> Commit | None:
        """Ask the table for the flow's token."""
        return self._table.committed(self.flow.dataflow_id, after=after)

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
            options={**self.connection.settings.write_options, **destination.settings.write_options},
            stem=request.stem,
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
            case other:
                message = f"{self.flow.name}: load type {other.value} is not supported yet"
                raise ConfigurationError(message, {"load_type": other.value})
