"""Which flows run, and which run before which."""

from __future__ import annotations

import zlib
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.core.models import DataFlow

Dependencies = dict[str, set[str]]
"""Names of the flows that have to end before a flow starts, by the flow's name."""


def dependencies(flows: Sequence[DataFlow], reads: Mapping[str, str], writes: Mapping[str, str]) -> Dependencies:
    """Find out what has to run before each flow.

    A flow depends on what it names in `depends_on`, on the flows that write what it reads, and on the flows of its
    group with a lower order.

    Args:
        flows: all active flows.
        reads: location that a flow reads, by name.
        writes: location that a flow writes, by name.

    Raises:
        ConfigurationError: flows wait for each other.
    """
    writers: dict[str, set[str]] = {}
    for name, location in writes.items():
        writers.setdefault(location, set()).add(name)
    names = {flow.name for flow in flows}
    before: Dependencies = {}
    for flow in flows:
        declared = {name for name in flow.depends_on if name in names}
        before[flow.name] = (declared | writers.get(reads[flow.name], set()) | _earlier(flow, flows)) - {flow.name}
    _refuse_cycles(before)
    return before


def _earlier(flow: DataFlow, flows: Sequence[DataFlow]) -> set[str]:
    """Return the flows of the same group that have a lower order."""
    if flow.group_number is None or flow.execution_order is None:
        return set()
    return {
        other.name
        for other in flows
        if other.group_number == flow.group_number
        and other.execution_order is not None
        and other.execution_order < flow.execution_order
    }


def _refuse_cycles(before: Dependencies) -> None:
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        message = (
            f"These flows wait for each other: {cycle}. A flow waits for those in its depends_on, for the writers "
            "of the table that it reads, and for lower orders of its group: take one of these away"
        )
        raise ConfigurationError(message, {"cycle": error.args[1]}) from error


def select(flows: Sequence[DataFlow], selectors: Sequence[str], before: Dependencies) -> list[DataFlow]:
    """Return the flows that any selector names: a flow's name, a stage, or `+name` for a flow and all before it.

    Raises:
        ConfigurationError: a selector names nothing.
    """
    if not selectors:
        return list(flows)
    chosen: set[str] = set()
    for selector in selectors:
        chosen |= _matching(flows, selector, before)
    return [flow for flow in flows if flow.name in chosen]


def _matching(flows: Sequence[DataFlow], selector: str, before: Dependencies) -> set[str]:
    wanted = selector.removeprefix("+")
    stage = wanted.removeprefix("stage:")
    found = {flow.name for flow in flows if wanted == flow.name or stage == flow.stage}
    if not found:
        stages = sorted({flow.stage for flow in flows if flow.stage})
        possible = [flow.name for flow in flows] + stages
        message = (
            f"Nothing is called {wanted!r}. Flows: {listed([flow.name for flow in flows])}. "
            f"Stages: {listed(stages)}.{did_you_mean(wanted, possible)}"
        )
        raise ConfigurationError(message, {"selector": selector})
    return _with_ancestors(found, before) if selector.startswith("+") else found


def _with_ancestors(names: set[str], before: Dependencies) -> set[str]:
    todo, done = list(names), set(names)
    while todo:
        for name in before[todo.pop()] - done:
            done.add(name)
            todo.append(name)
    return done


def shard(flows: Sequence[DataFlow], *, job_num: int, job_index: int) -> list[DataFlow]:
    """Return this job's share of the flows: groups stay together, ungrouped flows go by a stable hash of their id."""
    if job_num == 1:
        return list(flows)

    def slot(flow: DataFlow) -> int:
        return flow.group_number if flow.group_number is not None else zlib.crc32(flow.dataflow_id.encode())

    return [flow for flow in flows if slot(flow) % job_num == job_index]


def restrict(names: Sequence[str], before: Dependencies) -> Dependencies:
    """Return the dependencies among `names` alone, also those that go through a flow that is not among them."""
    inside = set(names)
    return {name: (_with_ancestors({name}, before) - {name}) & inside for name in names}


def waves(before: Dependencies) -> dict[str, int]:
    """Return the wave of each flow: 1 for those that wait for none, else one more than the last that it waits for."""
    result: dict[str, int] = {}
    for name in TopologicalSorter(before).static_order():
        result[name] = 1 + max((result[other] for other in before[name]), default=0)
    return result
