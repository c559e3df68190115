"""Care for an Iceberg table: snapshots expire, and files that no snapshot needs are removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import TableProperties
from pyiceberg.table.snapshots import ancestors_of

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.engines import CommitConflictError, Tidied, tokens
from datacoolie_engine_polars.iceberg import commits, data_files
from datacoolie_engine_polars.iceberg.catalogs import FAILURES, unreachable

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from datacoolie.engines import TableRef

_DAY = timedelta(days=1)
_COLLECTED = "gc.enabled"


def vacuum(table: Table, ref: TableRef, *, keep: timedelta, leftovers: bool, if_due: bool) -> Tidied | None:
    """Expire snapshots, after having said again what flows have committed in them; as `CanVacuum.vacuum` says."""
    _refuse_borrowed_files(table, ref)
    now = datetime.now(UTC)
    limit = now - keep
    if if_due and not any(_time(snapshot.timestamp_ms) < limit - _DAY for snapshot in table.snapshots()):
        return None
    try:
        _say_again(table, ref, limit)
        removed = _expire(table, limit)
        if leftovers:
            removed |= _remove_leftovers(table, ref, now - _DAY)
    except CommitFailedException as error:
        message = f"{ref}: expiring snapshots met somebody else's commit"
        raise CommitConflictError(message, {"table": ref.name}) from error
    except FAILURES as error:
        raise unreachable(ref, error) from error
    return Tidied(removed_files=len(removed), removed_size=sum(removed.values())) if removed else None


def _refuse_borrowed_files(table: Table, ref: TableRef) -> None:
    """Refuse a table whose files may belong to another one.

    Raises:
        DestinationError: its properties say so.
    """
    if table.metadata.properties.get(_COLLECTED, "true").lower() == "false":
        message = f"{ref}: {_COLLECTED} is false: files of the table may belong to another one, so none can be removed"
        raise DestinationError(message, {"table": ref.name}).classed(ErrorClass.CONFIGURATION)


def _say_again(table: Table, ref: TableRef, limit: datetime) -> None:
    """Repeat the newest commit of each flow whose snapshot is about to expire, in a snapshot that changes nothing."""
    newest: dict[str, int] = {}
    for snapshot in ancestors_of(table.current_snapshot(), table.metadata):
        newest.setdefault(commits.entries(snapshot).get(f"{tokens.PREFIX}dataflow_id", ""), snapshot.timestamp_ms)
    for dataflow_id, timestamp in newest.items():
        if dataflow_id and _time(timestamp) < limit:
            commit = commits.newest(table, dataflow_id, after=-1, where=str(ref))
            if commit is not None:
                commits.make(table.transaction(), commits.Change(commit=commit, added=()), ref)
                table.refresh()


def _expire(table: Table, limit: datetime) -> dict[str, int]:
    """Expire snapshots and remove the files that they alone needed; return these with their sizes."""
    kept = {reference.snapshot_id for reference in table.metadata.refs.values()}
    old = [one.snapshot_id for one in table.snapshots() if _time(one.timestamp_ms) < limit]
    expired = [snapshot_id for snapshot_id in old if snapshot_id not in kept]
    if not expired:
        return {}
    before = _files(table)
    table.maintenance.expire_snapshots().by_ids(expired).commit()
    table.refresh()
    after = _files(table)
    removed = {location: size for location, size in before.items() if location not in after}
    for location in removed:
        table.io.delete(location)
    return removed


def _files(table: Table) -> dict[str, int]:
    """Return all files that snapshots need, with their sizes."""
    found: dict[str, int] = {}
    for snapshot in table.snapshots():
        found[snapshot.manifest_list] = 0
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path not in found:
                found[manifest.manifest_path] = manifest.manifest_length
                for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                    found[entry.data_file.file_path] = entry.data_file.file_size_in_bytes
    return found


def _remove_leftovers(table: Table, ref: TableRef, limit: datetime) -> dict[str, int]:
    """Remove data files of ours that no snapshot has and that nobody wrote to since `limit`.

    A folder that the table's properties name may be that of other tables too.
    """
    if TableProperties.WRITE_DATA_PATH in table.metadata.properties:
        return {}
    platform = ref.storage.platform
    folder = data_files.path_of(data_files.location_of(table.metadata), ref.storage, str(ref))
    needed = {location.rpartition("/")[2] for location in _files(table)}
    old = {file.path[len(folder) + 1 :]: file for file in platform.list(folder) if file.modified < limit}
    ours = {name: file for name, file in old.items() if name.startswith(data_files.STEM) and "/" not in name}
    removed = {file.path: file.size for name, file in ours.items() if name not in needed}
    platform.delete_files(removed)
    return removed


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
