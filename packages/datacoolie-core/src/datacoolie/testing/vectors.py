"""How golden vectors are laid side by side in one frame, and how values compare with what they say."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, get_args

import pyarrow as pa

from datacoolie.core.types import (
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    TimestampNtzType,
    TimestampType,
)
from datacoolie.sql import Aggregate, Call, Case, Cast, Column, Expr, agg, count, parse
from datacoolie.sql.nodes import AggregateFunction
from datacoolie.testing.arrow import to_arrow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.sql.text import Value
    from datacoolie.sql.vectors import Result, Vector

_OVERFLOWS = {
    "ARITHMETIC_OVERFLOW",
    "BINARY_ARITHMETIC_OVERFLOW",
    "CAST_OVERFLOW",
    "NUMERIC_OUT_OF_SUPPORTED_RANGE",
    "NUMERIC_VALUE_OUT_OF_RANGE",
}
"""Spark's names for one fault: a value that its type can't hold."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_AGGREGATES: dict[str, AggregateFunction] = {name: name for name in get_args(AggregateFunction)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Vectors side by side: the columns of each under names of its own, all of one height.

    Attributes:
        table: the columns, and `row`, by which rows are told apart.
        expressions: of each vector over its columns, by the name of its result.
    """

    table: pa.Table
    expressions: Mapping[str, Expr]


def side_by_side(vectors: Sequence[tuple[Vector, Sequence[tuple[Value, ...]]]]) -> Batch:
    """Lay vectors side by side, each over some of its rows; shorter ones repeat their last row."""
    height = max(len(rows) for _, rows in vectors)
    columns: dict[str, pa.Array] = {"row": pa.array(range(height))}
    expressions = {}
    for number, (vector, own) in enumerate(vectors):
        names = {name: f"v{number}_{name}" for name in vector.schema}
        padded = [*own, *[own[-1]] * (height - len(own))]
        for at, (name, kind) in enumerate(vector.schema.items()):
            columns[names[name]] = pa.array([row[at] for row in padded], to_arrow(kind))
        expressions[f"r{number}"] = _renamed(parse(vector.expression), names)
    return Batch(table=pa.table(columns), expressions=expressions)


def alone(vector: Vector) -> pa.Table:
    """Return the rows of one vector, under the names of its columns."""
    columns = {
        name: pa.array([row[at] for row in vector.rows], to_arrow(kind))
        for at, (name, kind) in enumerate(vector.schema.items())
    }
    return pa.table(columns)


def _renamed(expr: Expr, names: Mapping[str, str]) -> Expr:
    match expr:
        case Column():
            return replace(expr, name=names[expr.name.lower()])
        case Call():
            return replace(expr, arguments=tuple(_renamed(one, names) for one in expr.arguments))
        case Cast():
            return replace(expr, operand=_renamed(expr.operand, names))
        case Case():
            branches = tuple((_renamed(when, names), _renamed(then, names)) for when, then in expr.branches)
            return replace(expr, branches=branches, default=expr.default and _renamed(expr.default, names))
        case _:
            return expr


def aggregate_of(vector: Vector) -> Aggregate:
    """Return the aggregate that a vector of that theme is about."""
    name, _, operand = vector.expression.removesuffix(")").partition("(")
    return count() if operand == "*" else agg(_AGGREGATES[name], parse(operand))


def written(values: pa.Array | pa.ChunkedArray, kind: DataType) -> list[object]:
    """Return values as the vectors write them."""
    if isinstance(kind, DateType):
        values = values.cast(pa.int32())
    elif isinstance(kind, TimestampType | TimestampNtzType):
        values = values.cast(pa.int64())
    return [written_value(value) for value in values.to_pylist()]


def written_value(value: object) -> object:
    """Return a Python value as the vectors write it."""
    match value:
        case datetime():
            moment = value if value.tzinfo else value.replace(tzinfo=UTC)
            return (moment - _EPOCH) // timedelta(microseconds=1)
        case date():
            return (value - _EPOCH.date()).days
        case bytes():
            return value.hex()
        case _:
            return value


def same(got: object, expected: Result, kind: DataType) -> bool:
    """Return whether a value is what a vector says."""
    if got is None or expected is None or isinstance(got, bool):
        return got is expected
    if isinstance(kind, FloatType | DoubleType):
        return _same_float(float(str(got)), float(str(expected)), 2e-7 if isinstance(kind, FloatType) else 1e-15)
    if isinstance(kind, DecimalType):
        return got == Decimal(str(expected))
    return got == expected


def _same_float(got: float, expected: float, tolerance: float) -> bool:
    """Compare with room for the last digit of a logarithm or a power, but none for zero's sign."""
    if math.isnan(expected) or expected == 0:
        return repr(got) == repr(expected)
    return math.isclose(got, expected, rel_tol=tolerance)


def same_error(got: object, expected: str | None) -> bool:
    """Return whether an error's condition is the one that a vector says, if it says one."""
    if expected is None:
        return True
    base = expected.split(".")[0]
    return got == base or (isinstance(got, str) and {got, base} <= _OVERFLOWS)
