"""Timelines: the versions of keys, made of all their events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from datacoolie.core.columns import DELETED, IS_CURRENT, REPEATS, SYSTEM_COLUMNS, VALID_FROM, VALID_TO
from datacoolie.core.types import ArrayType, StructType
from datacoolie.destinations.scd2_columns import spelled_as
from datacoolie.engines import WindowFunction
from datacoolie.sql import agg, and_, call, case, cast, col, lit, not_, or_
from datacoolie.sql.coercion import ATOMIC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.types import DataType, Schema
    from datacoolie.destinations.scd2_columns import HistoryColumns
    from datacoolie.engines import FrameOps
    from datacoolie.sql import Expr

Frame = TypeVar("Frame")

_ROW, _ENDED, _REPEATED = "__is_row", "__ended", "__repeated"
"""Of an event that is a row of the table: that it is one, and what its `__valid_to` and `__repeats` were."""

_TOGETHER, _LATEST = "__at_one_time", "__equally_late"
"""Whether the event after is of the same time, and as large by the columns that tell which is newer."""

_SAME_KIND, _SAME_VALUES = "__same_kind", "__same_values"
_EQUAL = and_(col(_SAME_KIND), or_(col(DELETED), col(_SAME_VALUES)))
"""Whether an event and its neighbour say the same: both are deletes, or the tracked columns are equal."""

_CLASHES, _CLASHED = "__clashes", "__clashed"
"""Whether an event, or the one before, says something else than another of the same time."""

_NEXT = "__next"
_FOLLOWS, _CHANGES, _RUN = "__follows", "__changes", "__run"
"""Whether a key has an event before this one, whether this one says something else, the number of its run."""

_ENDS_NOTHING = "__ends_nothing"
_IS_ROW = or_(and_(col(_CHANGES), not_(col(DELETED))), col(_ENDS_NOTHING))
"""Which events are rows: those that begin a version, and deletes that end none."""

_ROWS, _ROWS_BEFORE, _IN_TABLE = "__rows", "__rows_before", "__in_table"
"""How many rows of the table there are for a key up to an event, and whether one is of the event's time."""

OWN = {
    *(_ROW, _ENDED, _REPEATED, _TOGETHER, _LATEST, _SAME_KIND, _SAME_VALUES, _CLASHES, _CLASHED, _NEXT),
    *(_FOLLOWS, _CHANGES, _RUN, _ENDS_NOTHING, _ROWS, _ROWS_BEFORE, _IN_TABLE),
}
"""Columns that exist while timelines are built."""


