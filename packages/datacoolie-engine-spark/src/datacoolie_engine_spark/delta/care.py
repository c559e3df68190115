"""Care for a Delta table: few large files, none that nobody needs, and a log that still says what flows committed."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from datacoolie.engines import Tidied
from datacoolie.engines.care import DAY, LOOKED_AT, MANY, SMALL, files_kept, forgettable, log_kept
from datacoolie_engine_spark.columns import quoted
from datacoolie_engine_spark.delta.log import metrics_of, said_in
from datacoolie_engine_spark.tables import set_while

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import SparkSession

    from datacoolie.engines import Commit
    from datacoolie_engine_spark.delta.log import Log

_VACUUM = {
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    "spark.databricks.delta.vacuum.logging.enabled": "true",
    # Without this the hours that are named count for nothing, only the table's property does.
    "spark.databricks.delta.vacuum.retentionWindowIgnore.enabled": "false",
    # So many tasks list folders, 10,000 unless this is said.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "32",
}


def many_small(detail: Mapping[str, object]) -> bool:
    """Whether a table, as it says of itself, has many files that are small on average."""
    files, size = int(str(detail["numFiles"])), int(str(detail["sizeInBytes"]))
    return files >= MANY and size / files < SMALL


def optimize(session: SparkSession, target: str, columns: Sequence[str]) -> Tidied | None:
    """Join small files, or order all rows by columns."""
    order = f" ZORDER BY ({', '.join(map(quoted, columns))})" if columns else ""
    metrics = session.sql(f"OPTIMIZE {target}{order}").collect()[0]["metrics"]
    if not metrics["numFilesRemoved"]:
        return None
    return Tidied(
        files=metrics["numFilesAdded"],
        size=metrics["filesAdded"]["totalSize"],
        removed_files=metrics["numFilesRemoved"],
        removed_size=metrics["filesRemoved"]["totalSize"],
    )


def vacuum(  # noqa: PLR0913 - the table in its parts
    session: SparkSession,
    target: str,
    log: Log,
    properties: Mapping[str, str],
    say: Callable[[Commit], None],
    *,
    keep: timedelta,
    leftovers: bool,
    if_due: bool,
) -> Tidied | None:
    """Remove files, after having said again what the log may soon forget; as `CanVacuum.vacuum` says.

    Args:
        session: where statements run.
        target: the table, as SQL names it.
        log: its log.
        properties: its properties.
        say: says a commit again.
        keep: as for `CanVacuum.vacuum`.
        leftovers: as for `CanVacuum.vacuum`.
        if_due: as for `CanVacuum.vacuum`.
    """
    now = datetime.now(UTC)
    if if_due and any(one["operation"] == "VACUUM END" and _time(one) > now - DAY for one in log.entries(LOOKED_AT)):
        return None
    entries = [(said_in(one), _time(one)) for one in log.entries(None)]
    for commit in forgettable(entries, now - log_kept(properties) / 2):
        say(commit)
    keep = max(keep, files_kept(properties))
    before = log.version
    with set_while(session, _VACUUM):
        session.sql(f"VACUUM {target} LITE RETAIN {_hours(keep)} HOURS").collect()
        if leftovers:
            session.sql(f"VACUUM {target} RETAIN {_hours(max(keep, DAY))} HOURS").collect()
    newer = log.entries(log.version - before) if log.version > before else []
    said = [metrics_of(one) for one in newer if one["operation"] == "VACUUM START"]
    files, size = (sum(int(one[name]) for one in said) for name in ("numFilesToDelete", "sizeOfDataToDelete"))
    return Tidied(removed_files=files, removed_size=size) if files else None


def _hours(keep: timedelta) -> int:
    return math.ceil(keep / timedelta(hours=1))


def _time(entry: Mapping[str, object]) -> datetime:
    # A time without zone, in that of this process.
    return cast("datetime", entry["timestamp"]).astimezone(UTC)
