"""One load, step by step: lease, window, token, one pass with one commit, state.

State is a cache of what the destination says. The order of the steps, and that the commit carries the mark, makes a
load effectively once: see `docs/concepts` and the steps in `Load`.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie.core.exceptions import DataCoolieError, DataFlowError
from datacoolie.destinations.base import LoadRequest
from datacoolie.engines import (
    Commit,
    CommitConflictError,
    CountsRows,
    EndsWork,
    InterruptedPassError,
    PartitionField,
    Token,
    UnknownOutcomeError,
)
from datacoolie.observability.events import RowsPassed, StageStarted, WindowResolved
from datacoolie.observability.records import FlowStatus
from datacoolie.orchestration.adoption import adopted, check_mark, check_target
from datacoolie.orchestration.emptying import REPLACING, cleared, clears, fails
from datacoolie.orchestration.outcomes import bound_values, commit_record, window_record
from datacoolie.orchestration.targets import history_of, merge_keys, replaced_rows
from datacoolie.sources.base import Window
from datacoolie.sources.columns import FILE_COLUMNS
from datacoolie.sql import count
from datacoolie.state import LoadState, Mark
from datacoolie.transformers.base import TransformContext
from datacoolie.transformers.names import NameMap, earlier_names
from datacoolie.transformers.pipeline import run_pipeline
from datacoolie.transformers.system_columns import stamps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from datacoolie.core.models import DataFlow, PartitionColumn, RunSettings
    from datacoolie.destinations.base import BaseDestination
    from datacoolie.engines import Observed, WriteResult
    from datacoolie.observability.events import Listener
    from datacoolie.observability.records import CommitRecord, WindowRecord
    from datacoolie.orchestration.workspace import Workspace
    from datacoolie.sources.base import BaseSource
    from datacoolie.state import BaseStateStore, HeldLease, LeaseKeeper, Stored
    from datacoolie.transformers.base import BaseTransformer

Frame = TypeVar("Frame")

MAX_ATTEMPTS = 8
"""How often a load is planned when other writers commit in between."""

REPLAYED = "replayed"
"""In the metadata of a replay's commit: where its chunk ends."""

_ROWS = "load.rows"


