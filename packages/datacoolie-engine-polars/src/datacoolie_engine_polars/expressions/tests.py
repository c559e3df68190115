"""Comparisons, logic, tests for null, and the choice of an extreme."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import polars as pl

from datacoolie.core.types import DoubleType, FloatType, NullType
from datacoolie.sql import Literal
from datacoolie_engine_polars.types import to_polars

if TYPE_CHECKING:
    from datacoolie_engine_polars.expressions.checks import Operands

_FLOATS = (FloatType, DoubleType)


def _in(operands: Operands) -> pl.Expr:
    subject, *members = operands.exprs
    literals = [member.node for member in operands.typed.operands[1:] if isinstance(member.node, Literal)]
    if len(literals) == len(members) and not isinstance(operands.types[0], NullType):
        values = [literal.value for literal in literals if literal.value is not None]
        found = subject.is_in(pl.Series(values, dtype=to_polars(operands.types[0])).implode())
        # With a null among the members, what isn't found may still be equal to it.
        return found if len(values) == len(literals) else pl.when(found).then(statement=True)
    return reduce(lambda left, right: left | right, (subject == member for member in members))


def _is_nan(operands: Operands) -> pl.Expr:
    (value,) = operands.exprs
    if isinstance(operands.types[0], _FLOATS):
        return value.is_nan().fill_null(value=False)
    return value.is_null() & False


def _extreme(operands: Operands, *, largest: bool) -> pl.Expr:
    """Return the largest or smallest value; NaN is larger than any number, nulls don't count."""

    def better(left: pl.Expr, right: pl.Expr) -> pl.Expr:
        wins = left >= right if largest else left <= right
        return pl.when(wins | right.is_null()).then(left).otherwise(right)

    return reduce(better, operands.exprs)


LOWERINGS = {
    "=": lambda o: o.exprs[0] == o.exprs[1],
    "!=": lambda o: o.exprs[0] != o.exprs[1],
    "<": lambda o: o.exprs[0] < o.exprs[1],
    "<=": lambda o: o.exprs[0] <= o.exprs[1],
    ">": lambda o: o.exprs[0] > o.exprs[1],
    ">=": lambda o: o.exprs[0] >= o.exprs[1],
    "<=>": lambda o: o.exprs[0].eq_missing(o.exprs[1]),
    "not": lambda o: ~o.exprs[0],
    "in": _in,
    "isnull": lambda o: o.exprs[0].is_null(),
    "isnotnull": lambda o: o.exprs[0].is_not_null(),
    "isnan": _is_nan,
    "greatest": lambda o: _extreme(o, largest=True),
    "least": lambda o: _extreme(o, largest=False),
}
