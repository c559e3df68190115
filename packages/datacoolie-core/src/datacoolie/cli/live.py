"""The display of a run in a terminal, drawn again at most four times a second."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from datacoolie.cli.progress import Progress
from datacoolie.core.redaction import redact
from datacoolie.observability import units
from datacoolie.observability.events import FlowFinished, FlowStarted, RowsPassed, StageStarted, WindowResolved
from datacoolie.observability.report import STATUS_STYLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from datacoolie.observability.events import Event
    from datacoolie.observability.records import FlowRecord

_REFRESHES_PER_SECOND = 4

_FRAME = 3
"""Lines around the flows: the heading, the foot, and the cursor's."""


@dataclass(slots=True)
class _Running:
    """What is known of a flow that runs."""

    stage: str = "start"
    files: int = 0
    size: int = 0
    rows: int = 0
    since: float = field(default_factory=time.monotonic)


class LiveProgress(Progress):
    """Shows flows that run and that ended, as many as fit into the terminal; is gone when the run ends."""

    wants_rows = True

    def __init__(self, console: Console) -> None:
        """Draw on `console`."""
        super().__init__()
        self._console = console
        self._running: dict[str, _Running] = {}
        self._spinner = Spinner("dots" if console.encoding.startswith("utf") else "line", style="cyan")
        self._live = Live(
            get_renderable=self._render,
            console=console,
            refresh_per_second=_REFRESHES_PER_SECOND,
            transient=True,
        )

    def begin(self, run_id: str, flows: Sequence[str]) -> None:
        """Start to draw."""
        super().begin(run_id, flows)
        self._live.start()

    def handle(self, event: Event) -> None:
        """Take over what is new; it is seen when the display is drawn next."""
        super().handle(event)
        with self._lock:
            match event:
                case FlowStarted():
                    self._running[event.flow] = _Running()
                case FlowFinished():
                    self._running.pop(event.record.flow, None)
                case WindowResolved():
                    now = self._running.setdefault(event.flow, _Running())
                    now.files, now.size, now.rows = event.files, event.size, 0
                case RowsPassed():
                    self._running.setdefault(event.flow, _Running()).rows += event.rows
                case StageStarted():
                    self._running.setdefault(event.flow, _Running()).stage = event.stage

    def end(self) -> None:
        """Stop to draw and wipe the display."""
        self._live.stop()

    def _render(self) -> RenderableType:
        """Draw the flows that run, and above them those that ended last, as many as there is room for."""
        with self._lock:
            running, records = dict(self._running), list(self.records)
        room = max(self._console.height - _FRAME, 1)
        shown = list(running.items())[:room]
        grid = _grid()
        ended = room - len(shown)
        for record in records[-ended:] if ended else ():
            grid.add_row(*_ended_cells(record))
        for flow, now in shown:
            grid.add_row(self._spinner, *_running_cells(flow, now))
        waiting = len(self.flows) - len(records) - len(running)
        foot = f"{len(records)} of {units.counted(len(self.flows), 'flow')} ended"
        return Group(grid, Text(f"{foot}, {len(running)} running, {waiting} waiting", "dim", overflow="crop"))


def _grid() -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    grid.add_column()
    grid.add_column("flow", no_wrap=True)
    grid.add_column("state", no_wrap=True)
    for title in ("rows", "files", "bytes", "time"):
        grid.add_column(title, justify="right", no_wrap=True)
    return grid


def _ended_cells(record: FlowRecord) -> tuple[RenderableType, ...]:
    """Return what a flow wrote."""
    commit, status = record.commit, Text(record.status.value, STATUS_STYLES[record.status])
    wrote = (units.count(commit.rows), units.count(commit.files), units.size(commit.size)) if commit else ("", "", "")
    return "", Text(redact(record.flow)), status, *wrote, units.duration(record.seconds)


def _running_cells(flow: str, now: _Running) -> tuple[RenderableType, ...]:
    """Return what a flow reads, and how much of it has passed."""
    reads = (units.count(now.files), units.size(now.size)) if now.files else ("", "")
    rows = units.count(now.rows) if now.rows else ""
    return (
        Text(redact(flow), "bold"),
        Text(now.stage, "cyan"),
        rows,
        *reads,
        units.duration(time.monotonic() - now.since),
    )
