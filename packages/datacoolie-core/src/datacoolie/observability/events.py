"""Events of a run as it goes, for progress displays. Listeners are called from worker threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie.observability.records import FlowRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStarted:
    """A flow begins."""

    flow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowResolved:
    """What a flow is about to read is known.

    Attributes:
        flow: name of the flow.
        files: files in the window.
        size: their bytes.
    """

    flow: str
    files: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsPassed:
    """Rows of a flow are on their way to its destination; nobody sees them there yet.

    Attributes:
        flow: name of the flow.
        rows: how many more than before.
    """

    flow: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted:
    """A flow goes on to another stage of its load: `window`, `write`, `commit`, `state`."""

    flow: str
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFinished:
    """A flow ended; the record says how."""

    record: FlowRecord


Event = FlowStarted | WindowResolved | RowsPassed | StageStarted | FlowFinished
"""What a listener receives."""


class Listener(Protocol):
    """Receives the events of a run. Called from several threads at once; must not raise.

    Attributes:
        wants_rows: send `RowsPassed`, which makes a load up to 2 % slower.
    """

    wants_rows: bool

    def begin(self, run_id: str, flows: Sequence[str]) -> None:
        """Receive the run's flows, in the order in which they will start."""

    def handle(self, event: Event) -> None:
        """Receive one event."""

    def end(self) -> None:
        """The run is over, also when it was interrupted."""
