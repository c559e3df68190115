"""Whether a state still fits: the destination has a newer commit, or is another table; the flow has other columns."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError, ErrorClass, WatermarkError
from datacoolie.core.models import LoadType
from datacoolie.core.suggest import listed
from datacoolie.observability import units
from datacoolie.orchestration.emptying import REPLACING
from datacoolie.state import Mark

if TYPE_CHECKING:
    from datacoolie.core.models import DataFlow
    from datacoolie.engines import Commit
    from datacoolie.state import LoadState


def adopted(state: LoadState, found: Commit, identity: str | None) -> LoadState:
    """Return the state after a commit that it has not seen, in the table of this identity.

    The number counts on over all epochs; the mark of an older epoch is not taken, because the state was reset since.
    """
    state = replace(state, seq=found.token.seq, destination=identity)
    if found.token.epoch < state.epoch:
        return state
    mark, replay = found.metadata.get("mark"), found.metadata.get("replay")
    return replace(
        state,
        epoch=found.token.epoch,
        mark=Mark.from_json(json.loads(mark)) if mark else state.mark,
        replay=json.loads(replay) if replay else state.replay,
    )


def check_target(flow: DataFlow, state: LoadState, identity: str | None, where: str) -> None:
    """Refuse to load only what is new into a table that lost what was loaded before.

    Args:
        flow: the flow; one that loads everything each time has nothing to lose.
        state: up to where it has loaded, and into what.
        identity: of the table that is there now; `None` without one.
        where: the table's location.

    Raises:
        DestinationError: the table was deleted, or another one is in its place.
    """
    everything = not flow.source.watermark_columns or flow.destination.load_type in REPLACING
    if everything or state.mark is None or state.destination in {None, identity}:
        return
    what = "the table was deleted" if identity is None else "this is another table than the one that was loaded into"
    message = (
        f"{where}: {what}, but by the state of dataflow {flow.name!r} everything up to "
        f"{units.mark(state.mark.values)} is in it. To load everything again: datacoolie state reset --select "
        f"{flow.name}. To load only what is above it: datacoolie state set --select {flow.name}"
    )
    raise DestinationError(message, {"path": where, "flow": flow.name}).classed(ErrorClass.CONFIGURATION)


def check_mark(flow: DataFlow, state: LoadState) -> None:
    """Refuse to append rows again because a watermark column has no mark, which makes each of its rows new.

    Raises:
        WatermarkError: something was loaded, and the column was added to the flow or written otherwise since.
    """
    if flow.destination.load_type is not LoadType.APPEND or state.mark is None:
        return
    name = next((name for name in flow.source.deciding_columns if name not in state.mark.values), None)
    if name is None:
        return
    message = (
        f"{flow.name}: watermark column {name!r} is new: the saved mark is of "
        f"{listed(state.mark.values) or 'no column'}. Each row would count as new and be appended again. Say up to "
        f"where it is loaded: datacoolie state set --select {flow.name} --mark {name}=VALUE. To load everything again: "
        f"datacoolie state reset --select {flow.name}"
    )
    raise WatermarkError(message, {"column": name, "flow": flow.name}).classed(ErrorClass.CONFIGURATION)
