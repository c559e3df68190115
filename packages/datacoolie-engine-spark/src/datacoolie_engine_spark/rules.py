"""What tables demand of their rows, and the errors of loads that break it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError, ErrorClass

if TYPE_CHECKING:
    from datacoolie.core.exceptions import DataCoolieError

_CONSTRAINT = re.compile(r"CHECK constraint (.+) violated by row")
_NOT_NULL = re.compile(r"(?:constraint violated for column: |non-nullable field: |: Column )([^\s,]+)")
_NOT_NULL_CONDITIONS = {
    "DELTA_MISSING_NOT_NULL_COLUMN_VALUE",
    "DELTA_NOT_NULL_CONSTRAINT_VIOLATED",
    "NOT_NULL_ASSERT_VIOLATION",
}


def broken(error: DataCoolieError, where: str) -> DestinationError | None:
    """Return the error for a load that a rule of the table forbids; `None` when another one is meant.

    Args:
        error: as Spark said it.
        where: the table, for messages.
    """
    condition = error.details.get("condition")
    if condition == "DELTA_CANNOT_MODIFY_APPEND_ONLY":
        message = f"{where}: the table takes appends alone (its property delta.appendOnly is true). Nothing was written"
        return DestinationError(message, {"path": where}).classed(ErrorClass.CONFIGURATION)
    if found := _CONSTRAINT.search(error.message):
        rule = found[1]
    elif condition in _NOT_NULL_CONDITIONS and (found := _NOT_NULL.search(error.message)):
        rule = f"{found[1]!r} must not be null"
    else:
        return None
    message = f"{where}: a row breaks a rule of the table: {rule}. Nothing was written"
    return DestinationError(message, {"path": where, "rule": rule})
