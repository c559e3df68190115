"""The log of a Delta table: what commits say, found by `DESCRIBE HISTORY`, the same on every kind of session."""

from __future__ import annotations

import json
from itertools import takewhile
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError, EngineError, SourceError, TransformError
from datacoolie.engines import CommitConflictError, WriteResult, tokens
from datacoolie.sql import lit
from datacoolie_engine_spark.failures import translated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

    from datacoolie.engines import Commit
    from datacoolie_engine_spark.session import Sessions

    Entry: TypeAlias = Mapping[str, object]

_MISSING = {"DELTA_MISSING_DELTA_TABLE", "DELTA_PATH_DOES_NOT_EXIST", "TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND"}

_PAGES = (20, 200, 2_000, None)
"""How many of the newest entries are looked at, one after another."""

TABLE_ID = "tableId"
"""In an entry: the table's id, where the commit says it."""

_COMPUTING = ("delta.generationExpression", "delta.identity.", "CURRENT_DEFAULT")
"""How entries begin by which a table computes a column."""

_ATTEMPT = "attempt"
"""Beside the entries of a commit: what tells it from other attempts to commit the same."""


def texts(commit: Commit, stem: str) -> str:
    """Return what a commit says; `stem` tells the attempt from all others."""
    return json.dumps({**tokens.entries(commit), _ATTEMPT: stem}, ensure_ascii=False)


def said_in(entry: Entry) -> dict[str, str]:
    """Return what an entry says of a commit of ours."""
    return tokens.from_text(entry.get(tokens.USER_METADATA))


class Log:
    """The log of one table.

    Args:
        target: the table, as SQL names it.
        where: the table, for messages.
        sessions: where statements run.
    """

    def __init__(self, target: str, where: str, sessions: Sessions) -> None:
        """Remember the table."""
        self._target = target
        self._where = where
        self._sessions = sessions
        self._first_page: list[dict[str, object]] | None = None

    def detail(self) -> Mapping[str, object] | None:
        """Return what `DESCRIBE DETAIL` says of the table now; `None` when there is none.

        Raises:
            DestinationError: what is there can't be read as a Delta table.
        """
        try:
            with translated(target=self._where):
                found = self._sessions.current.sql(f"DESCRIBE DETAIL {self._target}").collect()[0].asDict()
        except (EngineError, SourceError, DestinationError, TransformError) as error:
            condition = error.details.get("condition")
            if condition in _MISSING:
                return None
            if condition is None:  # of Spark itself, not of the table
                raise
            message = f"{self._where}: this is no Delta table that can be read: {error.message}"
            raise DestinationError(message, {"path": self._where}) from error
        return found

    def entries(self, limit: int | None) -> list[dict[str, object]]:
        """Return the newest entries, newest first."""
        rows = f" LIMIT {limit}" if limit else ""
        with translated(target=self._where):
            found = self._sessions.current.sql(f"DESCRIBE HISTORY {self._target}{rows}").collect()
        return [row.asDict(recursive=True) for row in found]

    @property
    def version(self) -> int:
        """The newest version now."""
        return int(str(self.entries(1)[0]["version"]))

    @property
    def opened_at(self) -> int:
        """The newest version when it was first asked for."""
        return int(str(next(self._newest_first())["version"]))

    def newest(self, dataflow_id: str, *, after: int, path: str | None) -> Commit | None:
        """Return the newest commit of a dataflow when its `seq` is above `after`, else `None`.

        Raises:
            CommitForgottenError: a checkpoint has the token, but the log no longer says what was committed.
        """
        oldest: Entry | None = None
        for oldest in self._newest_first():
            said = said_in(oldest)
            if said.get(f"{tokens.PREFIX}dataflow_id") == dataflow_id:
                commit = tokens.commit_of(said)
                return commit if commit.token.seq > after else None
        if path is not None and (oldest is None or oldest["version"] != 0):
            seq = self._seq_in_checkpoints(path, dataflow_id)
            if seq is not None and seq > after:
                raise tokens.forgotten(dataflow_id, seq, self._where)
        return None

    def made(self, commit: Commit, stem: str, *, since: int) -> Entry | None:
        """Return the entry of an attempt to commit, made after version `since`; `None` when there is none."""
        wanted = {**tokens.named(commit.token.dataflow_id, commit.token.seq), _ATTEMPT: stem}
        return next((entry for entry in self._later(since) if wanted.items() <= said_in(entry).items()), None)

    def _later(self, since: int) -> Iterator[Entry]:
        """Yield the entries of all versions above one, as they are now."""
        self._first_page = None
        return takewhile(lambda entry: int(str(entry["version"])) > since, self._newest_first())

    def computed_columns(self, folder: str) -> list[str]:
        """Return the columns that the table computes: generated ones, identities, and those with a default.

        Spark's own schema does not say so.
        """
        reader = self._sessions.current.read.schema("metaData STRUCT<schemaString STRING>")
        newest = "max_by(metaData.schemaString, _metadata.file_name)"
        for format_, files in (("json", "*.json"), ("parquet", "*.checkpoint*.parquet")):
            with translated(target=self._where):
                found = reader.format(format_).option("pathGlobFilter", files).load(f"{folder}/_delta_log")
                ((text,),) = found.filter("metaData IS NOT NULL").selectExpr(newest).collect()
            if text is not None:
                return [field["name"] for field in json.loads(text)["fields"] if _computes(field["metadata"])]
        return []

    def _newest_first(self) -> Iterator[Entry]:
        looked_at = 0
        for limit in _PAGES:
            if looked_at == 0:
                found = self._first_page = self._first_page or self.entries(limit)
            else:
                found = self.entries(limit)
            yield from found[looked_at:]
            if limit is None or len(found) < limit:
                return
            looked_at = len(found)

    def _seq_in_checkpoints(self, path: str, dataflow_id: str) -> int | None:
        """Return the newest token of a dataflow, which the log keeps for ever, unlike what was committed with it."""
        session = self._sessions.current
        with translated(target=self._where):
            files = session.read.option("pathGlobFilter", "*.checkpoint*.parquet").parquet(f"{path}/_delta_log")
            own = files.filter(f"txn.appId = {lit(dataflow_id).sql()}")
            found = own.selectExpr("max(txn.version)").collect()[0][0]
        return None if found is None else int(found)


