"""A run's flows, loaded one by one: retries, records, events."""

from __future__ import annotations

import logging
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie.core.exceptions import DataCoolieError, ErrorClass, TransformError, WatermarkError
from datacoolie.core.redaction import get_logger, redact, redacted_json
from datacoolie.engines import NamesWork
from datacoolie.observability.events import FlowFinished, FlowStarted
from datacoolie.observability.records import ErrorRecord, FlowRecord, FlowStatus
from datacoolie.observability.retention import remove_old_records
from datacoolie.orchestration.care import Caretaker
from datacoolie.orchestration.guarantees import guarantee_of
from datacoolie.orchestration.load import Load
from datacoolie.orchestration.replay import Replay
from datacoolie.state import kept_private
from datacoolie.state.names import file_name

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from datacoolie.core.models import DataFlow
    from datacoolie.observability.records import MaintenanceRecord
    from datacoolie.orchestration.load import Run

Frame = TypeVar("Frame")

_log = get_logger(__name__)
# Without any handler Python prints what is logged, tracebacks too, and nothing would redact that.
logging.getLogger("datacoolie").addHandler(logging.NullHandler())

_RETRIED = {ErrorClass.TRANSIENT, ErrorClass.CONFLICT}


class FlowLoads(Generic[Frame]):
    """Loads flows of one run and leaves a record of each.

    Args:
        run: what the loads share.
        records: folder or URI below which records are written.
    """

    def __init__(self, run: Run[Frame], records: str) -> None:
        """Remember the run, and whether it is the first one of its day."""
        self._run = run
        self._caretaker = Caretaker(run.workspace, run.store, run.settings)
        self._platform = kept_private(run.workspace.platform)
        self._records, day = records, f"{records}/{run.started_at:%Y-%m-%d}"
        self._folder = f"{day}/{run.run_id}"
        self._first_of_day = not run.workspace.platform.exists(day)

    def load(self, flow: DataFlow) -> FlowRecord:
        """Load a flow, again after a failure that may pass; a failure is a record, not an exception."""
        self._run.listener.handle(FlowStarted(flow=flow.name))
        started, left = datetime.now(UTC), self._run.settings.retry_count
        asked_again = False
        while True:
            attempt = self._begin(flow)
            try:
                with self._named(flow):
                    status, reason = attempt.execute()
            except DataCoolieError as error:
                _log.debug("%s: failed in %s", flow.name, attempt.stage, exc_info=error)
                if not asked_again and self._may_be_refused(error):
                    asked_again = True
                    if self._run.workspace.has_other_secrets(flow):
                        continue
                if left == 0 or error.error_class not in _RETRIED:
                    return self._record(flow, started, attempt, FlowStatus.FAILED, error=_error(error, attempt.stage))
                left -= 1
                time.sleep(self._run.settings.retry_delay)
            else:
                with self._named(flow):
                    maintenance = self._caretaker.after_load(flow) if status is FlowStatus.SUCCEEDED else None
                return self._record(flow, started, attempt, status, reason=reason, maintenance=maintenance)

    def _named(self, flow: DataFlow) -> AbstractContextManager[None]:
        engine = self._run.workspace.engine
        return engine.naming(flow.name) if isinstance(engine, NamesWork) else nullcontext()

    def _may_be_refused(self, error: DataCoolieError) -> bool:
        """Return whether old secrets may be the reason; what a system says of a wrong password is its own."""
        return error.error_class not in _RETRIED and not isinstance(error, TransformError | WatermarkError)

    def _begin(self, flow: DataFlow) -> Load[Frame]:
        replay = self._run.settings.replay
        return Replay(flow, self._run, replay) if replay else Load(flow, self._run)

    def crash(self, flow: DataFlow, error: BaseException) -> FlowRecord:
        """Record a bug, and log where it is; one flow's bug ends no other flow."""
        if not isinstance(error, Exception):
            raise error
        _log.error("%s: unexpected error", flow.name, exc_info=error)
        message = f"{str(error) or 'no message'} (this is a bug of datacoolie or of a plugin; -v shows where)"
        found = ErrorRecord(
            type=type(error).__name__, error_class=ErrorClass.DATA, stage="unknown", message=redact(message)
        )
        return self._record(flow, datetime.now(UTC), Load(flow, self._run), FlowStatus.FAILED, error=found)

    def cancel(self, flow: DataFlow, reason: str) -> FlowRecord:
        """Record that a flow did not start, and why."""
        now = datetime.now(UTC)
        return self._record(flow, now, Load(flow, self._run), FlowStatus.CANCELLED, reason=reason)

    def forget(self) -> None:
        """Remove records that are older than the run's `retention_hours`: once a day, for all records are listed."""
        keep = timedelta(hours=self._run.settings.retention_hours)
        if not self._first_of_day:
            return
        try:
            remove_old_records(self._run.workspace.platform, self._records, before=self._run.started_at - keep)
        except DataCoolieError as failure:
            _log.warning("Old run records were not removed: %s", redact(failure.message))

    def interrupt(self) -> None:
        """End the passes that are running; no other begins."""
        self._run.stopped.set()
        self._run.workspace.engine.interrupt()

    def _record(  # noqa: PLR0913 - a record has many parts
        self,
        flow: DataFlow,
        started: datetime,
        load: Load[Frame],
        status: FlowStatus,
        *,
        reason: str = "",
        error: ErrorRecord | None = None,
        maintenance: MaintenanceRecord | None = None,
    ) -> FlowRecord:
        load.finish()
        workspace = self._run.workspace
        guarantee, why = guarantee_of(flow, workspace, replayed=self._run.settings.replay is not None)
        record = FlowRecord(
            run_id=self._run.run_id,
            flow=flow.name,
            dataflow_id=flow.dataflow_id,
            group=flow.stage,
            engine=workspace.engine.name,
            load_type=flow.destination.load_type.value,
            source=workspace.describe(flow.source),
            destination=workspace.describe(flow.destination),
            status=status,
            reason=reason,
            guarantee=guarantee,
            guarantee_reason=why,
            started_at=started,
            ended_at=datetime.now(UTC),
            window=load.window,
            commit=load.commit,
            durations=load.durations,
            attempts=load.attempts,
            error=error,
            maintenance=maintenance,
        )
        data = redacted_json(record.to_json()) + "\n"
        try:
            self._platform.write(f"{self._folder}/{file_name(flow.dataflow_id)}.json", data.encode())
        except DataCoolieError as failure:
            # The load is what it is, whether or not it could be written down.
            _log.warning("%s: the record was not written: %s", flow.name, redact(failure.message))
        self._run.listener.handle(FlowFinished(record=record))
        return record


def _error(error: DataCoolieError, stage: str) -> ErrorRecord:
    return ErrorRecord(
        type=type(error).__name__, error_class=error.error_class, stage=stage, message=redact(error.message)
    )