class Timelines(Generic[Frame]):
    """The timelines of the keys of one batch.

    Args:
        frames: the engine's operations.
        columns: which columns mean what, as the schema spells them.
        schema: columns of the table, and `__deleted`.
        stamps: values of system columns in the rows that are written.
        renames: columns of the frame by the name that earlier loads may have given them.
    """

    def __init__(
        self,
        frames: FrameOps[Frame],
        columns: HistoryColumns,
        schema: Schema,
        stamps: Mapping[str, Expr],
        *,
        renames: Mapping[str, str],
    ) -> None:
        """Find the columns that matter; nothing is evaluated yet."""
        self.frames = frames
        self.renames = renames
        self.columns = columns
        self.schema = schema
        self.stamps = stamps
        self.keys = list(columns.keys)
        self.tracked = columns.tracked(schema)
        self.untracked = columns.untracked(schema)
        self.repeated = {name: (spelled_as(name, schema), kind) for name, kind in _fields(schema[REPEATS]).items()}
        self.latest = [name for name in columns.latest if name in schema]
        sortable = [name for name in self.untracked if isinstance(schema[name], ATOMIC) and name not in self.latest]
        self.order = [VALID_FROM, *self.latest, DELETED, *sortable, _ROW]

    def changes(self, batch: Frame, known: Frame | None) -> Frame:
        """Return the rows to merge: new and changed ones, and, with `__deleted`, those that are no more."""
        events = [self._of_batch(batch)]
        if known is not None:
            events += self._of_table(known)
            if self.columns.full_snapshot:
                events.append(self._of_missing_keys(batch, known))
        runs = self.frames.reused(self._runs(self._without_duplicates(self.frames.union(events))))
        rows = self._rows(runs)
        unchanged = and_(col(_ROW), _same(VALID_TO, _ENDED), _same(REPEATS, _REPEATED))
        columns = {name: col(name) for name in self.schema if name not in SYSTEM_COLUMNS}
        changed = self.frames.filter(rows, not_(unchanged))
        written = self.frames.select(changed, self._in_order({**columns, DELETED: lit(value=False)}))
        if known is None:
            return written
        gone = self.frames.filter(runs, and_(col(_IN_TABLE), not_(_IS_ROW)))
        columns = {name: col(name) for name in (*self.keys, VALID_FROM)}
        removed = self.frames.select(gone, self._in_order({**columns, DELETED: lit(value=True)}))
        return self.frames.union([written, removed])

    def _in_order(self, values: Mapping[str, Expr]) -> dict[str, Expr]:
        """Return all columns of the table: the given ones, the stamps of this load, and null."""
        return {name: values.get(name) or self.stamps.get(name) or _null(kind) for name, kind in self.schema.items()}

    def _of_batch(self, batch: Frame) -> Frame:
        """Return the events of the batch; what a delete says of other columns counts for nothing."""
        timed = self.frames.filter(batch, not_(call("isnull", col(VALID_FROM))))
        said = {
            name: case((col(DELETED), _null(self.schema[name])), default=col(name))
            for name in (*self.tracked, *self.untracked)
        }
        return self._events(timed, {**said, DELETED: col(DELETED)})

    def _of_table(self, known: Frame) -> list[Frame]:
        """Return what the rows of the table tell of events."""
        frames = self.frames
        is_empty = _same(VALID_FROM, VALID_TO)
        empty, versions = frames.filter(known, is_empty), frames.filter(known, not_(is_empty))
        row = {_ROW: lit(value=True), _ENDED: col(VALID_TO), _REPEATED: col(REPEATS)}
        said = {column: self._said(name) for name, (column, _) in self.repeated.items() if column}
        same = [name for name in (*self.tracked, *self.untracked) if name not in said]
        repeats = frames.unnest(
            frames.select(versions, {name: col(name) for name in (*self.keys, *same, REPEATS)}), REPEATS
        )
        spans = frames.select(versions, {name: col(name) for name in (*self.keys, VALID_FROM, VALID_TO)})
        followed = frames.window(
            spans, {_NEXT: WindowFunction("lead", (VALID_FROM,))}, partition_by=self.keys, order_by=[VALID_FROM]
        )
        closed = frames.filter(followed, and_(not_(call("isnull", col(VALID_TO))), not_(_same(VALID_TO, _NEXT))))
        return [
            self._events(versions, row),
            self._events(repeats, {name: cast(one, self.schema[name]) for name, one in said.items()}),
            self._events(closed, {**self._nothing_said(), VALID_FROM: col(VALID_TO), DELETED: lit(value=True)}),
            self._events(empty, {**row, **self._nothing_said(), DELETED: lit(value=True)}),
        ]

    def _said(self, name: str) -> Expr:
        """Return what `__repeats` says of a column, if need be under the name that the column had."""
        old = [was for was, (column, _) in self.repeated.items() if column is None and self.renames.get(was) == name]
        return call("coalesce", col(name), *map(col, old)) if old else col(name)

    def _of_missing_keys(self, batch: Frame, known: Frame) -> Frame:
        """Return a delete, at the latest time of the batch, of each key that holds then and that the batch lacks."""
        frames = self.frames
        latest = frames.aggregate(batch, {"at": agg("max", col(VALID_FROM))})["at"]
        at = _null(self.schema[VALID_FROM]) if latest is None else cast(lit(latest), self.schema[VALID_FROM])  # type: ignore[arg-type] # a value of the column's type
        holds = and_(call("<", col(VALID_FROM), at), or_(call("isnull", col(VALID_TO)), call(">", col(VALID_TO), at)))
        missing = frames.join(frames.filter(known, holds), batch, keys=self.keys, how="anti")
        return self._events(missing, {**self._nothing_said(), VALID_FROM: at, DELETED: lit(value=True)})

    def _nothing_said(self) -> dict[str, Expr]:
        return {name: _null(self.schema[name]) for name in (*self.tracked, *self.untracked)}

    def _events(self, frame: Frame, values: Mapping[str, Expr] | None = None) -> Frame:
        """Return rows as events: the given values, else what the rows have, else what is no delete and no row."""
        plain = {name: col(name) for name in (*self.keys, VALID_FROM, *self.tracked, *self.untracked)}
        missing = {
            DELETED: lit(value=False),
            _ROW: lit(value=False),
            _ENDED: _null(self.schema[VALID_TO]),
            _REPEATED: _null(self.schema[REPEATS]),
        }
        return self.frames.select(frame, {**plain, **missing, **(values or {})})

    def _without_duplicates(self, events: Frame) -> Frame:
        """Drop events that another one of the same key and time repeats or outdoes; note those that clash.

        Of equal events the one that is a row of the table stays, unless another is larger in columns that make no
        version: which one stays depends on the set of events alone.
        """
        frames = self.frames
        looked = frames.window(
            events,
            {
                _TOGETHER: WindowFunction("same_as_lead", (VALID_FROM,)),
                _LATEST: WindowFunction("same_as_lead", tuple(self.latest)),
                _ROWS: WindowFunction("running_count", (_ROW,)),
                **self._compared("same_as_lead"),
            },
            partition_by=self.keys,
            order_by=self.order,
        )
        # Next to each other in this order are those of one time, the newest last.
        is_dropped = and_(col(_TOGETHER), or_(_EQUAL, not_(col(_LATEST))))
        clashes = and_(col(_TOGETHER), col(_LATEST), not_(_EQUAL))
        return frames.filter(frames.with_columns(looked, {_CLASHES: clashes}), not_(is_dropped))

    def _runs(self, events: Frame) -> Frame:
        """Number the runs of events that say the same; tell what each event does, and whether its row was there.

        Events that clash all become rows, of the same key and time, which no merge takes.
        """
        looked = self._again(
            events,
            {
                _FOLLOWS: WindowFunction("same_as_lag", ()),
                _CLASHED: WindowFunction("lag", (_CLASHES,)),
                _ROWS_BEFORE: WindowFunction("lag", (_ROWS,)),
                **self._compared("same_as_lag"),
            },
        )
        clashes = or_(col(_CLASHES), call("coalesce", col(_CLASHED), lit(value=False)))
        changes = or_(not_(col(_FOLLOWS)), clashes, not_(_EQUAL))
        does = {
            _CHANGES: changes,
            _ENDS_NOTHING: and_(col(DELETED), or_(not_(col(_FOLLOWS)), clashes, not_(changes))),
            # The row itself may have been dropped as a duplicate, in favour of this event.
            _IN_TABLE: call(">", col(_ROWS), call("coalesce", col(_ROWS_BEFORE), lit(0))),
        }
        marked = self.frames.with_columns(looked, does)
        return self._again(marked, {_RUN: WindowFunction("running_count", (_CHANGES,))})

    def _rows(self, runs: Frame) -> Frame:
        """Return the rows of the timelines: versions, and deletes that end nothing."""
        frames = self.frames
        repeated = frames.filter(runs, not_(or_(col(_CHANGES), col(DELETED))))
        keys = {name: col(name) for name in (*self.keys, _RUN)}
        said = {name: cast(col(own), kind) if own else _null(kind) for name, (own, kind) in self.repeated.items()}
        told = frames.select(repeated, {**keys, **said})
        repeats = frames.nest(told, keys=list(keys), columns=list(said), into=REPEATS)
        starts = frames.filter(runs, or_(col(_CHANGES), col(DELETED)))
        ended = self._again(starts, {VALID_TO: WindowFunction("lead", (VALID_FROM,))})
        return frames.with_columns(
            frames.join(frames.filter(ended, _IS_ROW), repeats, keys=[*self.keys, _RUN], how="left"),
            {
                VALID_TO: case((col(DELETED), col(VALID_FROM)), default=col(VALID_TO)),
                IS_CURRENT: and_(not_(col(DELETED)), call("isnull", col(VALID_TO))),
            },
        )

    def _again(self, frame: Frame, columns: Mapping[str, WindowFunction]) -> Frame:
        """Look at neighbours of a frame that is in order already."""
        return self.frames.window(frame, columns, partition_by=self.keys, order_by=self.order, ordered=True)

    def _compared(self, function: Literal["same_as_lag", "same_as_lead"]) -> dict[str, WindowFunction]:
        """Return what `_EQUAL` needs to know of the neighbour."""
        return {
            _SAME_KIND: WindowFunction(function, (DELETED,)),
            _SAME_VALUES: WindowFunction(function, tuple(self.tracked)),
        }


def _fields(kind: DataType) -> Mapping[str, DataType]:
    """Return what `__repeats` says of an event: columns that are not tracked, or were not when it was written."""
    if not isinstance(kind, ArrayType) or not isinstance(kind.element, StructType):
        message = f"{REPEATS} is {kind}"
        raise TypeError(message)
    return dict(kind.element.fields)


def _same(left: str, right: str) -> Expr:
    return call("<=>", col(left), col(right))


def _null(kind: DataType) -> Expr:
    return cast(lit(None), kind)
