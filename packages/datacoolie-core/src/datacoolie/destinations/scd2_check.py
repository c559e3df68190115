"""Whether an existing table is a history: what has to be true of its rows, counted in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from datacoolie.core.columns import IS_CURRENT, VALID_FROM, VALID_TO
from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import listed
from datacoolie.engines import WindowFunction
from datacoolie.sql import agg, and_, call, case, col, count, not_, or_
from datacoolie.sql.coercion import ATOMIC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie.core.types import Schema
    from datacoolie.engines import FrameOps
    from datacoolie.sql import Expr

Frame = TypeVar("Frame")

_NEXT, _FOLLOWED = "__next", "__followed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is not true of some rows.

    Attributes:
        what: in a few words.
        rows: how many rows.
        example: the smallest first key column among them; `None` where that is null.
    """

    what: str
    rows: int
    example: object


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryCheck:
    """What a check found.

    Attributes:
        table: where the table is.
        rows: versions, with empty ones.
        current: versions that still hold.
        faults: what is not as it has to be; none for a history.
    """

    table: str
    rows: int
    current: int
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Whether the table is a history."""
        return not self.faults


def check_history(
    frames: FrameOps[Frame], table: Frame, keys: Sequence[str], *, has_deletes: bool, where: str
) -> HistoryCheck:
    """Count the rows of a table that break what holds in every history.

    Args:
        frames: the engine's operations.
        table: all rows.
        keys: columns that tell whose history it is, as the table spells them.
        has_deletes: whether a key may be closed and opened again, which leaves a gap.
        where: the table, for messages.

    Raises:
        DestinationError: the table lacks a column of a history, or `__valid_to` is of another type than `__valid_from`.
    """
    _check_columns(frames.schema(table), where)
    spans = frames.select(table, {name: col(name) for name in (*keys, VALID_FROM, VALID_TO, IS_CURRENT)})
    looked = frames.window(
        spans,
        {_FOLLOWED: WindowFunction("same_as_lead", ()), _NEXT: WindowFunction("lead", (VALID_FROM,))},
        partition_by=keys,
        order_by=[VALID_FROM, VALID_TO],
    )
    broken = _broken(has_deletes=has_deletes)
    aggregates = {what: agg("count_if", condition) for what, condition in broken.items()}
    if isinstance(frames.schema(table)[keys[0]], ATOMIC):
        aggregates |= {
            _example(what): agg("min", case((condition, col(keys[0])))) for what, condition in broken.items()
        }
    found = frames.aggregate(looked, {"rows": count(), "current": agg("count_if", col(IS_CURRENT)), **aggregates})
    counts = {what: int(str(found[what])) for what in broken}
    return HistoryCheck(
        table=where,
        rows=int(str(found["rows"])),
        current=int(str(found["current"])),
        faults=tuple(
            Fault(what=what, rows=rows, example=found.get(_example(what))) for what, rows in counts.items() if rows
        ),
    )


def _broken(*, has_deletes: bool) -> dict[str, Expr]:
    """Return what must be true of no row, by what it is called. A row is looked at with the next one of its key."""
    ends = not_(call("isnull", col(VALID_TO)))
    holds_none = call("<=>", col(VALID_FROM), col(VALID_TO))
    broken = {
        "without __valid_from": call("isnull", col(VALID_FROM)),
        "ends before it begins": and_(ends, call("<", col(VALID_TO), col(VALID_FROM))),
        "begins when another version of its key does": and_(col(_FOLLOWED), call("<=>", col(VALID_FROM), col(_NEXT))),
        "overlaps the next version of its key": and_(
            col(_FOLLOWED), or_(not_(ends), call(">", col(VALID_TO), col(_NEXT)))
        ),
        "__is_current is not whether __valid_to is null": not_(call("<=>", col(IS_CURRENT), not_(ends))),
    }
    if not has_deletes:
        broken["ends before the next version of its key begins, and nothing deletes"] = and_(
            col(_FOLLOWED), not_(holds_none), call("<", col(VALID_TO), col(_NEXT))
        )
        broken["has ended without a next version, and nothing deletes"] = and_(ends, not_(col(_FOLLOWED)))
    return broken


def _example(what: str) -> str:
    return f"{what}: example"


def _check_columns(schema: Schema, where: str) -> None:
    missing = [name for name in (VALID_FROM, VALID_TO, IS_CURRENT) if name not in schema]
    if missing:
        message = f"{where}: this is no history: it has no column {listed(missing)}. Columns: {listed(schema)}"
        raise DestinationError(message, {"columns": missing}).classed(ErrorClass.CONFIGURATION)
    if schema[VALID_FROM] != schema[VALID_TO]:
        message = f"{where}: {VALID_TO} is {schema[VALID_TO]}, but {VALID_FROM} is {schema[VALID_FROM]}"
        raise DestinationError(message, {"columns": [VALID_TO]}).classed(ErrorClass.CONFIGURATION)
