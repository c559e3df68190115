"""What `Project.plan` and `Project.run` return: data that prints well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacoolie.core.redaction import redact
from datacoolie.observability import units
from datacoolie.observability.records import FlowStatus
from datacoolie.observability.render import TEXT_WIDTH, Column, Row, Table, clean, to_html
from datacoolie.observability.report import failures, record_table, summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datacoolie.observability.records import FlowRecord, Guarantee, MaintenanceRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFlow:
    """What a flow would do.

    Attributes:
        flow: name.
        wave: flows of one wave run side by side, waves one after another.
        depends_on: names of the flows of this plan that run before.
        source: what it would read.
        destination: what it would write.
        load_type: how it would load.
        has_work: whether there is anything new to read.
        low: the saved mark by watermark column.
        files: files it would read.
        size: their bytes.
        replay: the range that it would load again; empty when it would load what is new.
        guarantee: what it promises.
        guarantee_reason: why it can promise that.
        problem: why it can't run; empty when it can.
    """

    flow: str
    wave: int
    depends_on: tuple[str, ...]
    source: str
    destination: str
    load_type: str
    has_work: bool
    low: Mapping[str, object]
    files: int
    size: int
    guarantee: Guarantee
    guarantee_reason: str
    replay: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """Flows in the order in which they would start; prints as a table."""

    flows: tuple[PlannedFlow, ...]

    def __iter__(self) -> Iterator[PlannedFlow]:
        """Iterate over the flows."""
        return iter(self.flows)

    @property
    def ok(self) -> bool:
        """Whether every flow can run."""
        return not any(flow.problem for flow in self.flows)

    def table(self) -> Table:
        """Return the plan as a table with one row per flow."""
        return Table(_PLAN_COLUMNS, tuple(_plan_row(flow) for flow in self.flows))

    def remarks(self) -> list[str]:
        """Return what a table has no room for: problems in full, then why flows can promise what they do."""
        problems = [f"{flow.flow} can't run: {flow.problem}" for flow in self.flows if flow.problem]
        reasons = {f"{flow.guarantee}: {flow.guarantee_reason}": None for flow in self.flows if not flow.problem}
        return [redact(remark) for remark in (*problems, *reasons)]

    def __str__(self) -> str:
        """Return the table and the remarks as text."""
        return "\n".join([self.table().text(TEXT_WIDTH), "", *self.remarks()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return to_html(self.table(), self.remarks())


@dataclass(frozen=True, slots=True, repr=False)
class RunResult:
    """Records of a run's flows in the order in which they ended; prints as a table."""

    run_id: str
    records: tuple[FlowRecord, ...]

    def __iter__(self) -> Iterator[FlowRecord]:
        """Iterate over the records."""
        return iter(self.records)

    @property
    def ok(self) -> bool:
        """Whether every flow succeeded or had nothing to do."""
        return all(record.status in {FlowStatus.SUCCEEDED, FlowStatus.SKIPPED} for record in self.records)

    def table(self) -> Table:
        """Return the records as a table with one row per flow."""
        return record_table(self.records)

    def remarks(self) -> list[str]:
        """Return the run in one line, then the errors in full."""
        return [summary(self.records), *failures(self.records)]

    def __str__(self) -> str:
        """Return the table and the remarks as text."""
        return "\n".join([self.table().text(TEXT_WIDTH), "", *self.remarks()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return to_html(self.table(), self.remarks())


@dataclass(frozen=True, slots=True, repr=False)
class MaintenanceResult:
    """What was done for each destination; prints as a table."""

    records: tuple[MaintenanceRecord, ...]

    def __iter__(self) -> Iterator[MaintenanceRecord]:
        """Iterate over the records."""
        return iter(self.records)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failures()

    def table(self) -> Table:
        """Return the records as a table with one row per destination."""
        return Table(_MAINTENANCE_COLUMNS, tuple(_maintenance_row(record) for record in self.records))

    def failures(self) -> list[str]:
        """Return the error of each destination whose maintenance failed."""
        return [redact(f"{record.destination}: {record.error}") for record in self.records if record.error]

    def __str__(self) -> str:
        """Return the table and the errors as text."""
        return "\n".join([self.table().text(TEXT_WIDTH), "", *self.failures()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return to_html(self.table(), self.failures())


_MAINTENANCE_COLUMNS = (
    Column(title="destination"),
    Column(title="joined", right=True),
    Column(title="into", right=True),
    Column(title="removed", right=True),
    Column(title="freed", right=True),
    Column(title="time", right=True),
)

_PLAN_COLUMNS = (
    Column(title="flow"),
    Column(title="load"),
    Column(title="reads"),
    Column(title="since"),
    Column(title="guarantee"),
    Column(title="from -> to", detail=True),
    Column(title="after", detail=True, label="after "),
)


def _plan_row(flow: PlannedFlow) -> Row:
    """Return what a flow would do; in a few words why it would do nothing."""
    first = {"flow": flow.flow, "load": flow.load_type}
    if flow.problem:
        return Row(cells=clean(first), note="can't run, see below", style="bold red")
    if not flow.has_work:
        return Row(cells=clean(first), note="nothing new", style="dim")
    rest = {
        "reads": flow.replay
        or (f"{units.counted(flow.files, 'file')}, {units.size(flow.size)}" if flow.files else "a table"),
        "since": units.mark(flow.low) or "start",
        "guarantee": flow.guarantee.value,
        "after": ", ".join(flow.depends_on),
        "from -> to": f"{flow.source} -> {flow.destination}",
    }
    return Row(cells=clean(first | rest))


def _maintenance_row(record: MaintenanceRecord) -> Row:
    cells = {
        "destination": record.destination,
        "joined": units.counted(record.joined_files, "file") if record.joined_files else "-",
        "into": units.counted(record.new_files, "file") if record.joined_files else "-",
        "removed": units.counted(record.removed_files, "file") if record.removed_files else "-",
        "freed": units.size(record.removed_size) if record.removed_size else "-",
        "time": units.duration(record.seconds),
    }
    if record.error:
        cells = {"destination": record.destination, "joined": "failed"}
    return Row(cells=clean(cells), note="see below" if record.error else "", style="bold red" if record.error else "")
