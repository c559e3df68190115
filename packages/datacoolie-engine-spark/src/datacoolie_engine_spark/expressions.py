"""Expressions and aggregates as Spark SQL text, checked against the columns that they are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.sql import bind, bind_aggregate

if TYPE_CHECKING:
    from datacoolie.core.types import Schema
    from datacoolie.sql import Aggregate, Expr


def expression_text(expr: Expr, schema: Schema) -> str:
    """Return the Spark SQL text of an expression over these columns.

    Raises:
        ExpressionError: a column is unknown or ambiguous, or an operand has a type that doesn't fit.
    """
    bind(expr, schema)
    return expr.sql()


def aggregate_text(aggregate: Aggregate, schema: Schema) -> str:
    """Return the Spark SQL text of an aggregate over these columns; raises as `expression_text`."""
    bind_aggregate(aggregate, schema)
    text = aggregate.sql()
    return text.replace("collect(", "collect_list(", 1) if aggregate.function == "collect" else text
