"""Care for a Delta table: few large files, none that nobody needs, and a log that still says what flows committed."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import polars as pl
from deltalake import WriterProperties
from deltalake.exceptions import CommitFailedError, DeltaError

from datacoolie.core.exceptions import DestinationError
from datacoolie.engines import CommitConflictError, Tidied
from datacoolie.engines.care import (
    DAY,
    LOOKED_AT,
    MANY,
    SMALL,
    files_kept,
    forgettable,
    log_kept,
    order_columns,
    time_of,
)
from datacoolie_engine_polars import failures
from datacoolie_engine_polars.delta import commits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deltalake import DeltaTable


def optimize(
    table: DeltaTable, where: str, *, zorder_by: Sequence[str], compression: str, if_due: bool
) -> Tidied | None:
    """Join small files by delta-rs; as `CanOptimize.optimize` says."""
    if if_due and not _many_small(table):
        return None
    columns = order_columns(
        zorder_by, [field.name for field in table.schema().fields], table.metadata().partition_columns, where
    )
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
    if if_due and _vacuumed_since(table, datetime.now(UTC) - DAY):
        return None
    with _failures(where, "saying again what flows have committed"):
        _say_again(table, where)
    keep = max(keep, files_kept(table.metadata().configuration))
    before = table.version()
    with _failures(where, "removing files"):
        _remove(table, keep, full=False)
        if leftovers:
            _remove(table, max(keep, DAY), full=True)
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


def _vacuumed_since(table: DeltaTable, moment: datetime) -> bool:
    newest = table.history(LOOKED_AT)
    return any(one.get("operation") == "VACUUM END" and time_of(one["timestamp"]) > moment for one in newest)


def _say_again(table: DeltaTable, where: str) -> None:
    """Repeat the newest commit of each flow that is so old that the log may be cleaned of it."""
    limit = datetime.now(UTC) - log_kept(table.metadata().configuration) / 2
    entries = ((commits.said_in(entry), time_of(entry["timestamp"])) for entry in table.history())
    for old in list(forgettable(entries, limit)):
        commit = commits.newest(table, old.token.dataflow_id, after=-1, where=where)
        if commit is not None:
            commits.repeat(table, commit)


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
