"""What crosses entries and documents: names, ids, references, dependencies, shared hints."""

from __future__ import annotations

from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Literal

from datacoolie.core.models import LoadType
from datacoolie.metadata import syntax
from datacoolie.metadata.flow_checks import check_connection_options, check_flow
from datacoolie.metadata.model import fitting_hints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie.core.models import Connection, DataFlow, SchemaHint, SchemaHintSet
    from datacoolie.metadata.entries import Built, Entry
    from datacoolie.metadata.sections import Sections


@dataclass(kw_only=True)
class Draft:
    """What could be built, and the entries that it was built from.

    Attributes:
        sections: all entries.
        connections: the valid ones.
        dataflows: the valid ones.
        salvaged: dataflows without their wrong fields, which are looked through for more.
        schema_hints: the valid ones.
        by_name: the valid connections by their names.
    """

    sections: Sections
    connections: list[Built[Connection]]
    dataflows: list[Built[DataFlow]]
    salvaged: list[Built[DataFlow]]
    schema_hints: list[Built[SchemaHintSet]]
    by_name: dict[str, list[Built[Connection]]] = field(init=False)

    def __post_init__(self) -> None:
        """Group connections by name."""
        self.by_name = {}
        for built in self.connections:
            self.by_name.setdefault(built.model.name, []).append(built)

    @property
    def connection_names(self) -> list[str]:
        """Names of all connections, invalid ones too: a reference to one of these is no fault of its own."""
        return list(dict.fromkeys(entry.name for entry in self.sections.connections if entry.name))

    @property
    def dataflow_names(self) -> list[str]:
        """Names of all dataflows, invalid ones too."""
        built = [each.model.name for each in self.dataflows]
        return list(dict.fromkeys([*built, *(entry.name for entry in self.sections.dataflows if entry.name)]))


def validate(draft: Draft) -> None:
    """Check all that crosses entries, and each flow against its connections; faults are noted in the documents."""
    _check_unique([(each.entry, each.model.connection_id, "connection_id") for each in draft.connections])
    _check_unique([(each.entry, each.model.dataflow_id, "dataflow_id") for each in draft.dataflows])
    _check_unique([(each.entry, each.model.name, "name") for each in draft.dataflows if each.model.is_active])
    for connection in draft.connections:
        check_connection_options(connection.entry, connection.model)
    names = draft.connection_names
    overwritten: dict[tuple[str, str], Built[DataFlow]] = {}
    for flow in (*draft.dataflows, *draft.salvaged):
        source = _connection_of(flow, "source", draft, names)
        destination = _connection_of(flow, "destination", draft, names)
        syntax.check_flow(flow.entry, flow.model, source)
        if flow.entry.wrong:
            continue
        check_flow(flow.entry, flow.model, source, destination)
        _check_hinted_once(flow.entry, ("transform", "schema_hints"), flow.model.transform.schema_hints)
        if source is not None and destination is not None and source.is_active and destination.is_active:
            _check_overwrites(flow, destination, overwritten)
        if source is not None:
            _check_hints(flow, source, draft.schema_hints)
    _check_dependencies([*draft.dataflows, *draft.salvaged], draft.dataflow_names)
    for hints in draft.schema_hints:
        _check_hint_set(hints, draft, names)


def _check_unique(entries: Sequence[tuple[Entry, str, str]]) -> None:
    """Note each value that was given before."""
    seen: dict[str, Entry] = {}
    for entry, value, field_name in entries:
        first = seen.setdefault(value, entry)
        if first is not entry:
            given = next(name for name in (field_name, "previous_name", "name", "dataflow_id") if entry.has(name))
            entry.fault((given,), f"is used twice; first at {first.where}", value=entry.value(given))


