"""Commits into an Iceberg table: tokens and metadata of ours, and what a commit that failed means."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import TableProperties
from pyiceberg.table.snapshots import ancestors_of
from sqlalchemy.exc import DBAPIError, OperationalError

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.redaction import get_logger
from datacoolie.engines import CommitConflictError, UnknownOutcomeError, tokens
from datacoolie_engine_polars import failures
from datacoolie_engine_polars.iceberg.catalogs import FAILURES, renew, unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table, Transaction
    from pyiceberg.table.snapshots import Snapshot

    from datacoolie.engines import Commit, TableRef

_log = get_logger("datacoolie.engines.polars")

_RETRIES = 15
"""How often an append follows other writers."""

_PAUSE = 0.02
"""Seconds before an append follows for the first time; then more and more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one commit does to a table's data.

    Attributes:
        commit: token and metadata.
        added: the staged files.
        removed: files of the table that they take the place of.
    """

    commit: Commit
    added: Sequence[DataFile]
    removed: Sequence[DataFile] = ()


def newest(table: Table, dataflow_id: str, *, after: int, where: str) -> Commit | None:
    """Return the newest commit of a dataflow when its `seq` is above `after`, else `None`.

    Raises:
        DestinationError: the table has the token, but its snapshot is expired or rolled back.
    """
    for snapshot in ancestors_of(table.current_snapshot(), table.metadata):
        texts = entries(snapshot)
        if texts.get(f"{tokens.PREFIX}dataflow_id") == dataflow_id:
            commit = tokens.commit_of(texts)
            return commit if commit.token.seq > after else None
    # Engines that can't set it in the commit itself set this after it, so a snapshot knows better.
    seq = int(table.metadata.properties.get(tokens.SEQ_PROPERTY + dataflow_id, -1))
    if seq > after:
        raise tokens.forgotten(dataflow_id, seq, where)
    return None


def entries(snapshot: Snapshot) -> dict[str, str]:
    """Return what a snapshot's summary says."""
    return dict(snapshot.summary.additional_properties) if snapshot.summary else {}


def make(transaction: Transaction, change: Change, ref: TableRef) -> int:
    """Make one commit of a transaction, which may hold a change of the schema, and return the snapshot's id.

    Raises:
        CommitConflictError: somebody else's commit came first.
        DestinationError: the commit could not be made.
        UnknownOutcomeError: it can't be said whether the commit was made.
    """
    table = transaction._table  # noqa: SLF001 - there is no other way to the table
    # pyiceberg would follow other writers by itself, without looking whether their commits matter to this one.
    table.metadata.properties[TableProperties.COMMIT_NUM_RETRIES] = "0"
    renew(table, ref)
    token = change.commit.token
    try:
        transaction.set_properties({tokens.SEQ_PROPERTY + token.dataflow_id: str(token.seq)})
        update = transaction.update_snapshot(snapshot_properties=tokens.entries(change.commit))
        with update.overwrite() if change.removed else update.merge_append() as producer:
            for file in change.added:
                producer.append_data_file(file)
            for file in change.removed:
                producer.delete_data_file(file)
    except FAILURES as error:
        raise unreachable(ref, error) from error
    _finish(transaction, ref, producer.snapshot_id)
    return producer.snapshot_id


def follow(table: Table, change: Change, ref: TableRef) -> int:
    """Append after commits of others that can't matter to it, and return the snapshot's id; raises as `make`."""
    spec, schema = table.metadata.default_spec_id, table.metadata.current_schema_id
    for attempt in range(_RETRIES):
        try:
            return make(table.transaction(), change, ref)
        except CommitConflictError as error:
            known = table.metadata.properties.get(tokens.SEQ_PROPERTY + change.commit.token.dataflow_id)
            time.sleep(random.uniform(0, _PAUSE) * 2 ** min(attempt, 6))  # noqa: S311 - jitter needs no secrecy
            _refresh(table, ref, error)
            metadata = table.metadata
            if (metadata.default_spec_id, metadata.current_schema_id) != (spec, schema):
                raise
            if metadata.properties.get(tokens.SEQ_PROPERTY + change.commit.token.dataflow_id) != known:
                raise
    return make(table.transaction(), change, ref)


def _refresh(table: Table, ref: TableRef, error: CommitConflictError) -> None:
    try:
        table.refresh()
    except (NoSuchTableError, ValueError):
        raise error from error.__cause__
    except FAILURES as failure:
        raise unreachable(ref, failure) from failure


def _finish(transaction: Transaction, ref: TableRef, snapshot_id: int) -> None:
    try:
        transaction.commit_transaction()
    except (CommitFailedException, TableAlreadyExistsError, NoSuchTableError) as error:
        message = f"{ref}: somebody else's commit came first: {failures.first_line(error)}"
        raise CommitConflictError(message, {"table": ref.name}) from error
    except FAILURES as error:
        if not _is_in(transaction, ref, snapshot_id, error):
            raise _failed(error, ref) from error
        _log.warning("%s: the commit was made, but what follows it failed: %s", ref, failures.first_line(error))


def _is_in(transaction: Transaction, ref: TableRef, snapshot_id: int, error: Exception) -> bool:
    """Whether the table, as it is now, has a snapshot."""
    try:
        table = transaction._table.catalog.load_table(str(ref.name))  # noqa: SLF001 - as above
    except NoSuchTableError:
        return False
    except FAILURES:
        raise _unknown(error, ref) from error
    return table.snapshot_by_id(snapshot_id) is not None


def _failed(error: Exception, ref: TableRef) -> DestinationError:
    """Return what a commit that is not in the table means: the storage or the database refused, or it is on its way."""
    if isinstance(error, OperationalError) and not error.connection_invalidated:
        message = f"{ref}: the catalog {ref.catalog!r} refused the commit: {failures.first_line(error)}"
        return DestinationError(message, {"catalog": ref.catalog}).classed(ErrorClass.TRANSIENT)
    number = failures.os_number(error) if not isinstance(error, DBAPIError) else None
    return _unknown(error, ref) if number is None else failures.of_writing(number, str(ref), 0)


def _unknown(error: Exception, ref: TableRef) -> UnknownOutcomeError:
    message = f"{ref}: it is unknown whether the commit is in the table: {failures.first_line(error)}"
    return UnknownOutcomeError(message, {"table": ref.name})
