"""Rows that have just the value of a mark: which of them were loaded is remembered with the mark.

A row is remembered by a key: a hash of its columns that have a value, and how many equal rows come before it. So rows
that arrive later with the value of the mark are told from those that were loaded, even where they are equal in every
column; and a column that the source gets later, which they don't have a value in, makes no other rows of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from datacoolie.core import types
from datacoolie.core.exceptions import ErrorClass, WatermarkError
from datacoolie.core.suggest import listed
from datacoolie.engines import Observation, WindowFunction
from datacoolie.observability.units import count
from datacoolie.sources.columns import FILE_COLUMNS
from datacoolie.sql import Cast, agg, and_, call, col, lit, not_, or_

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.types import Schema
    from datacoolie.engines import FrameOps
    from datacoolie.sources.base import Bound, Window
    from datacoolie.sql import Expr
    from datacoolie.sql.text import Value

Frame = TypeVar("Frame")

KEYS = "watermark.boundary"
"""Name of the observation that collects the keys of the rows at the high bound."""

POSITION = "boundary"
"""Where the keys are in the position of a mark."""

LIMIT = 10_000
"""How many rows at its value a mark remembers; each takes 19 bytes."""

_HASH, _ONE, _NUMBER, _KEY = "__dc_hash", "__dc_one", "__dc_number", "__dc_key"


def check_size(frames: FrameOps[Frame], frame: Frame, bound: Bound, names: Mapping[str, str], where: str) -> None:
    """Make sure that a mark can remember the rows at a bound.

    Raises:
        WatermarkError: there are too many.
    """
    number = cast("int", frames.aggregate(frame, {KEYS: agg("count_if", _at(bound, names))})[KEYS] or 0)
    if number > LIMIT:
        values = listed(f"{name} = {value}" for name, value in bound.values.items())
        message = (
            f"{where}: {count(number)} rows have the value of the mark ({values}); watermark.boundary inclusive "
            f"remembers at most {count(LIMIT)}. Use a finer watermark column, or a look-back with a merge"
        )
        raise WatermarkError(message, {"rows": number}).classed(ErrorClass.CONFIGURATION)


def observation(
    frames: FrameOps[Frame], frame: Frame, bound: Bound, names: Mapping[str, str], where: str
) -> Observation[Frame]:
    """Return the observation of the keys of all rows at the high bound.

    Raises:
        WatermarkError: a column has a type that keys can't be made of.
    """
    at_bound = frames.filter(frame, and_(_at(bound, names), _none_above(bound, names)))
    return Observation(frame=_keyed(frames, at_bound, where), aggregate=agg("collect", col(_KEY)))


def unseen(frames: FrameOps[Frame], frame: Frame, window: Window, names: Mapping[str, str], where: str) -> Frame | None:
    """Return the rows at the mark that were not loaded yet; `None` where the mark doesn't remember which were."""
    if window.mark is None or window.low is None or POSITION not in window.mark.position:
        return None
    seen = cast("list[str]", window.mark.position[POSITION])
    rows = frames.filter(frame, and_(_at(window.low, names), _none_above(window.low, names)))
    rows = _keyed(frames, rows, where)
    if seen:
        rows = frames.filter(rows, not_(call("in", col(_KEY), *(lit(key) for key in seen))))
    return frames.drop(rows, [_HASH, _ONE, _NUMBER, _KEY])


def _at(bound: Bound, names: Mapping[str, str]) -> Expr:
    """Return the condition for rows that have the bound's value in any column."""
    values = {name: value for name, value in bound.values.items() if value is not None}
    return or_(*(call("<=>", col(names[name]), lit(cast("Value", value))) for name, value in values.items()))


def _none_above(bound: Bound, names: Mapping[str, str]) -> Expr:
    """Return the condition for rows that are above the bound in no column; no value is not above."""
    return and_(
        *(
            call("isnull", col(names[name]))
            if value is None
            else or_(call("isnull", col(names[name])), call("<=", col(names[name]), lit(cast("Value", value))))
            for name, value in bound.values.items()
        )
    )


def _keyed(frames: FrameOps[Frame], frame: Frame, where: str) -> Frame:
    """Add the column of keys, and those that it is made of."""
    hashed = call("substring", call("md5", _text(frames.schema(frame), where)), lit(1), lit(16))
    frame = frames.with_columns(frame, {_HASH: hashed, _ONE: lit(value=True)})
    numbered = {_NUMBER: WindowFunction("running_count", (_ONE,))}
    frame = frames.window(frame, numbered, partition_by=[_HASH], order_by=[])
    key = call("concat", col(_HASH), lit("-"), Cast(col(_NUMBER), types.StringType()))
    return frames.with_columns(frame, {_KEY: key})


def _text(schema: Schema, where: str) -> Expr:
    """Return the values of a row as one text that no other row has; columns without value are not in it."""
    parts: list[Expr] = []
    for name, kind in sorted(schema.items()):
        if name in FILE_COLUMNS:
            continue
        if isinstance(kind, (types.ArrayType, types.MapType, types.StructType)):
            message = (
                f"{where}: watermark.boundary inclusive can't tell rows apart by column {name!r}, which is {kind}. "
                "Use boundary exclusive, or a look-back with a merge"
            )
            raise WatermarkError(message, {"column": name}).classed(ErrorClass.CONFIGURATION)
        binary = isinstance(kind, types.BinaryType)
        text = call("hex", col(name)) if binary else Cast(col(name), types.StringType())
        length = Cast(call("length", text), types.StringType())
        parts.append(call("coalesce", call("concat", lit(f"{len(name)}:{name}="), length, lit(":"), text), lit("")))
    return call("concat", *parts)
