"""Care for Delta tables, whatever the engine: when it is due, for how long things are kept, what a log forgets."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.engines import tokens
from datacoolie.engines.schemas import spellings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from datacoolie.engines.model import Commit

SMALL = 16 << 20
"""Bytes below which a file is small."""

MANY = 10
"""So many small files in one place are worth being joined."""

DAY = timedelta(days=1)
"""How long ago a table must have been cared for to be cared for again."""

LOOKED_AT = 100
"""Entries of a log in which the last vacuum is looked for."""

_LOG_KEPT = timedelta(days=30)
_INTERVAL = re.compile(r"(?:interval\s+)?(\d+)\s+(\w+?)s?", re.IGNORECASE)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "microsecond": 1e-6,
            "millisecond": 1e-3}  # fmt: skip


def log_kept(properties: Mapping[str, str]) -> timedelta:
    """Return for how long the log of a table with these properties is kept."""
    return _interval(properties, "delta.logRetentionDuration", _LOG_KEPT)


def files_kept(properties: Mapping[str, str]) -> timedelta:
    """Return for how long a table asks to keep files that are no longer part of it; no time when it doesn't say."""
    return _interval(properties, "delta.deletedFileRetentionDuration", timedelta())


def _interval(properties: Mapping[str, str], name: str, default: timedelta) -> timedelta:
    """Return a property such as `interval 30 days`."""
    found = _INTERVAL.fullmatch(properties.get(name, "").strip())
    seconds = _SECONDS.get(found[2].lower()) if found else None
    return timedelta(seconds=int(found[1]) * seconds) if found and seconds else default


def forgettable(entries: Iterable[tuple[Mapping[str, str], datetime]], before: datetime) -> Iterator[Commit]:
    """Yield the newest commit of each flow that was made before a moment.

    The log keeps a flow's number for ever (a `txn` action), but what came with it, the mark, as long as its entry.

    Args:
        entries: what the entries of a log say of commits of ours, and when they were made, newest first.
        before: the moment.
    """
    seen = set()
    for said, at in entries:
        dataflow_id = said.get(f"{tokens.PREFIX}dataflow_id")
        if dataflow_id and dataflow_id not in seen:
            seen.add(dataflow_id)
            if at < before:
                yield tokens.commit_of(said)


def time_of(milliseconds: object) -> datetime:
    """Return a time of Delta's log."""
    return datetime.fromtimestamp(int(str(milliseconds)) / 1000, UTC)


def order_columns(names: Sequence[str], columns: Iterable[str], keys: Sequence[str], where: str) -> list[str]:
    """Return the columns to order rows by, as the table spells them.

    Args:
        names: as somebody spells them.
        columns: of the table.
        keys: those that the table is partitioned by.
        where: the table, for messages.

    Raises:
        DestinationError: there is no such column, or rows can't be ordered by it.
    """
    possible = [column for column in columns if column not in keys]
    found = spellings(names, possible)
    for name, column in found.items():
        if column not in possible:
            what = "partitions the table already" if column in keys else "is no column"
            message = f"{where}: can't order by {name!r}: it {what}. Columns: {listed(possible)}."
            message += did_you_mean(name, possible)
            raise DestinationError(message, {"column": name}).classed(ErrorClass.CONFIGURATION)
    return list(found.values())
