"""What a run prints while it goes on, fed with events as a run sends them."""

from __future__ import annotations

import io
import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread

import pytest
from rich.console import Console

from datacoolie.cli import progress as progress_module
from datacoolie.cli.live import LiveProgress
from datacoolie.cli.progress import JsonProgress, LineProgress, Progress
from datacoolie.core.redaction import register_secret_values
from datacoolie.observability.events import FlowFinished, FlowStarted, RowsPassed, StageStarted, WindowResolved
from datacoolie.observability.records import FlowRecord, FlowStatus, WindowRecord
from tests.records import succeeded

START = datetime(2026, 1, 2, tzinfo=UTC)
RECORD = succeeded(START, seconds=2, rows=1234, window=WindowRecord(low={}, high={"at": START}))
LINE = "orders: succeeded, 1,234 rows, 1 file, 3.10 kB, 2.00 s, mark start -> 2026-01-02 00:00:00Z, effectively-once\n"


def test_lines_appear_as_flows_end(capsys: pytest.CaptureFixture[str]) -> None:
    progress = LineProgress()
    progress.begin("r1", ["orders", "other"])
    progress.handle(FlowStarted(flow="orders"))
    assert capsys.readouterr().out == ""
    progress.handle(FlowFinished(record=RECORD))
    assert capsys.readouterr().out == LINE


def test_lines_have_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    register_secret_values("hunter2-progress")
    failed = replace(RECORD, status=FlowStatus.CANCELLED, reason="hunter2-progress failed", commit=None)
    LineProgress().handle(FlowFinished(record=failed))
    assert capsys.readouterr().out == "orders: cancelled, *** failed, 2.00 s\n"


def test_json_is_one_document_per_line_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    register_secret_values("hunter2-progress")
    progress = JsonProgress()
    progress.handle(FlowFinished(record=replace(RECORD, source="db://hunter2-progress@h")))
    out = capsys.readouterr().out
    data = json.loads(out)
    assert out.count("\n") == 1
    assert data["source"] == "db://***@h"
    assert data["window"]["high"] == {"at": {"__datetime__": "2026-01-02T00:00:00+00:00"}}
    assert data["status"] == "succeeded"


def test_records_come_back_in_the_order_in_which_flows_started() -> None:
    progress = Progress()
    progress.begin("r1", ["a", "b", "c"])
    for name in ("c", "a"):
        progress.handle(FlowFinished(record=replace(RECORD, flow=name)))
    assert [record.flow for record in progress.in_order()] == ["a", "c"]


def test_an_output_that_breaks_does_not_stop_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def full(text: str) -> None:
        calls.append(text)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(progress_module, "say", full)
    progress = LineProgress()
    progress.check()
    for _ in range(3):
        progress.handle(FlowFinished(record=RECORD))
    assert len(progress.records) == 3
    assert len(calls) == 1
    with pytest.raises(OSError, match="No space left"):
        progress.check()


class Screen:
    """A terminal with a display on it."""

    def __init__(self, *, height: int = 24, encoding: str = "utf-8") -> None:
        self.bytes = io.BytesIO()
        self.height, self.encoding = height, encoding
        self.progress = LiveProgress(self._console(self.bytes))

    def lines(self) -> list[str]:
        """Return what is to be drawn now, as a terminal of the same size shows it."""
        console = self._console(io.BytesIO())
        with console.capture() as capture:
            console.print(self.progress._render())
        return [line.rstrip() for line in capture.get().splitlines()]

    def _console(self, buffer: io.BytesIO) -> Console:
        file = io.TextIOWrapper(buffer, encoding=self.encoding, write_through=True)
        return Console(file=file, force_terminal=True, height=self.height, width=80, color_system=None)


def test_the_display_shows_flows_that_run_and_that_ended() -> None:
    screen = Screen()
    progress = screen.progress
    progress.begin("r1", ["orders", "customers", "large"])
    progress.handle(FlowStarted(flow="orders"))
    progress.handle(FlowStarted(flow="customers"))
    progress.handle(FlowFinished(record=RECORD))
    progress.handle(WindowResolved(flow="customers", files=12, size=5_100_000))
    progress.handle(StageStarted(flow="customers", stage="write"))
    assert re.fullmatch(r"\S  customers  write +12  5\.10 MB +\d+ ms", screen.lines()[2])
    for rows in (100_000, 23_456):
        progress.handle(RowsPassed(flow="customers", rows=rows))
    head, ended, running, foot = screen.lines()
    progress.end()
    assert head.split() == ["flow", "state", "rows", "files", "bytes", "time"]
    assert ended.split() == ["orders", "succeeded", "1,234", "1", "3.10", "kB", "2.00", "s"]
    assert re.fullmatch(r"\S  customers  write +123,456 +12  5\.10 MB +\d+ ms", running)
    assert foot == "1 of 3 flows ended, 1 running, 1 waiting"


def test_the_display_fits_into_the_terminal_however_many_flows_there_are() -> None:
    screen = Screen(height=10)
    progress = screen.progress
    progress.begin("r1", [f"f{number}" for number in range(50)])
    for number in range(30):
        progress.handle(FlowFinished(record=replace(RECORD, flow=f"f{number}")))
    for number in range(30, 33):
        progress.handle(FlowStarted(flow=f"f{number}"))
    lines = screen.lines()
    progress.end()
    assert len(lines) == 9
    assert [line.split()[0] for line in lines[1:5]] == ["f26", "f27", "f28", "f29"]
    assert [line.split()[1] for line in lines[5:8]] == ["f30", "f31", "f32"]
    assert lines[-1] == "30 of 50 flows ended, 3 running, 17 waiting"


def test_more_running_flows_than_lines() -> None:
    screen = Screen(height=5)
    screen.progress.begin("r1", [f"f{number}" for number in range(9)])
    screen.progress.handle(FlowFinished(record=RECORD))
    for number in range(8):
        screen.progress.handle(FlowStarted(flow=f"f{number}"))
    lines = screen.lines()
    screen.progress.end()
    assert [line.split()[1] for line in lines[1:3]] == ["f0", "f1"]
    assert len(lines) == 4


def test_the_display_is_ascii_where_the_terminal_is() -> None:
    screen = Screen(encoding="ascii")
    screen.progress.begin("r1", ["orders"])
    screen.progress.handle(FlowStarted(flow="orders"))
    lines = screen.lines()
    screen.progress.end()
    assert "\n".join(lines).isascii()


def test_the_display_is_gone_at_the_end() -> None:
    screen = Screen()
    screen.progress.begin("r1", ["orders"])
    screen.progress.handle(FlowStarted(flow="orders"))
    screen.progress.end()
    assert screen.bytes.getvalue().endswith(b"\x1b[1A\x1b[2K")


class OneAtATime(Progress):
    """Notices when two threads show something at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.showing = 0
        self.collisions = 0

    def show(self, record: FlowRecord) -> None:  # noqa: ARG002 - the listener's signature
        self.showing += 1
        time.sleep(0.001)
        self.collisions += self.showing > 1
        self.showing -= 1


def test_events_may_come_from_many_threads() -> None:
    progress = OneAtATime()

    def end_20() -> None:
        for _ in range(20):
            progress.handle(FlowFinished(record=RECORD))

    threads = [Thread(target=end_20) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(progress.records), progress.collisions) == (160, 0)
