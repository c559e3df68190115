"""Listeners that print while a run goes on: JSON or plain lines, one when a flow ends."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from datacoolie.cli.output import say, say_json
from datacoolie.observability.events import FlowFinished
from datacoolie.observability.report import record_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie.observability.events import Event
    from datacoolie.observability.records import FlowRecord


class Progress:
    """Collects the records of a run and shows each; shows nothing itself.

    Attributes:
        flows: names in the order in which they start.
        records: what has ended, in that order.
    """

    wants_rows = False

    def __init__(self) -> None:
        """Wait for the run to begin."""
        self.flows: tuple[str, ...] = ()
        self.records: list[FlowRecord] = []
        self._lock = Lock()
        self._broken: OSError | None = None

    def begin(self, run_id: str, flows: Sequence[str]) -> None:  # noqa: ARG002 - the listener's signature
        """Remember the flows."""
        self.flows = tuple(flows)

    def handle(self, event: Event) -> None:
        """Keep the record of a flow that ended, and show it while the output can be written."""
        if not isinstance(event, FlowFinished):
            return
        with self._lock:
            self.records.append(event.record)
            if self._broken is None:
                try:
                    self.show(event.record)
                except OSError as error:
                    # The loads go on when nobody reads their progress any more; `check` tells at the end.
                    self._broken = error

    def show(self, record: FlowRecord) -> None:
        """Show that a flow ended; called by one thread at a time."""

    def end(self) -> None:
        """Do nothing: the records stay."""

    def check(self) -> None:
        """Raise what went wrong with the output during the run.

        Raises:
            OSError: the output can't be written, a `BrokenPipeError` when nobody reads it.
        """
        if self._broken is not None:
            raise self._broken

    def in_order(self) -> list[FlowRecord]:
        """Return the records in the order in which their flows started."""
        place = {name: at for at, name in enumerate(self.flows)}
        return sorted(self.records, key=lambda record: place.get(record.flow, len(place)))


class LineProgress(Progress):
    """Prints one line when a flow ends."""

    def show(self, record: FlowRecord) -> None:
        """Print the line."""
        say(record_line(record))


class JsonProgress(Progress):
    """Prints one JSON record when a flow ends, and nothing else."""

    def show(self, record: FlowRecord) -> None:
        """Print the record."""
        say_json(record.to_json())
