"""What a flow promises when it is killed at any moment and run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.models import LoadType, NullWatermark
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


def guarantee_of(flow: DataFlow, source: Connection, *, replayed: bool = False) -> tuple[Guarantee, str]:
    """Return the flow's guarantee and the reason for it.

    Args:
        flow: the flow.
        source: the connection that it reads from.
        replayed: a range is loaded again.
    """
    loads_null_again = flow.source.settings.watermark.null_watermark is NullWatermark.LOAD
    match flow.destination.load_type:
        case LoadType.APPEND if replayed:
            return Guarantee.AT_LEAST_ONCE, "a replay adds its rows, each chunk once, to those appended before"
        case LoadType.APPEND if flow.source.look_back(source):
            return Guarantee.AT_LEAST_ONCE, "a look-back reads rows again, and append adds them again; a merge does not"
        case LoadType.APPEND if loads_null_again:
            return Guarantee.AT_LEAST_ONCE, "rows without watermark are read each time, and append adds them again"
        case LoadType.APPEND:
            return Guarantee.EFFECTIVELY_ONCE, "each commit carries a token, which the next run finds"
        case LoadType.MERGE_OVERWRITE if flow.destination.settings.replace_by_watermark and loads_null_again:
            return Guarantee.AT_LEAST_ONCE, "rows without watermark are read each time, and are in no window to replace"
        case LoadType.MERGE_OVERWRITE if flow.destination.settings.replace_by_watermark:
            return Guarantee.IDEMPOTENT, "the same rows replace all rows of the same window, in one commit"
        case load_type:
            return Guarantee.IDEMPOTENT, f"{_SAME[load_type]}, in one commit"
