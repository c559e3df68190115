"""Care for destinations: after loads what is due, by `datacoolie maintain` all of it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie.core.exceptions import DataCoolieError
from datacoolie.core.models import Maintenance
from datacoolie.core.redaction import get_logger, redact
from datacoolie.destinations.base import Cared, CareRequest
from datacoolie.engines import CommitConflictError, Tidied
from datacoolie.observability.records import MaintenanceRecord
from datacoolie.state import live_run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacoolie.core.models import DataFlow, RunSettings
    from datacoolie.orchestration.workspace import Workspace
    from datacoolie.state import BaseStateStore

Frame = TypeVar("Frame")

MAX_ATTEMPTS = 5
"""How often care is tried when others commit in between."""

_log = get_logger(__name__)


class Caretaker(Generic[Frame]):
    """Cares for destinations of flows; a failure is a record, not an exception.

    Args:
        workspace: the flows and what they are made of.
        store: says which runs are loading.
        settings: how long old versions are kept where a flow does not say it.
    """

    def __init__(self, workspace: Workspace[Frame], store: BaseStateStore, settings: RunSettings) -> None:
        """Do nothing yet."""
        self._workspace = workspace
        self._store = store
        self._settings = settings

    def after_load(self, flow: DataFlow) -> MaintenanceRecord | None:
        """Do what the flow asks for and what is due; `None` when it asks for nothing."""
        maintenance = flow.destination.settings.maintenance
        return self._care(flow, maintenance, if_due=True) if maintenance else None

    def maintain(self, flow: DataFlow) -> MaintenanceRecord:
        """Do what the flow asks for, all there is when it does not say."""
        return self._care(flow, flow.destination.settings.maintenance or self._all_there_is(flow), if_due=False)

    def _all_there_is(self, flow: DataFlow) -> Maintenance:
        capabilities, name = self._workspace.engine.capabilities, self._workspace.connection(flow.destination).format
        return Maintenance(optimize=name in capabilities.optimizes, vacuum=True)

    def one_per_destination(self, flows: Iterable[DataFlow]) -> list[DataFlow]:
        """Return one flow for each table or folder: the first that says how it is to be maintained."""
        found: dict[str, DataFlow] = {}
        for flow in sorted(flows, key=lambda one: one.destination.settings.maintenance is None):
            found.setdefault(self._workspace.location(flow.destination), flow)
        return list(found.values())

    def _care(self, flow: DataFlow, maintenance: Maintenance, *, if_due: bool) -> MaintenanceRecord:
        started, cared, error = time.perf_counter(), Cared(), ""
        try:
            cared = self._until_settled(flow, self._request(flow, maintenance, if_due=if_due))
        except DataCoolieError as failure:
            error = redact(failure.message)
            _log.warning("%s: maintenance failed: %s", flow.name, error)
        optimized, vacuumed = cared.optimized or Tidied(), cared.vacuumed or Tidied()
        return MaintenanceRecord(
            destination=self._workspace.describe(flow.destination),
            joined_files=optimized.removed_files,
            joined_size=optimized.removed_size,
            new_files=optimized.files,
            new_size=optimized.size,
            removed_files=vacuumed.removed_files,
            removed_size=vacuumed.removed_size,
            seconds=time.perf_counter() - started,
            error=error,
        )

    def _request(self, flow: DataFlow, maintenance: Maintenance, *, if_due: bool) -> CareRequest:
        hours = maintenance.retention_hours
        return CareRequest(
            optimize=maintenance.optimize,
            # Ordering writes the whole table again, which is too much after each load.
            zorder_by=() if if_due else tuple(maintenance.zorder_by),
            vacuum=maintenance.vacuum,
            keep=timedelta(hours=self._settings.retention_hours if hours is None else hours),
            live_runs=self._live_runs(flow) if maintenance.vacuum else frozenset(),
            if_due=if_due,
        )

    def _live_runs(self, flow: DataFlow) -> frozenset[str]:
        """Return the runs that are loading into the flow's destination, by this flow or another."""
        place = self._workspace.location(flow.destination)
        beside = [
            other
            for other in self._workspace.metadata.active_dataflows
            if self._workspace.location(other.destination) == place
        ]
        runs = (live_run(self._store.read(other.dataflow_id).state) for other in beside)
        return frozenset(run for run in runs if run)

    def _until_settled(self, flow: DataFlow, request: CareRequest) -> Cared:
        for _ in range(MAX_ATTEMPTS - 1):
            try:
                return self._workspace.destination(flow).care(request)
            except CommitConflictError as error:
                _log.debug("%s: maintenance is tried again", flow.name, exc_info=error)
        return self._workspace.destination(flow).care(request)
