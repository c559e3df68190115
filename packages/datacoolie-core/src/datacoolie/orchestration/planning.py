"""What one flow would do, found out without doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie.core.exceptions import DataCoolieError
from datacoolie.core.redaction import redact
from datacoolie.orchestration.emptying import clears
from datacoolie.orchestration.guarantees import guarantee_of
from datacoolie.orchestration.replay import column_of, refusals
from datacoolie.orchestration.results import PlannedFlow
from datacoolie.orchestration.support import unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.models import DataFlow, ReplaySettings, RunSettings
    from datacoolie.orchestration.workspace import Workspace
    from datacoolie.state import BaseStateStore

Frame = TypeVar("Frame")


def problems(flow: DataFlow, workspace: Workspace[Frame], settings: RunSettings) -> list[str]:
    """Return a sentence for each reason why a flow can't run, or not as a replay."""
    return [*unsupported(flow, workspace, settings), *(refusals(flow, settings.replay) if settings.replay else ())]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What there is to do: the parts of a `PlannedFlow` that differ between what is new and a replay."""

    has_work: bool
    low: Mapping[str, object]
    files: int = 0
    size: int = 0
    replay: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPlanner(Generic[Frame]):
    """Plans flows one by one.

    Attributes:
        workspace: connections, engine and platform.
        store: load states.
        settings: of the run; those of a replay say which range would be loaded again.
    """

    workspace: Workspace[Frame]
    store: BaseStateStore
    settings: RunSettings

    def plan(self, flow: DataFlow, wave: int, before: set[str], *, work_before: bool) -> PlannedFlow:
        """Plan one flow; `work_before` says that flows before it have something to do, which gives it work too."""
        replay = self.settings.replay
        problem = "; ".join(problems(flow, self.workspace, self.settings))
        if problem:
            work = _Work(has_work=work_before, low={}, problem=problem)
        else:
            work = self._again(flow, replay) if replay else self._new(flow, work_before=work_before)
        guarantee, why = guarantee_of(flow, self.workspace, replayed=replay is not None)
        return PlannedFlow(
            flow=flow.name,
            wave=wave,
            depends_on=tuple(sorted(before)),
            source=self.workspace.describe(flow.source),
            destination=self.workspace.describe(flow.destination),
            load_type=flow.destination.load_type.value,
            has_work=work.has_work,
            low=work.low,
            files=work.files,
            size=work.size,
            replay=work.replay,
            guarantee=guarantee,
            guarantee_reason=why,
            problem=work.problem,
        )

    def _again(self, flow: DataFlow, replay: ReplaySettings) -> _Work:
        column = column_of(flow, replay)
        return _Work(has_work=True, low={column: str(replay.start)}, replay=f"{column} until {replay.end}")

    def _new(self, flow: DataFlow, *, work_before: bool) -> _Work:
        state = self.store.read(flow.dataflow_id).state
        mark = state.mark if state else None
        low = mark.values if mark else {}
        try:
            window = self.workspace.source(flow).window(mark)
        except DataCoolieError as error:
            # What is missing now may be there when the flows before this one have run.
            return _Work(has_work=work_before, low=low, problem="" if work_before else redact(error.message))
        if window is None:
            return _Work(has_work=work_before or clears(flow, mark), low=low)
        return _Work(has_work=True, low=low, files=len(window.files), size=window.size)
