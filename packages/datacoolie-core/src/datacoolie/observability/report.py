"""Records of a run as people read them: a table, one line per flow for pipes, a summary, and the errors in full."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from datacoolie.core.redaction import redact
from datacoolie.observability import units
from datacoolie.observability.records import FlowStatus
from datacoolie.observability.render import Column, Row, Table, clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie.observability.records import FlowRecord, WindowRecord

STATUS_STYLES = {
    FlowStatus.SUCCEEDED: "green",
    FlowStatus.SKIPPED: "dim",
    FlowStatus.FAILED: "bold red",
    FlowStatus.CANCELLED: "yellow",
}
"""How a terminal shows the end of a flow."""

_COLUMNS = (
    Column(title="flow"),
    Column(title="status"),
    Column(title="rows", right=True),
    Column(title="new", right=True),
    Column(title="updated", right=True),
    Column(title="files", right=True),
    Column(title="written", right=True),
    Column(title="time", right=True),
    Column(title="mark", detail=True, label="mark "),
    Column(title="guarantee", detail=True),
)


def record_table(records: Sequence[FlowRecord]) -> Table:
    """Return a table with one row per flow. Files and bytes are those written."""
    return Table(_COLUMNS, tuple(_row(record) for record in records))


def record_line(record: FlowRecord) -> str:
    """Return one line for a pipe: `orders: succeeded, 42 rows, 1 file, 3.1 kB, 12 ms, mark 7 -> 9, idempotent`."""
    cells = _cells(record)
    parts = [record.status.value, _note(record)]
    if record.commit is not None:
        commit = record.commit
        parts.append(units.counted(commit.rows, "row") + _merged(cells))
        parts += [units.counted(commit.files, "file"), cells["written"]]
    parts.append(cells["time"])
    if record.status is FlowStatus.SUCCEEDED:
        what = "range" if record.window and record.window.replayed else "mark"
        parts += [f"{what} {cells['mark']}" if cells["mark"] else "", cells["guarantee"]]
    return f"{cells['flow']}: {', '.join(part for part in parts if part)}"


def summary(records: Sequence[FlowRecord]) -> str:
    """Return the run in one line: `3 flows: 2 succeeded, 1 failed; 1,234 rows, 56 kB written in 1.23 s`."""
    counts = Counter(record.status for record in records)
    outcome = ", ".join(f"{counts[status]} {status}" for status in FlowStatus if counts[status])
    commits = [record.commit for record in records if record.commit is not None]
    written = ""
    if commits:
        rows = units.counted(sum(commit.rows for commit in commits), "row")
        written = f"{rows}, {units.size(sum(commit.size for commit in commits))} written "
    head = f"{units.counted(len(records), 'flow')}: {outcome or 'nothing to run'}"
    return f"{head}; {written}in {units.duration(_wall(records))}" if records else head


def failures(records: Sequence[FlowRecord]) -> list[str]:
    """Return the error of each flow that failed, in full: flow, stage, type, message."""
    return [
        redact(f"{record.flow} failed in {record.error.stage}: [{record.error.type}] {record.error.message}")
        for record in records
        if record.error is not None
    ]


def _row(record: FlowRecord) -> Row:
    cells, note, style = _cells(record), redact(_note(record)), STATUS_STYLES[record.status]
    if record.status is FlowStatus.SUCCEEDED:
        return Row(cells=cells, style=style)
    shown = {title: cells[title] for title in ("flow", "status")}
    after = f" after {cells['time']}" if record.status is FlowStatus.FAILED else ""
    return Row(cells=shown, note=note + after, style=style)


def _cells(record: FlowRecord) -> dict[str, str]:
    cells = {"flow": record.flow, "status": record.status.value, "time": units.duration(record.seconds)}
    if record.commit is not None:
        commit = record.commit
        cells |= {
            "rows": units.count(commit.rows),
            "new": "" if commit.inserted is None else units.count(commit.inserted),
            "updated": "" if commit.updated is None else units.count(commit.updated),
            "files": units.count(commit.files),
            "written": units.size(commit.size),
        }
    cells["mark"] = _mark(record.window) if record.window else ""
    cells["guarantee"] = record.guarantee.value
    return clean(cells)


def _mark(window: WindowRecord) -> str:
    """Return `before -> after`, or one value where the mark did not move."""
    low, high = units.mark(window.low), units.mark(window.high)
    return high if low == high else f"{low or 'start'} -> {high}"


def _note(record: FlowRecord) -> str:
    """Say in a few words why nothing was written."""
    if record.status is FlowStatus.FAILED:
        return f"in {record.error.stage}" if record.error else ""
    return record.reason if record.status is not FlowStatus.SUCCEEDED else ""


def _merged(cells: dict[str, str]) -> str:
    parts = [f"{cells[name]} {name}" for name in ("new", "updated") if cells.get(name)]
    return f" ({', '.join(parts)})" if parts else ""


def _wall(records: Sequence[FlowRecord]) -> float:
    """Return the seconds from the first start to the last end."""
    ended = max(record.ended_at for record in records)
    return (ended - min(record.started_at for record in records)).total_seconds()
