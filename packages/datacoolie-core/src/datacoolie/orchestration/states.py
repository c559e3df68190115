"""Load states for people: look at them, compare them with the destinations, set, reset and unlock them."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie.core.exceptions import ConfigurationError, DataCoolieError, DataFlowError, ErrorClass
from datacoolie.core.marks import parse_value
from datacoolie.core.models import MODIFIED
from datacoolie.core.redaction import redact
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.engines import CommitForgottenError
from datacoolie.orchestration.adoption import adopted
from datacoolie.state import Change, LeaseKeeper, LoadState, Mark, may_be_unlocked
from datacoolie.state.process import this_process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from datacoolie.core.marks import Json
    from datacoolie.core.models import DataFlow
    from datacoolie.orchestration.workspace import Workspace
    from datacoolie.state import BaseStateStore, History, Lease

Frame = TypeVar("Frame")

_TRIES = 20
"""How often a state is read again because it changed at the same moment."""


class Agreement(StrEnum):
    """How a state stands to its destination."""

    SAME = "same"
    """Both know the same newest load, or neither knows any."""
    BEHIND = "behind"
    """The destination has a newer load, which the next run takes over."""
    AHEAD = "ahead"
    """The state counts loads that are not in the destination."""
    UNKNOWN = "unknown"
    """The destination, or the state, can't be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateView:
    """What is saved of a flow.

    Attributes:
        flow: its name.
        state: the state; `None` when there is none, or a damaged one.
        damaged: there is a state that can't be read; the next run takes it from the destination again.
        history: what people changed, oldest first.
    """

    flow: str
    state: LoadState | None
    damaged: bool
    history: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How a flow's state compares with the newest commit of the flow in its destination.

    Attributes:
        flow: its name.
        agreement: the result.
        seq: number of the last load as the state has it; 0 when it has none.
        committed: number of the newest commit in the destination; 0 when it has none.
        reason: what that means, and what to do.
    """

    flow: str
    agreement: Agreement
    seq: int
    committed: int
    reason: str


class States(Generic[Frame]):
    """The load states of a project's flows. Changes are written down with who made them and when.

    Args:
        workspace: flows and their destinations.
        store: load states.
        history: where changes are written down.
    """

    def __init__(self, workspace: Workspace[Frame], store: BaseStateStore, history: History) -> None:
        """Remember the places; nothing is read yet."""
        self._workspace = workspace
        self._store = store
        self._history = history

    def show(self, flow: str) -> StateView:
        """Return what is saved of a flow.

        Raises:
            MetadataError: there is no such flow.
            UnknownStateVersionError: another version of the framework wrote the state.
        """
        dataflow_id = self._flow(flow).dataflow_id
        stored = self._store.read(dataflow_id)
        history = self._history.of(dataflow_id)
        return StateView(flow=flow, state=stored.state, damaged=stored.damaged, history=history)

    def set(self, flow: str, values: Mapping[str, str]) -> LoadState:
        """Let the next run load what is above these values; the number of the last load stays.

        Args:
            flow: name of the flow.
            values: text by watermark column, in the form of the value that the mark has now, or else as
                `parse_value` reads it; columns that are left out keep their value. None at all: the mark stays, and
                the table that is there now is taken for the one that was loaded into.

        Raises:
            ConfigurationError: the flow has no such watermark column, or one is left out that has no value yet.
            WatermarkError: a text is no value of a watermark.
            LeaseHeldError: a run is loading the flow.
        """
        found = self._flow(flow)
        columns = found.source.watermark_columns
        if unknown := next((name for name in values if name not in columns), None):
            message = (
                f"{flow}: {unknown!r} is no watermark column. Watermark columns: {listed(columns) or 'none'}."
                f"{did_you_mean(unknown, columns)}"
            )
            raise ConfigurationError(message, {"column": unknown})

        now = self._store.read(found.dataflow_id).state
        likes = {**(now.mark.values if now and now.mark else {}), MODIFIED: datetime.now(UTC)}
        new = {name: parse_value(text, column=name, like=likes.get(name)) for name, text in values.items()}

        def change(state: LoadState) -> LoadState:
            if not new:
                return replace(state, destination=None)
            old = state.mark.values if state.mark else {}
            if missing := next((name for name in found.source.deciding_columns if name not in {**old, **new}), None):
                message = (
                    f"{flow}: {missing!r} has no value yet, without which all of its rows would be new; give it one"
                )
                raise ConfigurationError(message, {"column": missing})
            values = {name: new.get(name, old.get(name)) for name in columns}
            return replace(state, mark=Mark(values=values), destination=None)

        return self._change(found, "set", change)

    def reset(self, flow: str) -> LoadState:
        """Let the next run load everything, in a new epoch: marks of older commits count no longer.

        Raises:
            MetadataError: there is no such flow.
            LeaseHeldError: a run is loading the flow.
        """

        def change(state: LoadState) -> LoadState:
            return replace(state, epoch=state.epoch + 1, mark=None, destination=None)

        return self._change(self._flow(flow), "reset", change)

    def unlock(self, flow: str, *, force: bool = False) -> Lease:
        """Take a flow's lease away and return it; a run that holds it can't commit any more.

        Args:
            flow: name of the flow.
            force: do so although the holder is alive on this machine.

        Raises:
            ConfigurationError: nobody holds a lease.
            DataFlowError: the holder is alive.
        """
        dataflow_id = self._flow(flow).dataflow_id
        for _ in range(_TRIES):
            stored = self._store.read(dataflow_id)
            state, lease = stored.state, stored.state.lease if stored.state else None
            if state is None or lease is None:
                message = f"{flow}: nobody holds its lease; there is nothing to unlock"
                raise ConfigurationError(message, {"flow": flow})
            if not force and not may_be_unlocked(lease):
                message = (
                    f"{flow}: run {lease.run_id} (process {lease.pid}) is alive on this machine and loads it since "
                    f"{lease.acquired_at:%Y-%m-%d %H:%M:%S} UTC. Stop that process, or unlock by force: what it has "
                    "read until then is not committed"
                )
                raise DataFlowError(message, dataflow_id, "unlock").classed(ErrorClass.CONFLICT)
            self._record(dataflow_id, "unlock", {"lease": lease.to_json()}, {"lease": None})
            if self._store.save(state.with_lease(None, datetime.now(UTC)), stored.version) is not None:
                return lease
        message = f"{flow}: its state changed {_TRIES} times meanwhile. Try again"
        raise DataFlowError(message, dataflow_id, "unlock").classed(ErrorClass.CONFLICT)

    def verify(self, flow: str) -> Verified:
        """Compare a flow's state with the newest commit of the flow in its destination; changes nothing.

        Raises:
            MetadataError: there is no such flow.
        """
        found = self._flow(flow)
        seq = committed = 0
        try:
            stored = self._store.read(found.dataflow_id)
            state = stored.state or LoadState(dataflow_id=found.dataflow_id, name=flow)
            seq = state.seq
            destination = self._workspace.destination(found)
            newest = destination.committed(after=-1)
            committed = newest.token.seq if newest else 0
            lost = committed < seq or state.destination != destination.identity
            lost = lost and state.destination is not None  # else somebody said that any table is fine
        except CommitForgottenError as error:
            committed = error.seq
            agreement = Agreement.SAME if error.seq <= seq else Agreement.UNKNOWN
            reason = (
                redact(error.message) if error.seq > seq else "the log has the load's number, not its mark any more"
            )
        except DataCoolieError as error:
            agreement, reason = Agreement.UNKNOWN, redact(error.message)
        else:
            agreement, reason = _compared(seq, committed, lost=lost, damaged=stored.damaged)
        return Verified(flow=flow, agreement=agreement, seq=seq, committed=committed, reason=reason)

    def _flow(self, name: str) -> DataFlow:
        return self._workspace.metadata.dataflow(name)

    def _change(self, flow: DataFlow, action: str, change: Callable[[LoadState], LoadState]) -> LoadState:
        """Change a state under its lease, after taking over what the destination knows better."""
        fresh = LoadState(dataflow_id=flow.dataflow_id, name=flow.name)
        stored = self._store.read(flow.dataflow_id)
        with LeaseKeeper(f"state-{action}") as keeper, keeper.take(self._store, stored, fresh) as lease:
            before = self._known(flow, lease.state)
            after = change(before)
            self._record(flow.dataflow_id, action, _recorded(before), _recorded(after))
            lease.finish(after)
            return lease.state

    def _known(self, flow: DataFlow, state: LoadState) -> LoadState:
        """Return the state with the number of the newest commit, without which it would be taken over once more."""
        try:
            destination = self._workspace.destination(flow)
            found = destination.committed(after=state.seq)
        except CommitForgottenError as error:
            return replace(state, seq=error.seq)
        if found is None:
            return state
        destination.follow()
        return adopted(state, found, destination.identity)

    def _record(self, dataflow_id: str, action: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> None:
        by = f"{getpass.getuser()}@{this_process().host}"
        change = Change(at=datetime.now(UTC), by=by, action=action, before=before, after=after)
        self._history.record(dataflow_id, change)


def _recorded(state: LoadState) -> dict[str, Json]:
    """Return what the history keeps of a state: not the source's own position, which may be long."""
    values = state.mark.to_json()["values"] if state.mark else None
    return {"epoch": state.epoch, "seq": state.seq, "mark": values}


def _compared(seq: int, committed: int, *, lost: bool, damaged: bool) -> tuple[Agreement, str]:
    if lost:
        reason = (
            f"the state counts {seq} loads, of which the destination knows {committed}: the table was deleted or "
            "replaced. Reset the state to load everything again, or set a mark to go on from there"
        )
        return Agreement.AHEAD, reason
    if committed > seq:
        what = "the state is damaged" if damaged else f"load {committed} is in the destination only"
        return Agreement.BEHIND, f"{what}; the next run takes it over from there"
    return Agreement.SAME, "" if seq else "nothing was loaded yet"
