"""What merges have in common, whatever the engine: their keys, and what is wrong with a batch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.engines.schemas import spellings

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from datacoolie.engines.model import MergePlan

Frame = TypeVar("Frame")

SHOWN_KEYS = 5
"""How many duplicate keys a message names."""


def resolved(plan: MergePlan[Frame], columns: Collection[str], where: str) -> MergePlan[Frame]:
    """Return the plan with its keys spelled as columns.

    Raises:
        DestinationError: a key is no column.
    """
    rebuild = plan.rebuild
    if rebuild and rebuild.keys is not None:
        rebuild = replace(rebuild, keys=_resolved(rebuild.keys, columns, where))
    return replace(plan, keys=_resolved(plan.keys, columns, where), rebuild=rebuild)


def _resolved(keys: Sequence[str], columns: Collection[str], where: str) -> tuple[str, ...]:
    found = spellings(keys, columns)
    for key, column in found.items():
        if column not in columns:
            message = f"{where}: the merge key {key!r} is no column of the batch. Columns: {listed(columns)}."
            raise DestinationError(message + did_you_mean(key, columns), {"key": key}).classed(ErrorClass.CONFIGURATION)
    return tuple(dict.fromkeys(found.values()))


def duplicates(keys: Sequence[str], rows: Sequence[Sequence[object]], where: str) -> DestinationError:
    """Return the error for a batch in which keys are several times; `rows` are their values, some of them."""
    shown = listed(str(tuple(row) if len(keys) > 1 else row[0]) for row in rows)
    message = (
        f"{where}: several rows of the batch have the same merge keys {listed(keys)}: {shown}. Say which one is the "
        "newest with transform.latest_data_columns, or choose keys that are unique"
    )
    return DestinationError(message, {"keys": [str(tuple(row)) for row in rows]})
