"""Aggregates over all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from datacoolie.core.types import DecimalType, DoubleType, FloatType, LongType
from datacoolie.sql import Aggregate, bind_aggregate
from datacoolie_engine_polars.expressions import decimals
from datacoolie_engine_polars.expressions.compiler import lower
from datacoolie_engine_polars.types import to_polars

if TYPE_CHECKING:
    from datacoolie.core.types import DataType, Schema
    from datacoolie.sql.nodes import AggregateFunction


def compile_aggregate(aggregate: Aggregate, schema: Schema) -> tuple[pl.Expr, DataType]:
    """Return the Polars expression of an aggregate, one value, and its type.

    Raises:
        ExpressionError: a column is unknown, or the operand has a type that doesn't fit.
        EngineError: a type has no counterpart in Polars.
    """
    typed, kind = bind_aggregate(aggregate, schema)
    if typed is None:
        return pl.len().cast(pl.Int64), kind
    return _lowered(aggregate.function, lower(typed), typed.type, kind), kind


def _lowered(function: AggregateFunction, value: pl.Expr, kind: DataType, result: DataType) -> pl.Expr:
    match function:
        case "collect":
            return value.drop_nulls().implode()
        case "count":
            return value.count().cast(pl.Int64)
        case "count_if":
            return value.sum().cast(pl.Int64)
        case "sum":
            return _sum(value, kind, result)
        case "max":
            return value.nan_max() if isinstance(kind, (FloatType, DoubleType)) else value.max()
        case "min":
            return value.min()


def _sum(value: pl.Expr, kind: DataType, result: DataType) -> pl.Expr:
    """Return a sum that is null without values and fails on overflow."""
    if isinstance(kind, DecimalType) and isinstance(result, DecimalType):
        total = decimals.scaled(decimals.unscaled(value, kind).sum(), result)
    elif isinstance(result, LongType):
        total = value.cast(pl.Int128).sum().cast(pl.Int64)
    else:
        total = value.cast(to_polars(result)).sum()
    return pl.when(value.count() > 0).then(total)
