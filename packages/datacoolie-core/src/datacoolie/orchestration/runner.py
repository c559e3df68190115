"""Runs flows side by side, each after those it depends on."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Protocol

from datacoolie.observability.records import FlowStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.models import DataFlow
    from datacoolie.observability.records import FlowRecord
    from datacoolie.orchestration.graph import Dependencies


class FlowWork(Protocol):
    """What a runner does with a flow."""

    def load(self, flow: DataFlow) -> FlowRecord:
        """Load the flow; failures are records, not exceptions."""

    def crash(self, flow: DataFlow, error: BaseException) -> FlowRecord:
        """Record that a load ended by an error that is no typed one: a bug. Raises what is no `Exception`."""

    def cancel(self, flow: DataFlow, reason: str) -> FlowRecord:
        """Record that the flow did not start."""

    def interrupt(self) -> None:
        """Make the loads that are running end soon."""


def run_flows(
    flows: Mapping[str, DataFlow], before: Dependencies, work: FlowWork, *, workers: int, stop_on_error: bool
) -> list[FlowRecord]:
    """Run all flows and return their records in the order in which they ended.

    A flow whose predecessor failed is cancelled; with `stop_on_error` so is every flow that has not started.

    Raises:
        KeyboardInterrupt: after the loads that were running have ended.
    """
    records: list[FlowRecord] = []
    blocked: dict[str, str] = {}
    running: dict[Future[FlowRecord], str] = {}
    sorter = TopologicalSorter(before)
    sorter.prepare()
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="datacoolie") as pool:
        try:
            while sorter.is_active():
                for name in sorter.get_ready():
                    reason = _reason_to_cancel(name, before, blocked, stop_on_error=stop_on_error)
                    if reason:
                        blocked[name] = reason
                        records.append(work.cancel(flows[name], reason))
                        sorter.done(name)
                    else:
                        running[pool.submit(work.load, flows[name])] = name
                if running:
                    # A wait without timeout can't be interrupted by Ctrl-C on Windows.
                    for future in wait(running, timeout=0.5, return_when=FIRST_COMPLETED).done:
                        name = running.pop(future)
                        error = future.exception()
                        record = work.crash(flows[name], error) if error else future.result()
                        records.append(record)
                        if record.status is FlowStatus.FAILED:
                            blocked[name] = f"{name} failed"
                        sorter.done(name)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            work.interrupt()
            raise
    return records


def _reason_to_cancel(name: str, before: Dependencies, blocked: Mapping[str, str], *, stop_on_error: bool) -> str:
    """Return why a flow that is ready must not start; empty when it may."""
    if stop_on_error and blocked:
        return f"stopped on error: {next(iter(blocked.values()))}"
    return next((blocked[other] for other in sorted(before[name]) if other in blocked), "")
