"""What a flow promises when it is killed at any moment and run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.models import LoadType
from datacoolie.observability.records import Guarantee

if TYPE_CHECKING:
    from datacoolie.core.models import DataFlow


def guarantee_of(flow: DataFlow) -> tuple[Guarantee, str]:
    """Return the flow's guarantee and the reason for it."""
    match flow.destination.load_type:
        case LoadType.APPEND:
            return Guarantee.EFFECTIVELY_ONCE, "each commit carries a token, which the next run finds"
        case LoadType.OVERWRITE | LoadType.FULL_LOAD:
            return Guarantee.IDEMPOTENT, "the same rows replace the same rows, in one commit"
        case _:
            return Guarantee.IDEMPOTENT, "the same keys get the same values, in one commit"
