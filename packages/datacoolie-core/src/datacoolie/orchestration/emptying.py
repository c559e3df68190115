"""What a load that replaces does with its target when there is nothing to load."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from datacoolie.core.models import LoadType, OnEmpty

if TYPE_CHECKING:
    from datacoolie.core.models import DataFlow
    from datacoolie.state import Mark

REPLACING = {LoadType.OVERWRITE, LoadType.FULL_LOAD}
"""Load types after which the target holds the window's rows alone."""

_CLEARED = "cleared"
"""Where the position of a mark says that the target was emptied by the last load."""


def clears(flow: DataFlow, mark: Mark | None) -> bool:
    """Whether the target is to be emptied when nothing is new: `on_empty` says so, and the last load didn't do it."""
    asked = flow.destination.load_type in REPLACING and flow.destination.settings.on_empty is OnEmpty.CLEAR
    return asked and mark is not None and not mark.position.get(_CLEARED)


def fails(flow: DataFlow) -> bool:
    """Whether it is an error when nothing is new."""
    return flow.destination.load_type in REPLACING and flow.destination.settings.on_empty is OnEmpty.FAIL


def cleared(mark: Mark) -> Mark:
    """Return the mark of a load that emptied its target."""
    return replace(mark, position={**mark.position, _CLEARED: True})
