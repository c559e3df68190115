"""What `Project.plan` and `Project.run` return: data that prints well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacoolie.observability.records import FlowStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datacoolie.observability.records import FlowRecord, Guarantee


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
    problem: str = ""


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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
