"""What a flow promises when it is killed at any moment and run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from datacoolie.core.models import ConnectionType, LoadType, NullWatermark
from datacoolie.engines import PromisesLess
from datacoolie.observability.records import Guarantee
from datacoolie.platforms import HasOwnWriters

if TYPE_CHECKING:
    from datacoolie.core.models import Connection, DataFlow, Destination
    from datacoolie.orchestration.workspace import Workspace

Frame = TypeVar("Frame")

_SAME = {
    LoadType.OVERWRITE: "the same rows replace the same rows",
    LoadType.FULL_LOAD: "the same rows replace the same rows",
    LoadType.MERGE_UPSERT: "the same keys get the same values",
    LoadType.MERGE_OVERWRITE: "the same rows replace all rows of the same keys",
    LoadType.SCD2: "the same events give the same history",
}
"""What a load that is repeated does."""

_REPLACED = "readers other than datacoolie may see old and new files for a moment"
_SEEN = {
    LoadType.APPEND: "readers other than datacoolie may see some of its files before the others",
    LoadType.OVERWRITE: _REPLACED,
    LoadType.FULL_LOAD: _REPLACED,
}
"""What others may see of a load into a folder of flat files."""


def guarantee_of(flow: DataFlow, workspace: Workspace[Frame], *, replayed: bool = False) -> tuple[Guarantee, str]:
    """Return the flow's guarantee and the reason for it.

    Args:
        flow: the flow.
        workspace: its connections, the platform and the engine.
        replayed: a range is loaded again.
    """
    source, destination = workspace.connection(flow.source), workspace.connection(flow.destination)
    if why := _added_again(flow, source, replayed=replayed):
        guarantee = Guarantee.AT_LEAST_ONCE
    elif flow.destination.load_type is LoadType.APPEND:
        guarantee, why = Guarantee.EFFECTIVELY_ONCE, "each commit carries a token, which the next run finds"
    else:
        replaces_window = flow.destination.settings.replace_by_watermark
        same = "the same rows replace all rows of the same window" if replaces_window else None
        guarantee, why = Guarantee.IDEMPOTENT, f"{same or _SAME[flow.destination.load_type]}, in one commit"
    return guarantee, "; ".join(filter(None, (why, _not_promised(flow.destination, destination, workspace))))


def _added_again(flow: DataFlow, source: Connection, *, replayed: bool) -> str:
    """Return why rows may be in the destination more than once; mostly nothing."""
    appends = flow.destination.load_type is LoadType.APPEND
    if appends and replayed:
        return "a replay adds its rows, each chunk once, to those appended before"
    if appends and flow.source.look_back(source):
        return "a look-back reads rows again, and append adds them again; a merge does not"
    nulls = flow.source.settings.watermark.null_watermark
    if (appends or flow.destination.settings.replace_by_watermark) and nulls is NullWatermark.LOAD:
        return "rows without watermark are read each time, and added again"
    return ""


def _not_promised(end: Destination, connection: Connection, workspace: Workspace[Frame]) -> str:
    """Return what others than this framework may see or do, and what the engine can't promise; mostly nothing."""
    if connection.connection_type is ConnectionType.FILE:
        # Flat files have no commit that others know: they go by what is in the folder.
        return _SEEN.get(end.load_type, "")
    if connection.connection_type is not ConnectionType.LAKEHOUSE:
        return ""
    uri = None if connection.in_catalog else connection.location(end.schema_name, end.table)
    platform, engine = workspace.platform, workspace.engine
    said = platform.unseen(uri, connection.format) if isinstance(platform, HasOwnWriters) else ""
    # A platform with writers of its own knows more of them than an engine.
    if not said and isinstance(engine, PromisesLess):
        said = engine.unpromised(uri, connection.format, end.load_type)
    return said
