"""Commits in Delta's log: tokens and metadata of ours, and what a commit that failed means."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, create_table_with_add_actions

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.redaction import get_logger
from datacoolie.engines import CommitConflictError, UnknownOutcomeError, tokens
from datacoolie_engine_polars import failures
from datacoolie_engine_polars.delta import statistics
from datacoolie_engine_polars.durability import force_to_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deltalake import Schema as DeltaSchema
    from deltalake.transaction import RemoveAction

    from datacoolie.engines import Commit
    from datacoolie_engine_polars.staging import StagedData

    Actions: TypeAlias = Sequence[AddAction | RemoveAction]

Kind: TypeAlias = Literal["add", "rewrite", "replace"]
"""Whether a commit only adds rows, replaces some (or none), or the whole of the table."""

_log = get_logger("datacoolie.engines.polars")

_PAGE = 100
_RETRIES = 15
"""How often an append follows other writers."""


def properties(commit: Commit, *, retries: int) -> CommitProperties:
    """Return what makes a commit carry its token, as `txn` action, and its metadata.

    Args:
        commit: token and metadata.
        retries: how often the commit may follow other writers.
    """
    token = commit.token
    return CommitProperties(
        custom_metadata={tokens.USER_METADATA: tokens.to_text(commit)},
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
    wanted = tokens.named(dataflow_id, seq)
    looked_at, limit = 0, _PAGE
    while len(entries := table.history(limit)) > looked_at:
        for entry in entries[looked_at:]:
            said = said_in(entry)
            if wanted.items() <= said.items():
                return tokens.commit_of(said)
        looked_at, limit = len(entries), limit * 10
    raise tokens.forgotten(dataflow_id, seq, where)


def said_in(entry: Mapping[str, object]) -> dict[str, str]:
    """Return what an entry of the log says of a commit of ours."""
    return tokens.from_text(entry.get(tokens.USER_METADATA))


def adds(staged: StagedData) -> list[AddAction]:
    """Return the actions that show staged files, with statistics; when they can't be had the files are removed."""
    now = int(time.time() * 1000)
    with staged.withdrawn_on_failure():
        footers = staged.access.footers(file.path for file in staged.files)
    return [
        AddAction(
            path=file.relative,
            size=file.size,
            partition_values=staged.values[file.relative],
            modification_time=now,
            data_change=True,
            stats=statistics.of_footer(footer),
        )
        for file, footer in zip(staged.files, footers, strict=True)
    ]


def make(table: DeltaTable, actions: Actions, commit: Commit, *, kind: Kind, schema: DeltaSchema) -> int:
    """Make one commit through the handle that read the table, and return its version.

    What only adds rows follows commits of others; anything else has to be the very next version.

    Raises:
        deltalake.exceptions.DeltaError, OSError: the commit failed, or what follows a commit did.
    """
    mode: Literal["append", "overwrite"] = "overwrite" if kind == "replace" else "append"
    keys = table.metadata().partition_columns
    try:
        table.create_write_transaction(
            list(actions), mode, schema, keys, commit_properties=properties(commit, retries=0)
        )
    except CommitFailedError:
        if kind != "add":
            raise
    else:
        return table.version() + 1
    table.create_write_transaction(
        list(actions), mode, schema, keys, commit_properties=properties(commit, retries=_RETRIES)
    )
    before = table.version()
    table.update_incremental()
    wanted = tokens.named(commit.token.dataflow_id, commit.token.seq)
    return next(
        int(str(entry["version"]))
        for entry in table.history(table.version() - before)
        if wanted.items() <= said_in(entry).items()
    )


def repeat(table: DeltaTable, commit: Commit) -> None:
    """Say again what a commit said, in a commit that changes nothing; leave it when somebody else commits first.

    Raises:
        deltalake.exceptions.DeltaError, OSError: the commit failed.
    """
    keys = table.metadata().partition_columns
    with suppress(CommitFailedError):
        table.create_write_transaction(
            [], "append", table.schema(), keys, commit_properties=properties(commit, retries=0)
        )
    table.update_incremental()


def make_first(
    staged: StagedData, actions: list[AddAction], commit: Commit, *, partition_by: Sequence[str], schema: DeltaSchema
) -> int:
    """Make a table by its first commit, unless there is one by now; return the version, 0.

    Raises:
        deltalake.exceptions.DeltaError, OSError: the commit failed, or what follows a commit did.
    """
    create_table_with_add_actions(
        staged.folder,
        schema,
        actions,
        mode="error",
        partition_by=list(partition_by),
        storage_options=staged.access.options,
        commit_properties=properties(commit, retries=0),
    )
    return 0


def made_id(staged: StagedData) -> str:
    """Return the id of the table whose first commit was just made; opening a local one for that would take longer.

    Raises:
        UnknownOutcomeError: the commit can't be read again.
    """
    try:
        if "://" in staged.folder:
            return str(DeltaTable(staged.folder, storage_options=staged.access.options).metadata().id)
        actions = map(json.loads, Path(staged.folder, "_delta_log", f"{0:020}.json").read_bytes().splitlines())
        return next(str(action["metaData"]["id"]) for action in actions if "metaData" in action)
    except (DeltaError, OSError) as error:
        raise _unknown(staged.folder, error) from error


def guarded(act: Callable[[], int], staged: StagedData) -> int | None:
    """Make a commit and return its version; settle one that failed: remove the files, unless the table refers to them.

    An interrupt in the middle removes nothing, since the commit may have been made. `None` stands for a commit that was
    made although it failed, because of what follows it (a checkpoint).

    Raises:
        CommitConflictError: somebody else's commit came first; the files are removed.
        DestinationError: the storage refused the commit; the files are removed.
        UnknownOutcomeError: it can't be said whether the commit was made; the files stay.
    """
    path = staged.folder
    try:
        version = act()
        force_to_disk([f"{path}/_delta_log/{version:020}.json"])
    except (DeltaError, OSError) as error:
        try:
            made = _refers_to(staged)
        except (DeltaError, OSError):
            raise _unknown(path, error) from error
        if made:
            _log.warning("%s: the commit was made, but what follows it failed: %s", path, failures.first_line(error))
            return None
        staged.remove()
        raise failed(error, path) from error
    return version


def _refers_to(staged: StagedData) -> bool:
    """Whether the table, as it is now, has any of the staged files."""
    try:
        table = DeltaTable(staged.folder, storage_options=staged.access.options)
    except TableNotFoundError:
        return False
    names = {file.relative for file in staged.files}
    return any(unquote(path) in names for path in pl.DataFrame(table.get_add_actions(flatten=True))["path"])


def failed(error: DeltaError | OSError, path: str) -> DestinationError:
    """Return what a commit that failed means: somebody else was first, the storage refused, or nobody knows."""
    text, details = failures.first_line(error), {"path": path}
    if isinstance(error, CommitFailedError) or "already exists" in text:
        return CommitConflictError(f"{path}: somebody else's commit came first: {text}", details)
    refused = failures.of_store(error)
    if refused is not None and refused.error_class is ErrorClass.CONFIGURATION:
        return DestinationError(f"{path}: {refused.message}", details).classed(refused.error_class)
    number = failures.os_number(error)
    return _unknown(path, error) if number is None else failures.of_writing(number, path, 0)


def _unknown(path: str, error: DeltaError | OSError) -> UnknownOutcomeError:
    message = f"{path}: it is unknown whether the commit is in the table: {failures.first_line(error)}"
    return UnknownOutcomeError(message, {"path": path})
