"""Care for a Delta table: few large files, none that nobody needs, and a log that still says what flows committed."""

from __future__ import annotations

import json
import math
import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import polars as pl
from deltalake import WriterProperties
from deltalake.exceptions import CommitFailedError, DeltaError

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.engines import CommitConflictError, Tidied, tokens
from datacoolie.engines.schemas import spellings
from datacoolie_engine_polars import failures
from datacoolie_engine_polars.delta import commits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deltalake import DeltaTable

SMALL = 16 << 20
"""Bytes below which a file is small."""

MANY = 10
"""So many small files in one partition are worth being joined."""

_DAY = timedelta(days=1)
_LOOKED_AT = 100
"""Entries of the log in which the last vacuum is looked for."""

_INTERVAL = re.compile(r"(?:interval\s+)?(\d+)\s+(\w+?)s?", re.IGNORECASE)
_LOG_KEPT = timedelta(days=30)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "microsecond": 1e-6,
            "millisecond": 1e-3}  # fmt: skip


def optimize(
    table: DeltaTable, where: str, *, zorder_by: Sequence[str], compression: str, if_due: bool
) -> Tidied | None:
    """Join small files by delta-rs; as `CanOptimize.optimize` says."""
    if if_due and not _many_small(table):
        return None
    columns = _columns(table, zorder_by, where)
    properties = WriterProperties(compression=cast("Any", compression.upper()))  # Any: one of its literals
    with _failures(where, "joining files"):
        if columns:
            metrics = table.optimize.z_order(columns, writer_properties=properties)
        else:
            metrics = table.optimize.compact(writer_properties=properties)
    added, removed = (json.loads(metrics[name]) for name in ("filesAdded", "filesRemoved"))
    if not removed["totalFiles"]:
        return None
    return Tidied(
        files=added["totalFiles"],
        size=added["totalSize"],
        removed_files=removed["totalFiles"],
        removed_size=removed["totalSize"],
    )


def vacuum(table: DeltaTable, where: str, *, keep: timedelta, leftovers: bool, if_due: bool) -> Tidied | None:
    """Remove files by delta-rs, after having said again what the log may soon forget; as `CanVacuum.vacuum` says."""
    if if_due and _vacuumed_since(table, datetime.now(UTC) - _DAY):
        return None
    with _failures(where, "saying again what flows have committed"):
        _say_again(table, where)
    keep = max(keep, _interval(table, "delta.deletedFileRetentionDuration", timedelta()))
    before = table.version()
    with _failures(where, "removing files"):
        _remove(table, keep, full=False)
        if leftovers:
            _remove(table, max(keep, _DAY), full=True)
    said = [entry["operationMetrics"] for entry in _newer(table, before) if entry["operation"] == "VACUUM START"]
    files, size = (sum(int(one[name]) for one in said) for name in ("numFilesToDelete", "sizeOfDataToDelete"))
    return Tidied(removed_files=files, removed_size=size) if files else None


def _remove(table: DeltaTable, keep: timedelta, *, full: bool) -> None:
    """Remove files that a commit took out of the table before `keep`; with `full` also files of no commit."""
    hours = math.ceil(keep / timedelta(hours=1))
    table.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=full)


def _newer(table: DeltaTable, version: int) -> list[dict[str, Any]]:
    """Return the entries of the log after a version."""
    return table.history(table.version() - version) if table.version() > version else []


def _many_small(table: DeltaTable) -> bool:
    """Whether any partition has many small files."""
    files = pl.DataFrame(table.get_add_actions(flatten=True))
    keys = [f"partition.{name}" for name in table.metadata().partition_columns]
    small = files.filter(pl.col("size_bytes") < SMALL)
    counts = small.group_by(keys).len() if keys else small.select(pl.len())
    return bool((counts["len"] >= MANY).any())


def _columns(table: DeltaTable, names: Sequence[str], where: str) -> list[str]:
    """Return columns as the table spells them.

    Raises:
        DestinationError: there is no such column, or rows can't be ordered by it.
    """
    keys = table.metadata().partition_columns
    possible = [field.name for field in table.schema().fields if field.name not in keys]
    found = spellings(dict.fromkeys(names, pl.Null()), possible)
    for name, column in found.items():
        if column not in possible:
            what = "partitions the table already" if column in keys else "is no column"
            message = f"{where}: can't order by {name!r}: it {what}. Columns: {listed(possible)}."
            message += did_you_mean(name, possible)
            raise DestinationError(message, {"column": name}).classed(ErrorClass.CONFIGURATION)
    return list(found.values())


def _vacuumed_since(table: DeltaTable, moment: datetime) -> bool:
    return any(entry.get("operation") == "VACUUM END" and _time(entry) > moment for entry in table.history(_LOOKED_AT))


def _say_again(table: DeltaTable, where: str) -> None:
    """Repeat the newest commit of each flow that is so old that the log may be cleaned of it.

    The log keeps a flow's number for ever (a `txn` action), but what was stored with it, the mark, for
    `delta.logRetentionDuration` only.
    """
    limit = datetime.now(UTC) - _interval(table, "delta.logRetentionDuration", _LOG_KEPT) / 2
    newest: dict[str, dict[str, Any]] = {}
    for entry in table.history():
        newest.setdefault(commits.said_in(entry).get(f"{tokens.PREFIX}dataflow_id", ""), entry)
    for dataflow_id, entry in newest.items():
        if dataflow_id and _time(entry) < limit:
            commit = commits.newest(table, dataflow_id, after=-1, where=where)
            if commit is not None:
                commits.repeat(table, commit)


def _time(entry: Mapping[str, object]) -> datetime:
    return datetime.fromtimestamp(int(str(entry["timestamp"])) / 1000, UTC)


def _interval(table: DeltaTable, name: str, default: timedelta) -> timedelta:
    """Return a table property such as `interval 30 days`."""
    found = _INTERVAL.fullmatch(table.metadata().configuration.get(name, "").strip())
    seconds = _SECONDS.get(found[2].lower()) if found else None
    return timedelta(seconds=int(found[1]) * seconds) if found and seconds else default


@contextmanager
def _failures(where: str, what: str) -> Iterator[None]:
    """Turn what delta-rs raises into typed errors."""
    try:
        yield
    except CommitFailedError as error:
        message = f"{where}: {what} met somebody else's commit: {failures.first_line(error)}"
        raise CommitConflictError(message, {"path": where}) from error
    except (DeltaError, OSError) as error:
        number = failures.os_number(error)
        if number is not None:
            raise failures.of_writing(number, where, 0) from error
        message = f"{where}: {what} failed: {failures.first_line(error)}"
        raise DestinationError(message, {"path": where}) from error
