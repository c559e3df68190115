"""Which files can't hold a row for which a condition is true, told from the bounds of their columns."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

import polars as pl

from datacoolie.sql import Call, Column, Literal, bind
from datacoolie_engine_polars.schemas import described_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.sql import Expr, Typed

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


def may_be_true(condition: Expr, files: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """Return an expression over `files`: false only where no row can be.

    Comparisons of a column with a constant and tests for null, joined by `and` and `or`, are understood by
    `min.<column>`, `max.<column>` and `null_count.<column>`; all else may be true.
    """
    return _may(bind(condition, described_schema(schema)), files)


def _may(typed: Typed, files: pl.DataFrame) -> pl.Expr:
    match typed.node:
        case Call(function="and" | "or" as name):
            return reduce(and_ if name == "and" else or_, (_may(operand, files) for operand in typed.operands))
        case Call(function="isnull"):
            return _holds_null(typed.operands[0], files)
        case Call(function=name) if name in _MIRRORED:
            left, right = typed.operands
            if isinstance(left.node, Literal):
                left, right, name = right, left, _MIRRORED[name]
            if isinstance(left.node, Column) and isinstance(right.node, Literal) and right.node.value is not None:
                return _compared(left.node.name, name, right.node.value, files)
    return pl.lit(value=True)


def _holds_null(typed: Typed, files: pl.DataFrame) -> pl.Expr:
    count = f"null_count.{typed.node.name}" if isinstance(typed.node, Column) else ""
    return (pl.col(count) > 0).fill_null(value=True) if count in files.columns else pl.lit(value=True)


def _compared(column: str, operator: str, value: object, files: pl.DataFrame) -> pl.Expr:
    low, high = f"min.{column}", f"max.{column}"
    if low not in files.columns:
        return pl.lit(value=True)
    below, above = pl.col(low) <= pl.lit(value), pl.col(high) >= pl.lit(value)
    possible = {
        "<": pl.col(low) < pl.lit(value),
        "<=": below,
        ">": pl.col(high) > pl.lit(value),
        ">=": above,
        "=": below & above,
    }
    return possible[operator].fill_null(value=True)
