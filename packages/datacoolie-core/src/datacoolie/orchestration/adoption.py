"""What the destination says of a flow's state: it has a newer commit, or it is no longer what was loaded into."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.observability import units
from datacoolie.orchestration.emptying import REPLACING
from datacoolie.state import Mark

if TYPE_CHECKING:
    from datacoolie.core.models import DataFlow
    from datacoolie.engines import Commit
    from datacoolie.state import LoadState


def adopted(state: LoadState, found: Commit) -> LoadState:
    """Return the state after a commit that it has not seen.

    The number counts on over all epochs; the mark of an older epoch is not taken, because the state was reset since.
    """
    state = replace(state, seq=found.token.seq)
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
