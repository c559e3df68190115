"""A project: its documents, engine and platform; what `datacoolie run` and a notebook's three lines stand on."""

from __future__ import annotations

import getpass
import secrets
from contextlib import closing
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from pydantic import ValidationError

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.models import Choice, ReplaySettings
from datacoolie.core.redaction import secrets_hidden
from datacoolie.metadata import Fault, load_project
from datacoolie.metadata.faults import nearest
from datacoolie.metadata.positions import dotted
from datacoolie.metadata.translate import findings
from datacoolie.orchestration.care import Caretaker
from datacoolie.orchestration.graph import dependencies, restrict, select, shard, waves
from datacoolie.orchestration.load import Run
from datacoolie.orchestration.planning import FlowPlanner, problems
from datacoolie.orchestration.results import MaintenanceResult, Plan, PlannedFlow, RunResult
from datacoolie.orchestration.runner import run_flows
from datacoolie.orchestration.work import FlowLoads
from datacoolie.orchestration.workspace import Workspace
from datacoolie.plugins import engine_registry, platform_registry, resolver_registry, transformer_registry
from datacoolie.state import History, LeaseKeeper, PlatformStateStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from datacoolie.core.models import DataFlow, RunSettings
    from datacoolie.core.registry import PluginRegistry
    from datacoolie.destinations.scd2_check import HistoryCheck
    from datacoolie.metadata import LoadedProject, Metadata
    from datacoolie.metadata.translate import Finding
    from datacoolie.observability.events import Event, Listener
    from datacoolie.orchestration.doctor import Diagnosis
    from datacoolie.orchestration.graph import Dependencies
    from datacoolie.orchestration.states import States

DEFAULT_ENGINE = "polars"
"""The engine of a project that names none, unless another is the only one."""


