"""What a flow promises when it is killed at any moment and run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.models import LoadType, NullWatermark
from datacoolie.observability.records import Guarantee

if TYPE_CHECKING:
    from datacoolie.core.models import Connection, DataFlow


def guarantee_of(flow: DataFlow, source: Connection) -> tuple[Guarantee, str]:
    """Return the flow's guarantee and the reason for it.

    Args:
        flow: the flow.
        source: the connection that it reads from.
    """
    match flow.destination.load_type:
        case LoadType.APPEND if flow.source.look_back(source):
            return Guarantee.AT_LEAST_ONCE, "a look-back reads rows again, and append adds them again; a merge does not"
        case LoadType.APPEND if flow.source.settings.watermark.null_watermark is NullWatermark.LOAD:
            return Guarantee.AT_LEAST_ONCE, "rows without watermark are read each time, and append adds them again"
        case LoadType.APPEND:
            return Guarantee.EFFECTIVELY_ONCE, "each commit carries a token, which the next run finds"
        case LoadType.OVERWRITE | LoadType.FULL_LOAD:
            return Guarantee.IDEMPOTENT, "the same rows replace the same rows, in one commit"
        case _:
            return Guarantee.IDEMPOTENT, "the same keys get the same values, in one commit"
