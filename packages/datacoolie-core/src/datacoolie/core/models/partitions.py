"""Hidden partitions: values that a table format computes by itself, and that are no columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

_COLUMN = r"(?:`([^`]+)`|([^\W\d]\w*))"
_OF_TIME = re.compile(rf"\s*(years|months|days|hours)\s*\(\s*{_COLUMN}\s*\)\s*", re.IGNORECASE)
_OF_WIDTH = re.compile(rf"\s*(bucket|truncate)\s*\(\s*([1-9]\d*)\s*,\s*{_COLUMN}\s*\)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HiddenPartition:
    """What rows are partitioned by, written as Spark does: `days(at)`, `bucket(16, id)`.

    Attributes:
        transform: `years`, `months`, `days`, `hours`, `bucket` or `truncate`.
        column: whose values are transformed.
        width: the number of buckets, or how much of a value stays.
    """

    transform: str
    column: str
    width: int | None = None

    @classmethod
    def of(cls, expression: object) -> HiddenPartition | None:
        """Return the hidden partition that an expression stands for, or `None` when it is an ordinary expression."""
        if not isinstance(expression, str):
            return None
        if found := _OF_TIME.fullmatch(expression):
            return cls(found[1].lower(), found[2] or found[3])
        if found := _OF_WIDTH.fullmatch(expression):
            return cls(found[1].lower(), found[3] or found[4], int(found[2]))
        return None
