"""Commits in Delta's log: tokens and metadata of ours, and what a commit that failed means."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from deltalake import CommitProperties, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction

from datacoolie.core.exceptions import DestinationError
from datacoolie.engines import Commit, CommitConflictError, Token, UnknownOutcomeError
from datacoolie_engine_polars import failures
from datacoolie_engine_polars.delta import statistics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deltalake import DeltaTable

    from datacoolie_engine_polars.staging import StagedData

PREFIX = "datacoolie."
"""How the names of our entries in a commit's metadata begin."""

_TOKEN = {"dataflow_id", "epoch", "seq"}
_PAGE = 100


def properties(commit: Commit, *, retries: int) -> CommitProperties:
    """Return what makes a commit carry its token, as `txn` action, and its metadata.

    Args:
        commit: token and metadata.
        retries: how often the commit may follow other writers.
    """
    token = commit.token
    entries = {"dataflow_id": token.dataflow_id, "epoch": str(token.epoch), "seq": str(token.seq), **commit.metadata}
    return CommitProperties(
        custom_metadata={PREFIX + name: text for name, text in entries.items()},
        max_commit_retries=retries,
        app_transactions=[Transaction(token.dataflow_id, token.seq)],
    )


def newest(table: DeltaTable, dataflow_id: str, *, after: int, where: str) -> Commit | None:
    """Return the newest commit of a dataflow when its `seq` is above `after`, else `None`.

    Raises:
        DestinationError: the log has the token, but no longer the commit's metadata.
    """
    seq = table.transaction_version(dataflow_id)
    if seq is None or seq <= after:
        return None
    wanted = {PREFIX + "dataflow_id": dataflow_id, PREFIX + "seq": str(seq)}
    looked_at, limit = 0, _PAGE
    while len(entries := table.history(limit)) > looked_at:
        for entry in entries[looked_at:]:
            if wanted.items() <= entry.items():
                return _commit_of(entry, dataflow_id, seq)
        looked_at, limit = len(entries), limit * 10
    message = (
        f"{where}: commit {seq} of dataflow {dataflow_id} is in the table, but the log no longer says up to where it "
        "loaded. Reset the state of this flow with the mark from which to go on, or load the table anew"
    )
    raise DestinationError(message, {"path": where, "seq": seq})


def _commit_of(entry: Mapping[str, object], dataflow_id: str, seq: int) -> Commit:
    metadata = {name.removeprefix(PREFIX): str(text) for name, text in entry.items() if name.startswith(PREFIX)}
    token = Token(seq=seq, epoch=int(metadata["epoch"]), dataflow_id=dataflow_id)
    return Commit(token=token, metadata={name: text for name, text in metadata.items() if name not in _TOKEN})


def adds(staged: StagedData) -> list[AddAction]:
    """Return the actions that show staged files, with statistics."""
    now = int(time.time() * 1000)
    return [
        AddAction(
            path=file.relative,
            size=file.size,
            partition_values=staged.values[file.relative],
            modification_time=now,
            data_change=True,
            stats=statistics.of_file(file.path),
        )
        for file in staged.staged.files
    ]


def failed(error: DeltaError | OSError, path: str) -> DestinationError:
    """Return what a commit that failed means: somebody else was first, the storage refused, or nobody knows."""
    text, details = failures.first_line(error), {"path": path}
    if isinstance(error, CommitFailedError) or "already exists" in text:
        return CommitConflictError(f"{path}: somebody else's commit came first: {text}", details)
    number = failures.os_number(error)
    if number is not None:
        return failures.of_writing(number, path, 0)
    return UnknownOutcomeError(f"{path}: it is unknown whether the commit is in the table: {text}", details)
