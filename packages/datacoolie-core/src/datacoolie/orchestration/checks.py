"""Checks of tables that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from datacoolie.core.exceptions import ConfigurationError, DestinationError
from datacoolie.core.models import LoadType
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.destinations.scd2_check import check_history
from datacoolie.engines.places import table_ref
from datacoolie.orchestration.targets import merge_keys
from datacoolie.transformers.names import NameMap

if TYPE_CHECKING:
    from datacoolie.core.models import DataFlow
    from datacoolie.destinations.scd2_check import HistoryCheck
    from datacoolie.metadata.model import Metadata
    from datacoolie.orchestration.workspace import Workspace

Frame = TypeVar("Frame")


def check_history_of(workspace: Workspace[Frame], table: str) -> HistoryCheck:
    """Prove that the table that a flow, or the destination of a flow, is called by is a history.

    Raises:
        ConfigurationError: no flow of load type `scd2` is or writes `table`.
        DestinationError: there is no such table, or it lacks the columns of a history.
    """
    flow = _writer(workspace.metadata, table)
    settings = flow.destination.settings
    connection = workspace.with_secrets(workspace.connection(flow.destination))
    found = workspace.engine.table(table_ref(flow.destination, connection, workspace.platform))
    where = workspace.location(flow.destination)
    if not found.exists:
        message = f"{where}: there is no table yet; run {flow.name!r} first"
        raise DestinationError(message, {"table": where})
    rows = found.scan()
    names = NameMap.after(workspace.engine.frames.schema(rows), flow.transform)
    return check_history(
        workspace.engine.frames,
        rows,
        merge_keys(flow, names),
        has_deletes=settings.scd2_delete_expression is not None or settings.scd2_full_snapshot,
        where=where,
    )


def _writer(metadata: Metadata, table: str) -> DataFlow:
    histories = [flow for flow in metadata.dataflows if flow.destination.load_type is LoadType.SCD2]
    for flow in histories:
        if table in {flow.name, flow.destination.table}:
            return flow
    names = [name for flow in histories for name in dict.fromkeys((flow.name, flow.destination.table))]
    message = f"No flow of load type scd2 is called {table!r} or writes such a table."
    known = f" There are: {listed(names)}.{did_you_mean(table, names)}" if names else " There is none."
    raise ConfigurationError(message + known, {"table": table})
