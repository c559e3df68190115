"""Every golden vector, row by row: the value, the type and the error that a real Spark gives."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, get_args

import polars as pl
import pytest

from datacoolie.core.exceptions import EngineError
from datacoolie.core.types import (
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    TimestampNtzType,
    TimestampType,
)
from datacoolie.sql import Aggregate, ExpressionError, agg, count, parse
from datacoolie.sql.nodes import AggregateFunction
from datacoolie.sql.vectors import Vector, vectors
from datacoolie_engine_polars.expressions import compile_aggregate, compile_expression, translate
from datacoolie_engine_polars.types import to_polars

if TYPE_CHECKING:
    from datacoolie.sql.vectors import Result

LOUD = "it needs more than 38 digits on the way: an error instead of a value"
SHORTEST = "the shortest text that reads back, as Java writes it from version 19 on; the vectors are from Java 17"
DIGITS = "digits of other scripts are no digits"
LEAST = "Spark fails for the least value of 38 digits, though its positive value fits"
WRAPS = "beyond 5.8 million years Spark wraps around; an error here"

DIFFERENCES = {
    "operators: a - b (decimal(38,10),decimal(38,10)) #2": LOUD,
    "operators: a / b (decimal(38,10),decimal(38,10))": LOUD,
    "operators: a / b (decimal(38,0),decimal(38,0))": LOUD,
    "maths: abs(a) (decimal(38,2))": LEAST,
    "maths: negative(a) (decimal(38,2))": LEAST,
    "strings: initcap(a) (string)": "the dotted capital I of Turkish becomes I and a combining dot",
    "casts: cast(a as string) (double)": SHORTEST,
    "casts: cast(a as string) (float)": SHORTEST,
    "casts: cast(a as decimal(10,2)) (string)": DIGITS,
    "casts: try_cast(a as decimal(10,2)) (string)": DIGITS,
    "casts: cast(a as timestamp) (string)": "zones by name are an error",
    "casts: try_cast(a as timestamp) (string)": "zones by name are null",
    "casts: cast(a as timestamp_ntz) (string)": "zones by name are an error",
    "casts: try_cast(a as timestamp_ntz) (string)": "zones by name are null",
    "dates: date_add(a, b) (date,int)": WRAPS,
}
"""What is known to differ, and why."""

OVERFLOWS = {
    "ARITHMETIC_OVERFLOW",
    "BINARY_ARITHMETIC_OVERFLOW",
    "CAST_OVERFLOW",
    "NUMERIC_OUT_OF_SUPPORTED_RANGE",
    "NUMERIC_VALUE_OUT_OF_RANGE",
}
"""Spark's names for one fault: a value that its type can't hold."""

ALL = [pytest.param(vector, id=vector.name) for vector in vectors()]


def frame_of(vector: Vector) -> pl.DataFrame:
    columns = zip(*vector.rows, strict=True) if vector.rows else ([] for _ in vector.schema)
    return pl.DataFrame(
        [
            pl.Series(name, list(values), dtype=to_polars(kind))
            for (name, kind), values in zip(vector.schema.items(), columns, strict=True)
        ]
    )


AGGREGATES: dict[str, AggregateFunction] = {name: name for name in get_args(AggregateFunction)}


def aggregate_of(text: str) -> Aggregate:
    name, _, operand = text.removesuffix(")").partition("(")
    return count() if operand == "*" else agg(AGGREGATES[name], parse(operand))


def evaluate(frame: pl.LazyFrame, expr: pl.Expr, kind: DataType) -> list[object]:
    """Return values as the vectors write them, or one error."""
    try:
        series = frame.with_columns(r=expr).select("r").collect(engine="streaming").to_series()
    except pl.exceptions.PolarsError as error:
        condition = translate(error).details["condition"]
        return [{"error": condition}]
    assert series.dtype == to_polars(kind)
    if isinstance(kind, (DateType, TimestampType, TimestampNtzType)):
        series = series.to_physical()
    return series.to_list()


def same(got: object, expected: Result, kind: DataType) -> bool:
    if isinstance(expected, dict) or isinstance(got, dict):
        return isinstance(expected, dict) and isinstance(got, dict) and same_error(got["error"], expected["error"])
    if got is None or expected is None or isinstance(got, bool):
        return got is expected
    if isinstance(kind, (FloatType, DoubleType)):
        return same_float(float(str(got)), float(str(expected)), 2e-7 if isinstance(kind, FloatType) else 1e-15)
    if isinstance(kind, DecimalType):
        return got == Decimal(str(expected))
    return (got.hex() if isinstance(got, bytes) else got) == expected


def same_float(got: float, expected: float, tolerance: float) -> bool:
    """Compare with room for the last digit of a logarithm or a power, but none for zero's sign."""
    if math.isnan(expected) or expected == 0:
        return repr(got) == repr(expected)
    return math.isclose(got, expected, rel_tol=tolerance)


def same_error(got: str, expected: str | None) -> bool:
    if expected is None:
        return True
    base = expected.split(".")[0]
    return got == base or {got, base} <= OVERFLOWS


@pytest.mark.parametrize("vector", ALL)
def test_vector(vector: Vector, request: pytest.FixtureRequest) -> None:
    if reason := DIFFERENCES.get(vector.name):
        raises = (AssertionError, EngineError)
        request.applymarker(pytest.mark.xfail(reason=reason, raises=raises, strict=True))
    if vector.type is None:
        with pytest.raises(ExpressionError):
            compile_expression(parse(vector.expression), vector.schema)
        return
    if vector.theme == "aggregates":
        check_aggregate(vector)
    else:
        check_rows(vector)


def check_aggregate(vector: Vector) -> None:
    expr, kind = compile_aggregate(aggregate_of(vector.expression), vector.schema)
    assert kind == vector.type
    frame = frame_of(vector).lazy().select(r=expr)
    try:
        series = frame.collect(engine="streaming").to_series()
    except pl.exceptions.PolarsError as error:
        got: object = {"error": translate(error).details["condition"]}
    else:
        assert series.dtype == to_polars(kind)
        is_moment = isinstance(kind, (DateType, TimestampType))
        got = (series.to_physical() if is_moment else series).item()
    (expected,) = vector.results
    zero = isinstance(got, float) and got == 0 and expected in ("0.0", "-0.0")  # either zero may come first
    assert zero or same(got, expected, kind), f"{got!r} instead of {expected!r}"


def check_rows(vector: Vector) -> None:
    expr, kind = compile_expression(parse(vector.expression), vector.schema)
    assert kind == vector.type
    frame = frame_of(vector)
    if any(isinstance(result, dict) for result in vector.results):
        rows = [evaluate(frame[at : at + 1].lazy(), expr, kind)[0] for at in range(frame.height)]
    else:
        rows = evaluate(frame.lazy(), expr, kind)
    assert len(rows) == len(vector.results), rows
    wrong = [
        f"{row}: {got!r} instead of {expected!r}"
        for row, got, expected in zip(vector.rows, rows, vector.results, strict=True)
        if not same(got, expected, kind)
    ]
    assert not wrong, "; ".join(wrong[:5])
