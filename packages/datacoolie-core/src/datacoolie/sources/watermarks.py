"""Watermark columns: which rows of a source are new, and what the next mark is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from datacoolie.core.exceptions import WatermarkError
from datacoolie.core.marks import compare
from datacoolie.core.models import NullWatermark
from datacoolie.core.models.durations import parse_duration
from datacoolie.observability.units import counted
from datacoolie.sources import boundary, digits, lookback
from datacoolie.sources.base import Bound, Reading
from datacoolie.sources.columns import check_value, resolve
from datacoolie.sql import agg, and_, call, col, lit, not_, or_
from datacoolie.state import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datacoolie.core.models import Backward, WatermarkSettings
    from datacoolie.engines import FrameOps, Observed
    from datacoolie.sources.base import Window
    from datacoolie.sql import Aggregate, Expr
    from datacoolie.sql.text import Value

Frame = TypeVar("Frame")

NULL_ROWS = "watermark.null_rows"
"""Name of the observation that counts rows without any watermark value."""

_MAX = "watermark.max."


def inside(low: Bound | None, high: Bound | None, names: Mapping[str, str]) -> Expr:
    """Return the condition for rows between two bounds: any column above `low`, and none above `high`.

    Args:
        low: rows without any value are not above it.
        high: no value is not above it.
        names: the column of the frame or table, by the column in the bounds.
    """
    return and_(
        *([] if low is None else [or_(*(_above(col(names[name]), value, low) for name, value in low.values.items()))]),
        *([] if high is None else [_not_above(col(names[name]), value, high) for name, value in high.values.items()]),
    )


def _above(column: Expr, value: object, low: Bound) -> Expr:
    if value is None:
        return call("isnotnull", column)
    return call(">=" if low.inclusive else ">", column, _constant(value))


def _not_above(column: Expr, value: object, high: Bound) -> Expr:
    if value is None:
        return lit(value=True)
    return or_(call("isnull", column), call("<=" if high.inclusive else "<", column, _constant(value)))


def _constant(value: object) -> Expr:
    return lit(cast("Value", value))


def _all_null(columns: Iterable[str]) -> Expr:
    return and_(*(call("isnull", col(name)) for name in columns))


class Watermarks(Generic[Frame]):
    """What the watermark columns of one source say of its rows.

    Args:
        frames: evaluates.
        columns: the watermark columns, as the metadata names them.
        settings: lag, boundary, and what happens to rows without watermark.
        backward: the look-back, if there is one.
        where: the source, for messages.
    """

    def __init__(
        self,
        frames: FrameOps[Frame],
        columns: Sequence[str],
        settings: WatermarkSettings,
        *,
        backward: Backward | None,
        where: str,
    ) -> None:
        """Remember all of it; nothing is evaluated yet."""
        self._frames = frames
        self._columns = columns
        self._settings = settings
        self._backward = backward
        self._lag = parse_duration(settings.lag) if settings.lag else None
        self._inclusive = settings.boundary == "inclusive"
        self._where = where

    @property
    def freezes(self) -> bool:
        """Whether the high bound has to be known before rows are read."""
        return bool(self._columns) and (self._inclusive or self._lag is not None)

    def low(self, mark: Mark | None) -> Bound | None:
        """Return where the window after a mark begins.

        Raises:
            WatermarkError: a value of the mark can't be shifted by a look-back.
        """
        # A column that was added to the metadata later has no mark: every row is new to it.
        if mark is None or not self._columns or any(name not in mark.values for name in self._columns):
            return None
        values = {name: mark.values[name] for name in self._columns}
        return Bound(values=shifted(values, self._backward), inclusive=self._backward is not None)

    def high(self, frame: Frame, mark: Mark | None) -> Bound:
        """Find the newest values and return the bound that stays behind them by the lag, but never before the mark.

        Raises:
            SourceError: the source can't be read.
            WatermarkError: a column is missing, can't be a mark or holds NaN, its type isn't the mark's, or more rows
                than a mark can remember have the newest value.
        """
        names = self._resolve(frame, self._columns)
        aggregates = {name: agg("max", col(actual)) for name, actual in names.items()}
        newest = self._frames.aggregate(frame, aggregates)
        values = {name: self._lagged(name, value) for name, value in newest.items()}
        bound = Bound(values=_newest(mark, values), inclusive=True)
        if self._inclusive:
            boundary.check_size(self._frames, frame, bound, names, self._where)
        return bound

    def is_behind(self, high: Bound, mark: Mark | None) -> bool:
        """Whether nothing can be new below `high`, because the mark is there already."""
        kept = self._inclusive or self._backward is not None
        return not kept and mark is not None and dict(high.values) == dict(mark.values)

    def read(self, frame: Frame, window: Window) -> Reading[Frame]:
        """Return the window's rows, and the largest values and rows without any as observations.

        Raises:
            WatermarkError: a column is missing or can't be a mark, or its type isn't that of a bound.
        """
        bounds = [bound for bound in (window.low, window.high) if bound is not None]
        wanted = dict.fromkeys([*self._columns, *(name for bound in bounds for name in bound.values)])
        if not wanted:
            return Reading(frame=frame, observe={})
        names = self._resolve(frame, wanted, bounds)
        condition = inside(window.low, window.high, names)
        if window.replayed:
            return self._observed(self._frames.filter(frame, condition), self._largest(names))
        null = _all_null(names.values())
        rows = self._frames.filter(frame, or_(condition, null)) if bounds else frame
        own = {name: names[name] for name in self._columns}
        aggregates = {**self._largest(names), **digits.observations(own, self._frames.schema(frame))}
        rows, observe = self._frames.observed(rows, {**aggregates, NULL_ROWS: agg("count_if", null)})
        if window.mark is not None and self._settings.null_watermark is NullWatermark.SKIP:
            rows = self._frames.filter(rows, not_(null))
        if not self._inclusive or window.high is None:
            return Reading(frame=rows, observe=observe)
        observe[boundary.KEYS] = boundary.observation(self._frames, frame, window.high, names, self._where)
        late = boundary.unseen(self._frames, frame, window, names, self._where)
        return Reading(frame=rows if late is None else self._frames.union([rows, late]), observe=observe)

    def mark(self, window: Window, observed: Observed) -> Mark:
        """Return the next mark: the high bound, or the largest values observed; never before the old one.

        Raises:
            WatermarkError: a column holds NaN or infinity, above which no row would ever be new, or numbers as text
                which don't come in their order, or there are rows without watermark and `null_watermark` is `fail`.
        """
        rows = cast("int", observed.get(NULL_ROWS) or 0)
        if rows and self._settings.null_watermark is NullWatermark.FAIL:
            message = (
                f"{self._where}: {counted(rows, 'row')} without a value in {' or '.join(self._columns)}, and "
                "null_watermark is 'fail'. Nothing was written. Mend these rows, or let null_watermark be skip or load"
            )
            raise WatermarkError(message, {"rows": rows})
        digits.check(self._columns, window.mark, observed, self._where)
        values = {name: observed[_MAX + name] for name in self._columns}
        if window.high is not None and not window.replayed:
            values = dict(window.high.values)
        position = dict(window.position)
        if boundary.KEYS in observed:
            position[boundary.POSITION] = sorted(cast("list[str]", observed[boundary.KEYS]))
        values = _newest(window.mark, values)
        if window.replayed and window.mark and values == window.mark.values:
            return window.mark
        return Mark(values=values, position=position)

    def read_all(self, frame: Frame) -> Reading[Frame]:
        """Return all rows, and the largest values as observations; raises as `read`."""
        return self._observed(frame, self._largest(self._resolve(frame, self._columns)) if self._columns else {})

    def _observed(self, frame: Frame, aggregates: Mapping[str, Aggregate]) -> Reading[Frame]:
        rows, observe = self._frames.observed(frame, aggregates)
        return Reading(frame=rows, observe=observe)

    def _largest(self, names: Mapping[str, str]) -> dict[str, Aggregate]:
        return {_MAX + name: agg("max", col(names[name])) for name in self._columns}

    def _lagged(self, name: str, value: object) -> object:
        if self._lag is None or value is None:
            return value
        return lookback.before(lookback.as_moment(value, name, "a lag"), self._lag)

    def _resolve(self, frame: Frame, columns: Iterable[str], bounds: Sequence[Bound] = ()) -> dict[str, str]:
        """Map columns, as the metadata names them, to those of the frame, whose types must fit the bounds."""
        schema = self._frames.schema(frame)
        names = resolve(columns, schema, self._where)
        for bound in bounds:
            for name, value in bound.values.items():
                check_value(name, value, schema[names[name]], self._where)
        return names


def shifted(values: Mapping[str, object], backward: Backward | None) -> dict[str, object]:
    """Return the values of a mark, shifted by a look-back if there is one.

    Raises:
        WatermarkError: a value is no date or datetime.
    """
    if backward is None:
        return dict(values)
    return {
        name: None if value is None else lookback.look_back(lookback.as_moment(value, name, "a look-back"), backward)
        for name, value in values.items()
    }


def _newest(mark: Mark | None, values: Mapping[str, object]) -> dict[str, object]:
    """Return, of each column, the larger one of the mark's value and the new value.

    Raises:
        WatermarkError: a new value is NaN or infinity, or its type isn't the mark's.
    """
    old = mark.values if mark else {}
    newest: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, float) and not value < math.inf:
            said = "NaN" if math.isnan(value) else "infinity"
            message = (
                f"Watermark column {name!r} holds {said}, above which nothing would ever be new. Mend these rows first"
            )
            raise WatermarkError(message, {"column": name})
        before = old.get(name)
        keeps = value is None or (before is not None and compare(before, value, column=name) > 0)
        newest[name] = before if keeps else value
    return newest
