"""Watermark columns: which rows are above a mark, and what the next mark is."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar, cast

from datacoolie.core import types
from datacoolie.core.exceptions import WatermarkError
from datacoolie.engines import Observation
from datacoolie.sql import ExpressionError, agg, and_, call, col, lit, not_, or_, resolve_column
from datacoolie.state import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datacoolie.core.types import DataType, Schema
    from datacoolie.engines import FrameOps, Observed
    from datacoolie.sql import Expr
    from datacoolie.sql.text import Value

Frame = TypeVar("Frame")

NULL_ROWS = "watermark.null_rows"
"""Name of the observation that counts rows without any watermark value."""

_MAX = "watermark.max."


def above_mark(frames: FrameOps[Frame], frame: Frame, columns: Sequence[str], mark: Mark | None, where: str) -> Frame:
    """Keep the rows that are above the mark in any watermark column, or have none; all rows when there is no mark.

    Raises:
        WatermarkError: a column is missing or can't be a mark, or its type isn't the mark's.
    """
    if not columns or mark is None:
        return frame
    schema = frames.schema(frame)
    conditions = []
    resolved = _resolve(columns, schema, where)
    actuals = list(resolved.values())
    for name, actual in resolved.items():
        if name not in mark.values:
            # A column that was added to the metadata later has no mark: every row is new to it.
            return frame
        value = mark.values[name]
        if value is None:
            conditions.append(call("isnotnull", col(actual)))
        else:
            _check_type(name, value, schema[actual], where)
            conditions.append(call(">", col(actual), lit(cast("Value", value))))
    return frames.filter(frame, or_(*conditions, _all_null(actuals)))


def drop_null_rows(frames: FrameOps[Frame], frame: Frame, columns: Sequence[str], where: str) -> Frame:
    """Drop the rows without any watermark value, which `above_mark` keeps so that they are counted."""
    if not columns:
        return frame
    return frames.filter(frame, not_(_all_null(_resolve(columns, frames.schema(frame), where).values())))


def _all_null(columns: Iterable[str]) -> Expr:
    return and_(*(call("isnull", col(name)) for name in columns))


def observations(
    frames: FrameOps[Frame], frame: Frame, columns: Sequence[str], where: str
) -> dict[str, Observation[Frame]]:
    """Return the aggregates that give the next mark: the largest value of each column, and rows without any.

    Raises:
        WatermarkError: a column is missing or can't be a mark.
    """
    if not columns:
        return {}
    actual = _resolve(columns, frames.schema(frame), where)
    null = _all_null(actual.values())
    largest = {_MAX + name: Observation(frame=frame, aggregate=agg("max", col(at))) for name, at in actual.items()}
    return {**largest, NULL_ROWS: Observation(frame=frame, aggregate=agg("count_if", null))}


def next_mark(mark: Mark | None, columns: Sequence[str], observed: Observed, position: Mapping[str, object]) -> Mark:
    """Return the next mark: what was observed, or the old value where no row had any.

    Raises:
        WatermarkError: a column holds NaN, above which no row would ever be new.
    """
    old = mark.values if mark else {}
    values = {name: observed[_MAX + name] for name in columns}
    for name, value in values.items():
        if isinstance(value, float) and math.isnan(value):
            message = (
                f"Watermark column {name!r} holds NaN, above which nothing would ever be new. Mend these rows first"
            )
            raise WatermarkError(message, {"column": name})
    return Mark(
        values={name: old.get(name) if value is None else value for name, value in values.items()}, position=position
    )


def _resolve(columns: Sequence[str], schema: Schema, where: str) -> dict[str, str]:
    """Map watermark columns, as the metadata names them, to columns of the schema."""
    found = {}
    for column in columns:
        try:
            actual = resolve_column(column, schema)
        except ExpressionError as error:
            message = f"{where}: watermark column: {error.message}"
            raise WatermarkError(message, {"column": column}) from error
        if type(schema[actual]) not in _PYTHON_TYPES:
            message = (
                f"{where}: watermark column {column!r} is {schema[actual]}; it must be a date, time, number or text"
            )
            raise WatermarkError(message, {"column": column})
        found[column] = actual
    return found


_PYTHON_TYPES: dict[type[DataType], type] = {
    types.ByteType: int,
    types.ShortType: int,
    types.IntegerType: int,
    types.LongType: int,
    types.DecimalType: Decimal,
    types.FloatType: float,
    types.DoubleType: float,
    types.StringType: str,
    types.TimestampType: datetime,
    types.TimestampNtzType: datetime,
    types.DateType: date,
}
"""The Python type of a mark, by the type of its column; other columns can't be watermarks."""


def _check_type(name: str, value: object, kind: DataType, where: str) -> None:
    fits = type(value) is _PYTHON_TYPES[type(kind)]
    if fits and isinstance(value, datetime):
        fits = (value.tzinfo is not None) == isinstance(kind, types.TimestampType)
    if not fits:
        message = (
            f"{where}: watermark column {name!r} is {kind} now, but the saved mark is {value!r} ({_type_name(value)}). "
            "Marks are compared by type: give the column its old type again, or reset the state of this flow"
        )
        raise WatermarkError(message, {"column": name, "type": str(kind), "mark": str(value)})


def _type_name(value: object) -> str:
    if isinstance(value, datetime):
        return "datetime with zone" if value.tzinfo else "datetime without zone"
    return type(value).__name__
