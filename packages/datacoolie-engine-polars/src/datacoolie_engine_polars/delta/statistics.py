"""Statistics of data files for Delta's log, from the footers of the Parquet files."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyarrow.parquet import FileMetaData, Statistics

INDEXED_COLUMNS = 32
"""Delta keeps statistics of the first columns only."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_PREFIX = 32
"""Characters of a text that its bounds keep."""


def of_footer(footer: FileMetaData) -> str:
    """Return a file's statistics, as its footer has them, as the JSON text of an add action.

    Bounds that are unknown are left out; texts are cut, an upper bound upwards.
    """
    lower: dict[str, object] = {}
    upper: dict[str, object] = {}
    nulls: dict[str, int] = {}
    for index in range(min(footer.num_columns, INDEXED_COLUMNS)):
        if "." not in footer.schema.column(index).path:
            _column(footer, index, lower, upper, nulls)
    return json.dumps({"numRecords": footer.num_rows, "minValues": lower, "maxValues": upper, "nullCount": nulls})


def _column(
    footer: FileMetaData, index: int, lower: dict[str, object], upper: dict[str, object], nulls: dict[str, int]
) -> None:
    column = footer.schema.column(index)
    name = column.name
    groups = [footer.row_group(group).column(index).statistics for group in range(footer.num_row_groups)]
    if not all(group is not None and group.has_null_count for group in groups):
        return
    nulls[name] = sum(group.null_count for group in groups)
    bounded = [group for group in groups if group.has_min_max]
    empty = [group for group in groups if not group.has_min_max]
    if not bounded or any(group.num_values for group in empty):
        return
    try:
        smallest, largest = _bounds(bounded, in_utc=column.converted_type == "TIMESTAMP_MICROS")
        low, high = _lower(smallest), _upper(largest)
    except OverflowError:  # Python has no dates outside of the years 1 to 9999
        return
    if low is not None and high is not None:
        lower[name], upper[name] = low, high


def _bounds(groups: Sequence[Statistics], *, in_utc: bool) -> tuple[object, object]:
    """Return the smallest and the largest value of all groups."""
    if not in_utc:
        return min(group.min for group in groups), max(group.max for group in groups)
    # To make times with a zone, pyarrow imports pandas where that is installed: half a second, and 50 MB.
    low, high = min(group.min_raw for group in groups), max(group.max_raw for group in groups)
    return _EPOCH + timedelta(microseconds=low), _EPOCH + timedelta(microseconds=high)


def _lower(value: object) -> object:
    return _json(value[:_PREFIX] if isinstance(value, str) else value)


def _upper(value: object) -> object:
    """Return an upper bound; a text that is cut gets a last character above all others, or none is known."""
    if isinstance(value, str) and len(value) > _PREFIX:
        bound = value[:_PREFIX] + "\U0010ffff"
        return bound if bound >= value else None
    return _json(value)


def _json(value: object) -> object:
    """Return a bound in Delta's JSON form; `None` for what has no bounds there."""
    match value:
        case bool() | bytes() | float():
            # NaN is larger than any bound of floats, and the footer does not say whether there is one.
            return None
        case int() | str():
            return value
        case Decimal():
            return float(value) if Decimal(repr(float(value))) == value else None
        case datetime():
            text = value.replace(tzinfo=None).isoformat(timespec="microseconds")
            return f"{text}Z" if value.tzinfo else text
        case date():
            return value.isoformat()
        case _:
            return None