def _connection_of(
    flow: Built[DataFlow], end: Literal["source", "destination"], draft: Draft, names: Sequence[str]
) -> Connection | None:
    """Return the connection of one end; `None` when it is unknown, ambiguous or invalid."""
    model = flow.model.source if end == "source" else flow.model.destination
    if model.connection is not None:
        model.connection.stands_in(flow.entry.document.path)
        return model.connection
    key = "connection_name" if flow.entry.has(end, "connection_name") else "connection"
    return _referenced(flow.entry, (end, key), model.connection_name, draft, names)


def _referenced(
    entry: Entry, path: tuple[str, ...], name: str, draft: Draft, names: Sequence[str]
) -> Connection | None:
    """Return the one connection of a name, or note what is wrong with the reference."""
    candidates = draft.by_name.get(name, [])
    if len(candidates) > 1:
        places = " and ".join(each.entry.where for each in candidates)
        entry.fault(path, f"is ambiguous: connections at {places} have this name", value=name)
    elif not candidates and name not in names:
        entry.fault(path, "is not a known connection", value=name, possible=names)
    return candidates[0].model if len(candidates) == 1 else None


def _check_hint_set(hints: Built[SchemaHintSet], draft: Draft, names: Sequence[str]) -> None:
    model = hints.model
    ids = [each.model.connection_id for each in draft.connections]
    if model.connection_name is not None:
        _referenced(hints.entry, ("connection_name",), model.connection_name, draft, names)
    elif model.connection_id not in ids and len(ids) == len(draft.sections.connections):
        hints.entry.fault(("connection_id",), "is not the id of a connection", value=model.connection_id, possible=ids)
    _check_hinted_once(hints.entry, ("hints",), model.hints)


def _check_hinted_once(entry: Entry, path: tuple[str, ...], hints: Sequence[SchemaHint]) -> None:
    seen: set[str] = set()
    for at, hint in enumerate(hints):
        if not hint.is_active:
            continue
        if hint.column_name.lower() in seen:
            entry.fault((*path, at, "column_name"), "has a hint already", value=hint.column_name)
        seen.add(hint.column_name.lower())


def _check_hints(flow: Built[DataFlow], connection: Connection, sets: Sequence[Built[SchemaHintSet]]) -> None:
    fitting = fitting_hints([each.model for each in sets], flow.model, connection)
    if len(fitting) > 1:
        places = " and ".join(each.entry.where for each in sets if each.model in fitting)
        message = f"is ambiguous: the schema hints at {places} both fit it; say which by schema_name"
        flow.entry.fault(("source", "table"), message, value=flow.model.source.table)


def _check_overwrites(
    flow: Built[DataFlow], connection: Connection, overwritten: dict[tuple[str, str], Built[DataFlow]]
) -> None:
    """Note a second active flow that makes a table exactly its own rows; other flows may append to what one overwrote.

    A table by name is looked for in its connection alone: another one may lead to another system.
    """
    target = flow.model.destination
    if not flow.model.is_active or target.load_type not in (LoadType.OVERWRITE, LoadType.FULL_LOAD):
        return
    scope = connection.connection_id if connection.in_catalog else ""
    first = overwritten.setdefault((scope, connection.location(target.schema_name, target.table)), flow)
    if first is not flow:
        message = (
            f"is overwritten by the flow {first.model.name!r} at {first.entry.where} as well: each removes the rows of "
            "the other. Append by one of them, or make one of them inactive"
        )
        flow.entry.fault(("destination", "table"), message, value=target.table)


def _check_dependencies(flows: Sequence[Built[DataFlow]], names: Sequence[str]) -> None:
    """Refuse unknown names in `depends_on`, and flows that wait for each other."""
    waits: dict[str, list[str]] = {}
    for flow in flows:
        for at, name in enumerate(flow.model.depends_on):
            if name not in names:
                flow.entry.fault(("depends_on", at), "is not a known dataflow", value=name, possible=names)
        waits[flow.model.name] = flow.model.depends_on
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        cycle: list[str] = list(reversed(error.args[1]))
        entry = next(flow.entry for flow in flows if flow.model.name == cycle[0])
        entry.fault(("depends_on",), f"goes in a circle: {' waits for '.join(reversed(cycle))}")