class _NothingNewError(Exception):
    """A load that replaces found no new row: what is there stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Generic[Frame]):
    """What the loads of one run share.

    Attributes:
        run_id: sorts by time.
        started_at: UTC; the time in `__created_at` and `__updated_at`.
        user: who runs it, for `__updated_by`.
        settings: retries, workers.
        workspace: connections, engine and platform.
        store: load states.
        keeper: leases.
        transformers: all there are, of which each flow takes those that apply.
        listener: receives events.
        stopped: set when the run is interrupted: nothing is committed any more.
    """

    run_id: str
    started_at: datetime
    user: str
    settings: RunSettings
    workspace: Workspace[Frame]
    store: BaseStateStore
    keeper: LeaseKeeper
    transformers: Sequence[BaseTransformer[Frame]]
    listener: Listener
    stopped: Event = field(default_factory=Event)


class Load(Generic[Frame]):
    """One flow in one run. `execute` returns how it ended; `window`, `commit` and `durations` say what it did.

    Attributes:
        window: what was read, when something was.
        commit: what was written, when something was.
        stage: what the load is doing.
        durations: seconds by stage.
        attempts: how often the load was planned.
    """

    def __init__(self, flow: DataFlow, run: Run[Frame]) -> None:
        """Prepare a load; nothing is read yet."""
        self.flow = flow
        self.run = run
        self.window: WindowRecord | None = None
        self.commit: CommitRecord | None = None
        self.stage = "window"
        self.durations: dict[str, float] = {}
        self.attempts = 0
        self._entered = time.perf_counter()

    def execute(self) -> tuple[FlowStatus, str]:
        """Load what is new and return how that ended, with the reason when there was nothing to do.

        Raises:
            DataCoolieError: the load failed; the destination is as before and the lease is released.
        """
        stored = self.run.store.read(self.flow.dataflow_id)
        state = stored.state or LoadState(dataflow_id=self.flow.dataflow_id, name=self.flow.name)
        source = self.run.workspace.source(self.flow)
        window = source.window(state.mark)
        if window is None and not clears(self.flow, state.mark):
            return self._nothing_new("nothing new")
        self._enter("lease")
        with self._leased(stored, state) as lease:
            if lease.state.mark != state.mark:
                window = None
            return self._attempt_until_settled(lease, window)

    def finish(self) -> None:
        """Close the running stage's time."""
        self._enter(self.stage)

    @contextmanager
    def _leased(self, stored: Stored, state: LoadState) -> Iterator[HeldLease]:
        """Hold the lease. When another run takes it, what the engine does for this flow ends."""

        def end() -> None:
            engine = self.run.workspace.engine
            if isinstance(engine, EndsWork):
                engine.end_work(self.flow.name)

        with self.run.keeper.take(self.run.store, stored, state, on_lost=end) as lease:
            try:
                yield lease
            except InterruptedPassError:
                lease.check()  # says who has the lease, where that is the reason
                raise

    def _attempt_until_settled(self, lease: HeldLease, window: Window | None) -> tuple[FlowStatus, str]:
        attempt = 0
        while True:
            attempt += 1
            self.attempts += 1
            try:
                return self._attempt(lease, window)
            except (CommitConflictError, UnknownOutcomeError):
                # Planning again asks the destination for the newest token first, which also settles an unknown outcome.
                if attempt == MAX_ATTEMPTS:
                    raise
                window = None
                time.sleep(random.uniform(0.05, 0.2) * 2**attempt)  # noqa: S311 - jitter needs no secrecy

    def _attempt(self, lease: HeldLease, window: Window | None) -> tuple[FlowStatus, str]:
        """Plan and commit once. `window` is what is already known to be new under the lease's state."""
        self._enter("token")
        source = self.run.workspace.source(self.flow)
        destination = self.run.workspace.destination(self.flow)
        destination.recover()
        found = self._adopt(destination, lease)
        check_target(self.flow, lease.state, destination.identity, destination.location)
        check_mark(self.flow, lease.state)
        if found or window is None:
            self._enter("window")
            window = source.window(lease.state.mark)
        if window is None and clears(self.flow, lease.state.mark):
            self._clear(destination, lease)
            return FlowStatus.SUCCEEDED, "nothing new: the target was emptied"
        if window is None or (found and self._is_same_input(window, lease.state.mark, found)):
            lease.finish(lease.state)
            if found and found.metadata.get("run_id") == self.run.run_id:
                return FlowStatus.SUCCEEDED, "the commit was found in the destination"
            return self._nothing_new(f"adopted commit {found.token.seq} of the destination" if found else "nothing new")
        try:
            self._write(source, destination, window, lease)
        except _NothingNewError:
            lease.finish(lease.state)
            return self._nothing_new("no new rows")
        return FlowStatus.SUCCEEDED, ""

    def _is_same_input(self, window: Window, mark: Mark | None, adopted: Commit) -> bool:
        """Whether a load without watermark, whose commit was adopted, would load the very same rows again."""
        unmarked = not self.flow.source.watermark_columns and REPLAYED not in adopted.metadata
        return unmarked and mark is not None and window.position == mark.position

    def _nothing_new(self, reason: str) -> tuple[FlowStatus, str]:
        """Skip; a load that replaces may ask for an error instead."""
        if fails(self.flow):
            message = f"{self.flow.name}: there is nothing new, and on_empty is 'fail'"
            raise DataFlowError(message, dataflow_id=self.flow.dataflow_id, stage=self.stage)
        return FlowStatus.SKIPPED, reason

    def _adopt(self, destination: BaseDestination[Frame], lease: HeldLease) -> Commit | None:
        """Take over the newest commit of this flow that the state has not seen: a run died in between."""
        found = destination.committed(after=lease.state.seq)
        if found is not None:
            self._follow(destination)
            lease.update(adopted(lease.state, found, destination.identity))
        return found

    def _write(
        self, source: BaseSource[Frame], destination: BaseDestination[Frame], window: Window, lease: HeldLease
    ) -> None:
        """Read, transform and write in one pass; commit; save the state."""
        self.run.listener.handle(WindowResolved(flow=self.flow.name, files=len(window.files), size=window.size))
        self._enter("plan")
        frames = self.run.workspace.engine.frames
        reading = source.read(window)
        observe = dict(reading.observe)
        context = self._context()
        frame = self._transform(reading.frame, context)
        may_empty = self.flow.destination.load_type in REPLACING and window.mark is not None
        if may_empty and self.run.workspace.engine.capabilities.observes:
            frame, counted = frames.observed(frame, {_ROWS: count()})
            observe |= counted
        schema = frames.schema(frame)
        names = NameMap.after(schema, self.flow.transform)
        token = self._next_token(lease)
        settled: list[LoadState] = []

        def decide(observed: Observed) -> Commit:
            self._enter("commit")
            emptied = may_empty and self._is_empty(frame, observed)
            if emptied and not clears(self.flow, window.mark):
                raise _NothingNewError
            source.verify(window)
            mark = source.mark(window, observed)
            state = self._state_after(lease.state, window, cleared(mark) if emptied else mark)
            settled.append(state)
            self.window = window_record(window, mark, observed)
            self._check(lease)
            return Commit(token=token, metadata=self._metadata(window, state))

        self._enter("write")
        result = destination.load(
            self._watched(frame),
            LoadRequest(
                run_id=self.run.run_id,
                stem=self._stem(token),
                decide=decide,
                observe=observe,
                size=source.parquet_size(window),
                merge_keys=merge_keys(self.flow, names),
                partition_by=tuple(_partition(part, names) for part in self.flow.destination.partition_columns),
                history=history_of(self.flow, names),
                replaced=replaced_rows(self.flow, window, names, schema),
                stamps=stamps(context),
                renames=earlier_names(self.flow.transform, names),
            ),
        )
        self._settle(lease, destination, settled[-1], result)

    def _is_empty(self, frame: Frame, observed: Observed) -> bool:
        """Whether there is no row: observed in the pass, or looked for where that would evaluate the frame twice."""
        rows = observed.get(_ROWS)
        return self.run.workspace.engine.frames.is_empty(frame) if rows is None else rows == 0

    def _state_after(self, state: LoadState, window: Window, mark: Mark) -> LoadState:  # noqa: ARG002 - a replay looks at it
        """Return the state after a commit of the window; `mark` is the source's mark after it."""
        return replace(state, seq=state.seq + 1, mark=mark)

    def _clear(self, destination: BaseDestination[Frame], lease: HeldLease) -> None:
        """Empty the target by a commit of its own, from which the next run knows that it is empty."""
        self._enter("commit")
        state = self._state_after(lease.state, Window(), cleared(lease.state.mark or Mark()))
        token = self._next_token(lease)

        def decide(_: Observed) -> Commit:
            self._check(lease)
            return Commit(token=token, metadata=self._metadata(Window(), state))

        result = destination.clear(LoadRequest(run_id=self.run.run_id, stem=self._stem(token), decide=decide))
        self._settle(lease, destination, state, result)

    def _check(self, lease: HeldLease) -> None:
        """Refuse to go on when the run was stopped, or when another run has the lease."""
        if self.run.stopped.is_set():
            # The engine's pass may have come to its end just before it was to be interrupted.
            message = f"{self.flow.name}: the run was stopped; what was not committed by then is removed"
            raise InterruptedPassError(message)
        lease.check()

    def _settle(
        self, lease: HeldLease, destination: BaseDestination[Frame], state: LoadState, result: WriteResult
    ) -> None:
        """Record a commit, let follow it what has to, and save the state after it."""
        self.commit = commit_record(state, result)
        self._follow(destination)
        self._enter("state")
        self._save(lease, replace(state, destination=result.identity or destination.identity))

    def _follow(self, destination: BaseDestination[Frame]) -> None:
        """Let what other engines read follow the newest commit.

        Raises:
            DataFlowError: that failed; the state stays as it was, so that the next run tries again.
        """
        self._enter("follow")
        try:
            destination.follow()
        except DataCoolieError as error:
            message = (
                f"{destination.location}: the load was committed, but other engines don't see it yet: {error.message}"
            )
            failed = DataFlowError(message, self.flow.dataflow_id, self.stage, error.details)
            raise failed.classed(error.error_class) from error

    def _save(self, lease: HeldLease, state: LoadState) -> None:
        """Save the state and release the lease, in one write."""
        lease.finish(state)

    def _next_token(self, lease: HeldLease) -> Token:
        return Token(seq=lease.state.seq + 1, epoch=lease.state.epoch, dataflow_id=self.flow.dataflow_id)

    def _context(self) -> TransformContext[Frame]:
        return TransformContext(
            flow=self.flow,
            frames=self.run.workspace.engine.frames,
            hints=self.run.workspace.metadata.hints(self.flow),
            run_id=self.run.run_id,
            started_at=self.run.started_at,
            user=self.run.user,
        )

    def _transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Run the transformers; file columns that expressions used go away again unless the flow asks for them."""
        flow, frames = self.flow, context.frames
        if flow.source.filter_expression:
            frame = frames.filter(frame, context.expression(flow.source.filter_expression, "source.filter_expression"))
        frame = run_pipeline(frame, self.run.transformers, context)
        kept = {*flow.transform.select_columns, *(added.column for added in flow.transform.additional_columns)}
        schema = frames.schema(frame)
        hidden = [name for name in FILE_COLUMNS if name in schema and name not in kept]
        return frames.drop(frame, hidden) if hidden else frame

    def _watched(self, frame: Frame) -> Frame:
        """Report rows as they pass, if anybody looks."""
        frames, flow, listener = self.run.workspace.engine.frames, self.flow.name, self.run.listener
        if not (listener.wants_rows and isinstance(frames, CountsRows)):
            return frame
        return frames.counted(frame, lambda rows: listener.handle(RowsPassed(flow=flow, rows=rows)))

    def _stem(self, token: Token) -> str:
        """Return how names of this attempt's files begin: no other flow, run or attempt has the same."""
        flow = hashlib.blake2b(self.flow.dataflow_id.encode(), digest_size=4).hexdigest()
        return f"part-{flow}-{token.seq}-{self.run.run_id}-{self.attempts}"

    def _metadata(self, window: Window, state: LoadState) -> Mapping[str, str]:
        """Return what a commit says of itself, and of the state after it, which can be rebuilt from this."""
        optional = {
            "mark": state.mark and json.dumps(state.mark.to_json()),
            "replay": state.replay and json.dumps(state.replay),
            REPLAYED: json.dumps(bound_values(window.high)) if window.replayed else None,
        }
        return {
            "run_id": self.run.run_id,
            "flow": self.flow.name,
            "load_type": self.flow.destination.load_type.value,
            "low": json.dumps(bound_values(window.low)),
            **{name: text for name, text in optional.items() if text},
        }

    def _enter(self, stage: str) -> None:
        now = time.perf_counter()
        self.durations[self.stage] = self.durations.get(self.stage, 0.0) + now - self._entered
        if stage != self.stage:
            self.run.listener.handle(StageStarted(flow=self.flow.name, stage=stage))
        self.stage, self._entered = stage, now


def _partition(part: PartitionColumn, names: NameMap) -> PartitionField:
    """Return what a table is partitioned by, with columns called as in the target."""
    hidden, field = part.hidden, "destination.partition_columns"
    if hidden is None:
        return PartitionField(column=names.destination_name(part.column, field))
    column = names.destination_name(hidden.column, field)
    return PartitionField(column=column, transform=hidden.transform, width=hidden.width, name=part.column)
