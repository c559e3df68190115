"""Tables of any format: a batch is compared with the table, staged in one pass, then shown by one commit."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import polars as pl

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.redaction import get_logger
from datacoolie.core.suggest import listed
from datacoolie.engines import Observation, TableOps, WriteResult
from datacoolie.engines.merging import resolved
from datacoolie.sql import count
from datacoolie_engine_polars import copy_on_write
from datacoolie_engine_polars.schemas import conform, stored_frame

if TYPE_CHECKING:
    from datacoolie.engines import Commit, MergePlan, Observed, WriteRequest
    from datacoolie.sql import Expr
    from datacoolie_engine_polars.copy_on_write import DataFiles, Rewrite
    from datacoolie_engine_polars.evolution import SchemaChange
    from datacoolie_engine_polars.staging import StagedData, Stager

_log = get_logger("datacoolie.engines.polars")

Operation: TypeAlias = Literal["append", "replace", "rewrite"]
"""What a commit does: it adds rows, replaces all of them, or replaces some files."""

_ROWS = "__datacoolie_rows"

_TAKEN = re.compile(r"\*|\^.*\$|__datacoolie_.*", re.DOTALL)


class StagedTable(TableOps[pl.LazyFrame]):
    """One table of one format. The format says how staged files are committed; what they hold is the same for all.

    Args:
        where: the table, for messages.
        stager: writes files.
    """

    def __init__(self, where: str, stager: Stager) -> None:
        """Remember the table; it is opened when it is first asked for."""
        self._where = where
        self._stager = stager

    @abstractmethod
    def _check_writable(self, operation: Operation) -> None:
        """Refuse an existing table that has something that a staged commit of this kind would break.

        Raises:
            DestinationError: naming it.
        """

    @abstractmethod
    def _compare(self, schema: pl.Schema, request: WriteRequest[pl.LazyFrame]) -> SchemaChange:
        """Compare a batch's columns with the table's.

        Raises:
            DestinationError: a type doesn't fit, or the policy forbids the change.
        """

    @abstractmethod
    def _data_files(self, change: SchemaChange) -> DataFiles:
        """Return the table's data files, read in the columns that it gets."""

    @abstractmethod
    def _create(self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame]) -> tuple[StagedData, str, str]:
        """Make the table with these rows, unless somebody else does it first; return its id and version."""

    @abstractmethod
    def _add(
        self, frame: pl.LazyFrame, change: SchemaChange, request: WriteRequest[pl.LazyFrame]
    ) -> tuple[StagedData, str]:
        """Stage and commit rows beside those that are there; return the table's version."""

    @abstractmethod
    def _replace_all(
        self, frame: pl.LazyFrame, change: SchemaChange, request: WriteRequest[pl.LazyFrame]
    ) -> tuple[StagedData, str, int]:
        """Stage and commit rows as the whole of the table; return its version, and how many files went."""

    @abstractmethod
    def _rewrite(
        self, rewrite: Rewrite, change: SchemaChange, request: WriteRequest[pl.LazyFrame]
    ) -> tuple[StagedData, str]:
        """Stage what takes the place of files, and commit both in one; return the table's version."""

    def _prepared(
        self,
        frame: pl.LazyFrame,
        schema: pl.Schema,
        request: WriteRequest[pl.LazyFrame],  # noqa: ARG002 - formats need it
    ) -> tuple[pl.LazyFrame, pl.Schema]:
        """Bring a batch to what the format can hold."""
        return frame, schema

    def append(self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame]) -> WriteResult:
        """Add the rows; where types have to widen, the table's own are written again in the same commit."""
        if not self.exists:
            return self._first(frame, request)
        self._check_writable("append")
        frame, change = self._conformed(frame, request)
        if change.rewrites:
            self._check_writable("replace")
            data = self._data_files(change)
            return self._rewrite_counting(change, data, copy_on_write.added(data, frame), frame, request)
        staged, version = self._add(frame, change, request)
        return _result(staged, version, change, rows=staged.rows)

    def overwrite(
        self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame], *, where: Expr | None = None
    ) -> WriteResult:
        """Replace all rows, and the schema where the policy lets it change."""
        if not self.exists:
            return self._first(frame, request)
        self._check_writable("replace" if where is None else "rewrite")
        frame, change = self._conformed(frame, request)
        if where is not None:
            data = self._data_files(change)
            return self._rewrite_counting(
                change, data, copy_on_write.replaced_where(data, frame, where), frame, request
            )
        staged, version, removed = self._replace_all(frame, change, request)
        return _result(staged, version, change, rows=staged.rows, removed=removed)

    def merge(
        self, frame: pl.LazyFrame, plan: MergePlan[pl.LazyFrame], request: WriteRequest[pl.LazyFrame]
    ) -> WriteResult:
        """Rewrite the files that hold a touched row, and add the rows that are new.

        The batch is held in memory, the table is not.

        Raises:
            DestinationError: a key is no column, or is in the batch twice; and as `TableOps` says.
        """
        frame, schema = self._prepared(*self._stored(frame), request)
        plan = resolved(plan, schema.names(), self._where)
        if not self.exists:
            batch, decided = self._collect(frame, request)
            batch = copy_on_write.first(batch, plan, self._evaluate, self._where)
            made = self._first(batch.lazy(), decided)
            return replace(made, inserted=made.rows, updated=0, deleted=0)
        self._check_writable("rewrite")
        own = pl.Schema({name: kind for name, kind in schema.items() if name != plan.delete})
        change = self._compare(own, request)
        frame, schema = change.spelled(frame, schema, whole=plan.rebuild is not None, extra=plan.delete)
        plan = resolved(plan, schema.names(), self._where)
        batch, decided = self._collect(frame, request)
        data = self._data_files(change)
        rewrite = self._with_widened(change, data, copy_on_write.merged(data, batch, plan, self._where))
        del batch  # what a rebuild made of it is in the rewrite: both would be in memory while files are written
        staged, version = self._rewrite(rewrite, change, decided)
        result = _result(staged, version, change, rows=rewrite.rows, removed=rewrite.replaced.height)
        return replace(result, inserted=rewrite.inserted, updated=rewrite.updated, deleted=rewrite.deleted)

    def _stored(self, frame: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.Schema]:
        """Return a batch in the types that are stored, with its schema.

        Raises:
            DestinationError: a column is called as Polars calls several, or as a column of ours.
        """
        frame, schema = stored_frame(frame)
        if taken := [name for name in schema if _TAKEN.fullmatch(name)]:
            message = f"{self._where}: columns can't be called {listed(map(repr, taken))}. Rename them (rename_columns)"
            raise DestinationError(message, {"columns": taken}).classed(ErrorClass.CONFIGURATION)
        return frame, schema

    def _first(self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame]) -> WriteResult:
        frame, _ = self._prepared(*self._stored(frame), request)
        staged, identity, version = self._create(frame, request)
        return replace(_result(staged, version, None, rows=staged.rows), identity=identity)

    def _conformed(self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame]) -> tuple[pl.LazyFrame, SchemaChange]:
        frame, schema = self._prepared(*self._stored(frame), request)
        change = self._compare(schema, request)
        return conform(frame, schema, change.schema), change

    def _rewrite_counting(
        self,
        change: SchemaChange,
        data: DataFiles,
        rewrite: Rewrite,
        frame: pl.LazyFrame,
        request: WriteRequest[pl.LazyFrame],
    ) -> WriteResult:
        """Make a rewrite whose rows of the batch, `frame`, are not counted yet."""
        rows = 0

        def decide(observed: Observed) -> Commit:
            nonlocal rows
            rows = int(str(observed[_ROWS]))
            return request.decide({name: value for name, value in observed.items() if name != _ROWS})

        rewrite = self._with_widened(change, data, rewrite)
        observe = {**request.observe, _ROWS: Observation(frame=frame, aggregate=count())}
        staged, version = self._rewrite(rewrite, change, replace(request, observe=observe, decide=decide))
        return _result(staged, version, change, rows=rows, removed=rewrite.replaced.height)

    def _with_widened(self, change: SchemaChange, data: DataFiles, rewrite: Rewrite) -> Rewrite:
        """Return the rewrite, of all files where types widen."""
        if not change.rewrites:
            return rewrite
        _log.warning("%s: %s; all rows of the table are written again", self._where, "; ".join(change.said()))
        return copy_on_write.of_all(data, rewrite)

    def _collect(
        self, frame: pl.LazyFrame, request: WriteRequest[pl.LazyFrame]
    ) -> tuple[pl.DataFrame, WriteRequest[pl.LazyFrame]]:
        """Evaluate a batch into memory; the request that is returned knows what was observed on the way."""
        batch, observed = self._stager.collect(frame, request.observe, self._where)
        return batch, replace(request, observe={}, decide=lambda _: request.decide(observed))

    def _evaluate(self, frame: pl.LazyFrame, *, streaming: bool = True) -> pl.DataFrame:
        return self._stager.collect(frame, {}, self._where, streaming=streaming)[0]


def _result(
    staged: StagedData, version: str, change: SchemaChange | None, *, rows: int, removed: int = 0
) -> WriteResult:
    return WriteResult(
        version=version,
        rows=rows,
        size=staged.size,
        files=len(staged.files),
        removed_files=removed,
        schema_changes=change.said() if change else (),
    )