class Project:
    """Documents that are valid, and where they run.

    Three lines in a notebook:

        from datacoolie import Project
        project = Project.load("my_project")
        project.run()
    """

    def __init__(self, loaded: LoadedProject, *, engine: str | None, platform: str | None, state: str | None) -> None:
        """Choose engine and platform, which are made when they are needed; `load` is the way to a project."""
        self._loaded = loaded
        self._engine = _chosen(engine, loaded.settings.engine or _default_engine())
        self._platform = _chosen(platform, loaded.settings.platform)
        self._state_location = state or loaded.state
        self.engine_name, self.platform_name = self._engine.name, self._platform.name
        plugins: list[tuple[PluginRegistry[Any], str]] = [  # Any: whatever kind they are
            (engine_registry, self.engine_name),
            (platform_registry, self.platform_name),
            *((resolver_registry, name) for name in loaded.settings.resolvers),
        ]
        for registry, name in plugins:
            if not registry.is_available(name):
                registry.get_class(name)

    @cached_property
    def _workspace(self) -> Workspace[object]:
        engine = engine_registry.get(self._engine.name, **self._engine.options)
        platform = platform_registry.get(self._platform.name, **self._platform.options)
        return Workspace(self._loaded.metadata, engine, platform, self._loaded.settings.resolvers)

    @cached_property
    def _state(self) -> str:
        return self._workspace.platform.resolve(self._state_location)

    @cached_property
    def _store(self) -> PlatformStateStore:
        return PlatformStateStore(self._workspace.platform, self._state)

    @classmethod
    @secrets_hidden
    def load(
        cls,
        path: str | Path | Sequence[str | Path],
        *,
        engine: str | None = None,
        platform: str | None = None,
        target: str | None = None,
        state: str | None = None,
    ) -> Self:
        """Load a document, a folder of documents or a project, and validate all of it.

        Args:
            path: a document, a folder of documents, or a folder with `datacoolie.yaml`; or several documents.
            engine: engine, instead of the project's.
            platform: platform, instead of the project's.
            target: name of the target whose fields overlay the connections'.
            state: path or URI of the state, instead of the project's.

        Raises:
            DocumentError: a document has faults; it lists all of them.
            ConfigurationError: there is no such engine or platform.
        """
        loaded = load_project(path, target=target)
        return cls(loaded, engine=engine, platform=platform, state=state)

    @property
    def metadata(self) -> Metadata:
        """Connections, dataflows and schema hints."""
        return self._loaded.metadata

    @secrets_hidden
    def plan(self, select: Sequence[str] = (), *, replay: ReplaySettings | Mapping[str, object] | None = None) -> Plan:
        """Find out what each flow would read and do; writes nothing and reads no data beyond what a window needs.

        Args:
            select: names of flows or stages; `+name` for a flow and all that it depends on; all flows by default.
            replay: which range would be loaded again, instead of the project's setting.

        Raises:
            ConfigurationError: a selector names nothing, flows wait for each other, or there is no such engine.
        """
        flows, before = self._selected(select)
        planner = FlowPlanner(workspace=self._workspace, store=self._store, settings=self._settings(replay))
        wave = waves(before)
        planned: dict[str, PlannedFlow] = {}
        with closing(self._workspace):
            for name in sorted(flows, key=wave.__getitem__):
                work_before = any(planned[other].has_work for other in before[name])
                planned[name] = planner.plan(flows[name], wave[name], before[name], work_before=work_before)
        return Plan(tuple(planned.values()))

    @secrets_hidden
    def run(
        self,
        select: Sequence[str] = (),
        *,
        workers: int | None = None,
        dry_run: bool = False,
        replay: ReplaySettings | Mapping[str, object] | None = None,
        listener: Listener | None = None,
    ) -> RunResult | Plan:
        """Run flows: each reads what is new, transforms it, and commits it once.

        With `replay` each reads a range of its source again instead, in chunks that are committed one by one; the mark
        stays where it is. A replay that was stopped goes on where it was when it is run again.

        Args:
            select: as in `plan`.
            workers: flows at a time, instead of the project's setting.
            dry_run: only plan.
            replay: which range is loaded again, instead of the project's setting.
            listener: receives events as they happen.

        Returns:
            A record of each flow; failures are records too. With `dry_run` the plan.

        Raises:
            ConfigurationError: as `plan`, or a flow asks for what is not supported yet: nothing has run then.
            KeyboardInterrupt: after the loads that were running have ended and released their leases.
        """
        settings = self._settings(replay)
        if dry_run or settings.dry_run:
            return self.plan(select, replay=replay)
        flows, before = self._selected(select)
        self._refuse_unsupported(flows.values(), settings)
        started = datetime.now(UTC)
        run_id = f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        listener = listener or _Silent()
        with closing(self._workspace), LeaseKeeper(run_id) as keeper:
            run = self._new_run(run_id, started, settings, keeper, listener)
            listener.begin(run_id, sorted(flows, key=waves(before).__getitem__))
            loads = FlowLoads(run, f"{self._state}/runs")
            try:
                records = run_flows(
                    flows,
                    before,
                    loads,
                    workers=workers or settings.max_workers,
                    stop_on_error=settings.stop_on_error,
                )
            finally:
                listener.end()
            loads.forget()
        return RunResult(run_id, tuple(records))

    def _new_run(
        self, run_id: str, started: datetime, settings: RunSettings, keeper: LeaseKeeper, listener: Listener
    ) -> Run[object]:
        return Run(
            run_id=run_id,
            started_at=started,
            user=getpass.getuser(),
            settings=settings,
            workspace=self._workspace,
            store=self._store,
            keeper=keeper,
            transformers=[transformer_registry.get_or_create(name) for name in transformer_registry.list_plugins()],
            listener=listener,
        )

    @secrets_hidden
    def maintain(self, select: Sequence[str] = ()) -> MaintenanceResult:
        """Join small files and remove those that nobody needs, in each destination once; loads may go on meanwhile.

        Args:
            select: as in `plan`; of flows with one destination the first that says how to maintain it counts.

        Returns:
            What was done for each destination; failures are records too.

        Raises:
            ConfigurationError: a selector names nothing, or there is no such engine.
        """
        flows, _ = self._selected(select)
        caretaker = Caretaker(self._workspace, self._store, self._loaded.settings.run)
        chosen = caretaker.one_per_destination(flows.values())
        with closing(self._workspace):
            return MaintenanceResult(tuple(caretaker.maintain(flow) for flow in chosen))

    @secrets_hidden
    def check_history(self, table: str) -> HistoryCheck:
        """Prove that a table is a history.

        Args:
            table: the flow of load type `scd2` that writes it, or the table of its destination.

        Raises:
            ConfigurationError: no such flow writes such a table, or there is no such engine.
            DestinationError: there is no such table, or it lacks the columns of a history.
        """
        from datacoolie.orchestration.checks import check_history_of  # noqa: PLC0415 - runs must not pay for it

        with closing(self._workspace):
            return check_history_of(self._workspace, table)

    @secrets_hidden
    def examine(self, select: Sequence[str] = ()) -> Diagnosis:
        """Try everything that flows need: storage, catalogs, secrets, clocks; no file is left behind.

        Args:
            select: as in `plan`.

        Raises:
            ConfigurationError: a selector names nothing, or there is no such engine.
        """
        from datacoolie.orchestration.doctor import Doctor  # noqa: PLC0415 - runs must not pay for it

        flows, _ = self._selected(select)
        with closing(self._workspace):
            return Doctor(self._workspace, self._state, self._loaded.settings.resolvers).examine(flows)

    @property
    def states(self) -> States[object]:
        """The load states of the flows: show, set, reset, unlock, verify."""
        from datacoolie.orchestration.states import States  # noqa: PLC0415 - runs must not pay for it

        return States(self._workspace, self._store, History(self._workspace.platform, self._state))

    @secrets_hidden
    def select(self, selectors: Sequence[str] = ()) -> list[str]:
        """Return the names of the flows that selectors mean, as in `plan`.

        Raises:
            ConfigurationError: a selector names nothing.
        """
        return list(self._selected(selectors)[0])

    def _selected(self, selectors: Sequence[str]) -> tuple[dict[str, DataFlow], Dependencies]:
        """Return the flows to run, by name, and what each waits for among them."""
        flows = self.metadata.active_dataflows
        reads = {flow.name: self._workspace.location(flow.source) for flow in flows}
        writes = {flow.name: self._workspace.location(flow.destination) for flow in flows}
        before = dependencies(flows, reads, writes)
        settings = self._loaded.settings.run
        chosen = shard(select(flows, selectors, before), job_num=settings.job_num, job_index=settings.job_index)
        return {flow.name: flow for flow in chosen}, restrict([flow.name for flow in chosen], before)

    def _settings(self, replay: ReplaySettings | Mapping[str, object] | None) -> RunSettings:
        """Return the project's settings of a run, with another replay.

        Raises:
            ConfigurationError: the replay's settings are invalid.
        """
        settings = self._loaded.settings.run
        if replay is None:
            return settings
        try:
            return settings.model_copy(update={"replay": ReplaySettings.model_validate(replay)})
        except ValidationError as error:
            found = findings(error, ReplaySettings, replay, ("replay",))
            raise ConfigurationError("; ".join(map(str, map(_fault, found)))) from error

    def _refuse_unsupported(self, flows: Iterable[DataFlow], settings: RunSettings) -> None:
        found = [f"{flow.name}: {what}" for flow in flows for what in problems(flow, self._workspace, settings)]
        if found:
            message = "\n".join([*found, "Nothing has run. Change these flows, or select others with --select"])
            raise ConfigurationError(message, {"unsupported": found})


def _fault(found: Finding) -> Fault:
    """Return what is wrong with a setting that stands in no document."""
    value, possible = (None if found.value is ... else repr(found.value)), found.possible
    near = nearest(found.path[-1] if found.of_key else found.value, possible)
    return Fault(file="", path=dotted(found.path), message=found.message, value=value, possible=possible, near=near)


def _chosen(asked: str | None, configured: Choice) -> Choice:
    """Return the plugin that was asked for, with the project's options when it is the project's."""
    return configured if asked in {None, configured.name} else Choice(name=str(asked))


def _default_engine() -> Choice:
    """Return the engine of a project that names none: polars, or the only one that is installed."""
    installed = engine_registry.list_plugins()
    return Choice(name=installed[0] if len(installed) == 1 else DEFAULT_ENGINE)


class _Silent:
    """Listens to nothing."""

    wants_rows = False

    def begin(self, run_id: str, flows: Sequence[str]) -> None:
        """Do nothing."""

    def handle(self, event: Event) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""
