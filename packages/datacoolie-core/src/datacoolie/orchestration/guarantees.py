"""What a flow promises when it is killed at any moment and run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.models import ConnectionType, LoadType, NullWatermark
from datacoolie.observability.records import Guarantee

if TYPE_CHECKING:
    from datacoolie.core.models import Connection, DataFlow

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


def guarantee_of(
    flow: DataFlow, source: Connection, destination: Connection, *, replayed: bool = False
) -> tuple[Guarantee, str]:
    """Return the flow's guarantee and the reason for it.

    Args:
        flow: the flow.
        source: the connection that it reads from.
        destination: the connection that it writes to.
        replayed: a range is loaded again.
    """
    load_type, replaces_window = flow.destination.load_type, flow.destination.settings.replace_by_watermark
    why = ""
    if load_type is LoadType.APPEND and replayed:
        why = "a replay adds its rows, each chunk once, to those appended before"
    elif load_type is LoadType.APPEND and flow.source.look_back(source):
        why = "a look-back reads rows again, and append adds them again; a merge does not"
    elif (
        load_type is LoadType.APPEND or replaces_window
    ) and flow.source.settings.watermark.null_watermark is NullWatermark.LOAD:
        why = "rows without watermark are read each time, and added again"
    if why:
        return Guarantee.AT_LEAST_ONCE, why
    # Flat files have no commit that others know: they go by what is in the folder.
    seen = f"; {_SEEN[load_type]}" if destination.connection_type is ConnectionType.FILE else ""
    if load_type is LoadType.APPEND:
        return Guarantee.EFFECTIVELY_ONCE, f"each commit carries a token, which the next run finds{seen}"
    same = "the same rows replace all rows of the same window" if replaces_window else _SAME[load_type]
    return Guarantee.IDEMPOTENT, f"{same}, in one commit{seen}"
