"""Care for an Iceberg table: snapshots expire, and files that no snapshot needs are removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.engines import Tidied
from datacoolie.engines.care import DAY, forgettable, time_of
from datacoolie.sql import lit
from datacoolie_engine_spark.columns import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from datacoolie.engines import Commit, TableRef
    from datacoolie_engine_spark.iceberg.metadata import Metadata

_COLLECTED = "gc.enabled"
_LEAST = timedelta(days=1)
"""How long nobody must have written to a file of no snapshot before it is removed."""


def vacuum(  # noqa: PLR0913 - the table in its parts
    session: SparkSession,
    ref: TableRef,
    known: Metadata,
    say: Callable[[Commit], None],
    *,
    keep: timedelta,
    leftovers: bool,
    if_due: bool,
) -> Tidied | None:
    """Expire snapshots, after having said again what flows have committed in them; as `CanVacuum.vacuum` says.

    Args:
        session: where statements run.
        ref: the table.
        known: its metadata.
        say: says a commit again.
        keep: as for `CanVacuum.vacuum`.
        leftovers: as for `CanVacuum.vacuum`.
        if_due: as for `CanVacuum.vacuum`.

    Raises:
        DestinationError: files of the table may be those of another one.
    """
    if known.properties.get(_COLLECTED, "true").lower() == "false":
        message = f"{ref}: {_COLLECTED} is false: files of the table may belong to another one, so none can be removed"
        raise DestinationError(message, {"table": ref.name}).classed(ErrorClass.CONFIGURATION)
    now = datetime.now(UTC)
    limit = now - keep
    snapshots = list(known.ancestors())
    if if_due and not any(time_of(one["timestamp-ms"]) < limit - DAY for one in snapshots):
        return None
    for commit in list(forgettable(((one["summary"], time_of(one["timestamp-ms"])) for one in snapshots), limit)):
        say(commit)
    removed = _removed_by(session, ref, "expire_snapshots", limit, "retain_last => 1")
    files = sum(int(str(value)) for name, value in removed[0].items() if name.endswith("_count")) if removed else 0
    if leftovers:
        files += len(_removed_by(session, ref, "remove_orphan_files", now - _LEAST))
    return Tidied(removed_files=files) if files else None


def _removed_by(
    session: SparkSession, ref: TableRef, procedure: str, before: datetime, *more: str
) -> list[dict[str, object]]:
    table, moment = lit(str(ref.name)).sql(), lit(before).sql()
    arguments = ", ".join([f"table => {table}", f"older_than => {moment}", *more])
    found = session.sql(f"CALL {quoted(ref.catalog)}.system.{procedure}({arguments})").collect()
    return [row.asDict() for row in found]
