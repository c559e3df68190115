"""History per key: the timeline of a key is built anew from all its events, and what changed is merged.

A row of the table is a version. Its event is the row itself, at `__valid_from`; the events that repeated it are in
`__repeats`; an end that is not the beginning of the next version is the event of a delete. A delete that ends nothing
(there was no version, or it was over) is kept as an empty version, from a time to the same time. So the table says
which events it has seen, and the result is a function of the set of all events, in whatever order and batches they
came.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie.core.columns import CREATED_AT, DELETED, HISTORY_COLUMNS, REPEATS, SYSTEM_COLUMNS, VALID_FROM
from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import listed
from datacoolie.core.types import ArrayType, StructType
from datacoolie.destinations.scd2_timelines import OWN, Timelines
from datacoolie.engines import MergePlan, Rebuild
from datacoolie.sql import agg, call, cast, col, lit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.destinations.scd2_columns import HistoryColumns
    from datacoolie.engines import Commit, FrameOps, Observed, TableOps, WriteRequest, WriteResult
    from datacoolie.sql import Expr

Frame = TypeVar("Frame")

_WITHOUT_TIME = "scd2.without_time"


class History(Generic[Frame]):
    """The history that one load continues.

    Args:
        frames: the engine's operations.
        columns: which columns mean what.
        stamps: values of system columns in the rows that are written.
        where: the flow, for messages.
    """

    def __init__(
        self, frames: FrameOps[Frame], columns: HistoryColumns, stamps: Mapping[str, Expr], *, where: str
    ) -> None:
        """Remember all of it."""
        self._frames = frames
        self._columns = columns
        self._stamps = stamps
        self._where = where

    def load(self, table: TableOps[Frame], frame: Frame, request: WriteRequest[Frame]) -> WriteResult:
        """Merge what events make of the timelines of their keys.

        Raises:
            DestinationError: events have no time, or different ones of a key have the same; and as `TableOps.merge`.
        """
        columns, events = self._columns, self._events(frame)

        def decide(observed: Observed) -> Commit:
            if without_time := int(str(observed[_WITHOUT_TIME])):
                message = (
                    f"{self._where}: {without_time:,} rows have no effective time (scd2_effective_column), so nothing "
                    "says when they begin to hold. Fill it in, or leave these rows out with filter_expression"
                )
                raise DestinationError(message, {"rows": without_time})
            return request.decide(observed)

        without_time = {_WITHOUT_TIME: agg("count_if", call("isnull", col(VALID_FROM)))}
        events, timeless = self._frames.observed(events, without_time)
        plan = MergePlan(
            keys=(*columns.keys, VALID_FROM),
            keep=(CREATED_AT,),
            delete=DELETED,
            rebuild=Rebuild(
                make=partial(self._changes, request.renames), keys=None if columns.full_snapshot else columns.keys
            ),
        )
        observe = {**request.observe, **timeless}
        return table.merge(events, plan, replace(request, observe=observe, decide=decide))

    def _changes(self, renames: Mapping[str, str], batch: Frame, known: Frame | None) -> Frame:
        schema = self._frames.schema(batch)
        columns = self._columns.spelled(schema)
        return Timelines(self._frames, columns, schema, self._stamps, renames=renames).changes(batch, known)

    def _events(self, frame: Frame) -> Frame:
        """Return the events with all columns of a history, those that are not known yet null."""
        schema = self._frames.schema(frame)
        if taken := [name for name in schema if name.lower() in OWN]:
            message = f"{self._where}: columns of a history can't be called {listed(taken)}. Rename them"
            raise DestinationError(message, {"columns": taken}).classed(ErrorClass.CONFIGURATION)
        fields = [VALID_FROM, *self._columns.untracked(schema)]
        values: dict[str, Expr] = {name: col(name) for name in schema}
        values[REPEATS] = cast(lit(None), ArrayType(StructType(tuple((name, schema[name]) for name in fields))))
        values.setdefault(DELETED, lit(value=False))
        system = [name for name in SYSTEM_COLUMNS if name in values]
        order = [name for name in values if name not in {*HISTORY_COLUMNS, DELETED, *system}]
        return self._frames.select(frame, {name: values[name] for name in [*order, *HISTORY_COLUMNS, *system, DELETED]})