def _computes(metadata: Mapping[str, object]) -> bool:
    """Whether the table computes a column, by what its schema in the log says of it."""
    return any(name.startswith(_COMPUTING) for name in metadata)


def result_of(entry: Entry) -> WriteResult:
    """Return what a commit did, by its metrics."""
    metrics = metrics_of(entry)

    def number(name: str) -> int:
        return int(metrics.get(name, 0))

    version = str(entry["version"])
    if entry["operation"] == "MERGE":
        inserted, updated = number("numTargetRowsInserted"), number("numTargetRowsUpdated")
        return WriteResult(
            version=version,
            rows=inserted + updated,
            size=number("numTargetBytesAdded"),
            files=number("numTargetFilesAdded"),
            removed_files=number("numTargetFilesRemoved"),
            inserted=inserted,
            updated=updated,
            deleted=number("numTargetRowsDeleted"),
        )
    return WriteResult(
        version=version,
        rows=number("numOutputRows") - number("numCopiedRows"),
        size=number("numOutputBytes"),
        files=number("numFiles"),
        removed_files=number("numRemovedFiles"),
        identity=str(entry[TABLE_ID]) if entry.get(TABLE_ID) else None,
    )


def metrics_of(entry: Entry) -> Mapping[str, str]:
    """Return what an entry counts."""
    found = entry["operationMetrics"]
    return found if isinstance(found, dict) else {}


def skipped(where: str, commit: Commit) -> CommitConflictError:
    """Return the error for a statement that Delta did not run, for its token is in the table already."""
    token = commit.token
    message = f"{where}: load {token.seq} of dataflow {token.dataflow_id}, or a later one, was committed meanwhile"
    return CommitConflictError(message, {"path": where, "seq": token.seq})
