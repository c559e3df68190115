"""All that the documents of a project say, linked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from datacoolie.core.exceptions import MetadataError
from datacoolie.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacoolie.core.models import Connection, DataFlow, Endpoint, SchemaHint, SchemaHintSet
    from datacoolie.metadata.faults import Fault

Named = TypeVar("Named")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Valid connections, dataflows and shared schema hints.

    Attributes:
        connections: those of the sections `connections`; inline ones stay with their dataflow.
        dataflows: all of them, active or not; one that uses an inactive connection is inactive.
        schema_hints: shared hints.
        remarks: what documents say that is allowed, and better done otherwise.
    """

    connections: tuple[Connection, ...] = ()
    dataflows: tuple[DataFlow, ...] = ()
    schema_hints: tuple[SchemaHintSet, ...] = ()
    remarks: tuple[Fault, ...] = ()
    _connections: dict[str, Connection] = field(init=False, repr=False, compare=False)
    _dataflows: dict[str, DataFlow] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index by name; an active flow comes before inactive ones of its name."""
        flows = sorted(self.dataflows, key=lambda flow: flow.is_active)
        object.__setattr__(self, "_connections", {each.name: each for each in self.connections})
        object.__setattr__(self, "_dataflows", {each.name: each for each in flows})

    @property
    def active_dataflows(self) -> tuple[DataFlow, ...]:
        """The dataflows that run."""
        return tuple(flow for flow in self.dataflows if flow.is_active)

    def connection(self, of: str | Endpoint) -> Connection:
        """Return a connection by its name, or the one of a source or destination.

        Raises:
            MetadataError: there is none.
        """
        if isinstance(of, str):
            return _named("connection", of, self._connections)
        return of.connection or _named("connection", of.connection_name, self._connections)

    def dataflow(self, name: str) -> DataFlow:
        """Return a dataflow by its name.

        Raises:
            MetadataError: there is none.
        """
        return _named("dataflow", name, self._dataflows)

    def hints(self, flow: DataFlow) -> tuple[SchemaHint, ...]:
        """Return the active schema hints of a flow, in their order: shared ones, below its own.

        Queries, functions and connections with `use_schema_hint: false` take no shared ones.
        """
        connection = self.connection(flow.source)
        shared = fitting_hints(self.schema_hints, flow, connection) if connection.use_schema_hint else []
        by_column: dict[str, SchemaHint] = {}
        for hint in (*(hint for each in shared for hint in each.hints), *flow.transform.schema_hints):
            by_column[hint.column_name.lower()] = hint
        active = [hint for hint in by_column.values() if hint.is_active]
        return tuple(sorted(active, key=_position))


def _position(hint: SchemaHint) -> tuple[bool, int]:
    return hint.ordinal_position is None, hint.ordinal_position or 0


def fitting_hints(sets: Iterable[SchemaHintSet], flow: DataFlow, connection: Connection) -> list[SchemaHintSet]:
    """Return the shared hints for what a flow reads: those of its very schema, or else those that may be meant."""
    source = flow.source
    if source.table is None or source.query or source.python_function:
        return []
    of_table = [
        each
        for each in sets
        if each.table_name == source.table
        and (each.connection_name == connection.name or each.connection_id == connection.connection_id)
    ]
    exact = [each for each in of_table if each.schema_name == source.schema_name]
    return exact or [each for each in of_table if each.schema_name is None or source.schema_name is None]


def _named(kind: str, name: str, known: dict[str, Named]) -> Named:
    if name in known:
        return known[name]
    message = f"No {kind} is called {name!r}. Known: {listed(known)}.{did_you_mean(name, known)}"
    raise MetadataError(message, {kind: name})
