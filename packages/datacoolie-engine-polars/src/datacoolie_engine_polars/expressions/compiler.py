"""From a typed expression to a Polars expression."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from datacoolie.core.exceptions import TransformError
from datacoolie.core.types import ArrayType
from datacoolie.sql import Call, Case, Cast, Column, Expr, Literal, Typed, bind
from datacoolie_engine_polars.expressions.casts import lower_cast
from datacoolie_engine_polars.expressions.checks import COMPUTED, Operands, checked, fail_when
from datacoolie_engine_polars.expressions.errors import translate
from datacoolie_engine_polars.expressions.lowerings import LOWERINGS, NEVER_FAIL
from datacoolie_engine_polars.types import to_polars

if TYPE_CHECKING:
    from datacoolie.core.types import DataType, Schema
    from datacoolie.sql.text import Value


def compile_expression(expr: Expr, schema: Schema, column: str = "") -> tuple[pl.Expr, DataType]:
    """Return the Polars expression and the type of an expression over these columns.

    The result is lazy, elementwise and without a name: give it one with `alias`. Evaluating it may raise a
    `polars.exceptions.PolarsError`, which `translate` makes an error of the framework.

    Args:
        expr: the expression.
        schema: the columns that it may use.
        column: the column that it computes, for errors of its evaluation.

    Raises:
        ExpressionError: a column is unknown, or an operand has a type that doesn't fit.
        EngineError: a type has no counterpart in Polars.
    """
    typed = bind(expr, schema)
    before = COMPUTED.set(column)
    try:
        return lower(typed), typed.type
    finally:
        COMPUTED.reset(before)


def lower(typed: Typed, guard: pl.Expr | None = None) -> pl.Expr:
    """Return the Polars expression of a typed one.

    Args:
        typed: what `bind` made.
        guard: the rows for which the value is needed; on others nothing may fail. `None` means all rows.
    """
    match typed.node:
        case Column():
            return pl.col(typed.node.name)
        case Literal():
            return _literal(typed.node.value, to_polars(typed.type))
        case _ if not typed.node.columns:
            constant = _constant(typed)
            return _failing(typed, constant, guard) if isinstance(constant, TransformError) else constant
        case _:
            return _lower_operation(typed, guard)


def _literal(value: Value, kind: pl.DataType) -> pl.Expr:
    if isinstance(value, datetime):
        # `pl.lit` evaluates two plans to make one of these.
        since = value - datetime(1970, 1, 1, tzinfo=value.tzinfo and UTC)
        return pl.lit(since // timedelta(microseconds=1), dtype=pl.Int64()).cast(kind)
    return pl.lit(value, dtype=kind)


def _lower_operation(typed: Typed, guard: pl.Expr | None) -> pl.Expr:
    match typed.node:
        case Case():
            return _lower_case(typed.operands, guard)
        case Cast():
            return lower_cast(typed, _masked(typed.operands[0], guard))
        case Call(function=name) if name in CHOICES:
            return CHOICES[name](typed, guard)
        case Call(function=name):
            return LOWERINGS[name](Operands(typed, _lower_operands(typed, name, guard)))
        case _:
            message = f"{typed.node!r} is no scalar expression"
            raise TypeError(message)


def _constant(typed: Typed) -> pl.Expr | TransformError:
    """Return what is made of constants as a constant, so that readers can skip by statistics; or why it fails."""
    expr = _lower_operation(typed, None)
    if isinstance(typed.type, ArrayType):
        return expr
    try:
        value = pl.select(expr).to_series()
    except pl.exceptions.PolarsError as error:
        failure = translate(error)
        if isinstance(failure, TransformError):
            return failure
        raise failure from error
    return pl.lit(value.item(), dtype=value.dtype)


def _failing(typed: Typed, failure: TransformError, guard: pl.Expr | None) -> pl.Expr:
    """Return nulls, failing in the pass if a row gets there at all."""
    value = failure.details["value"]
    reached = pl.lit(value=True) if guard is None else guard.fill_null(value=False)
    example = None if value is None else pl.lit(value)
    nothing = pl.lit(None, dtype=to_polars(typed.type))
    return checked(nothing, fail_when(reached, failure.details["condition"], example))


def _lower_operands(typed: Typed, function: str, guard: pl.Expr | None) -> list[pl.Expr]:
    """Lower operands in Spark's order: once one is null, the value is null and those after it must not fail."""
    lowered: dict[int, pl.Expr] = {}
    for at in _order(function, len(typed.operands)):
        operand, needed = typed.operands[at], guard
        if lowered and function not in _TAKES_NULL and fails(operand):
            present = [each.is_not_null() for each in lowered.values()]
            needed = _narrowed(guard, pl.all_horizontal(present))
        lowered[at] = lower(operand, needed) if function in NEVER_FAIL else _masked(operand, needed)
    return [lowered[at] for at in range(len(typed.operands))]


def _order(function: str, count: int) -> range:
    """Return the order in which Spark evaluates operands: a divisor comes before what it divides."""
    return range(count - 1, -1, -1) if function in ("/", "%", "div", "pmod") else range(count)


_TAKES_NULL = frozenset({"<=>", "in", "isnull", "isnotnull", "isnan", "greatest", "least", "concat_ws", "concat"})
"""Functions that evaluate all operands, or whose value may not be null where an operand is."""


def _masked(operand: Typed, guard: pl.Expr | None) -> pl.Expr:
    """Lower an operand to null where the value isn't needed: no operation fails on null."""
    expr = lower(operand, guard)
    return expr if guard is None or _null_outside(operand) else pl.when(guard).then(expr)


def _null_outside(typed: Typed) -> bool:
    """Return whether the operand is null outside of its guard already, because its own operands are."""
    node = typed.node
    if isinstance(node, Call):
        return node.function not in NEVER_FAIL
    return isinstance(node, Cast)


def _narrowed(guard: pl.Expr | None, condition: pl.Expr) -> pl.Expr:
    return condition if guard is None else guard & condition


def _lower_case(operands: tuple[Typed, ...], guard: pl.Expr | None) -> pl.Expr:
    """Lower conditions and values; each is evaluated only where no earlier condition was true."""
    branches = list(zip(operands[::2], operands[1::2], strict=False))
    default = operands[-1] if len(operands) % 2 else None
    lowered: list[tuple[pl.Expr, pl.Expr]] = []
    open_guard = guard
    for condition, value in branches:
        test = lower(condition, open_guard)
        lowered.append((test, lower(value, _narrowed(open_guard, test) if fails(value) else None)))
        open_guard = _narrowed(open_guard, ~test.fill_null(value=False))
    otherwise = None if default is None else lower(default, open_guard)
    return _chosen(lowered, otherwise, to_polars(branches[0][1].type))


def _chosen(branches: list[tuple[pl.Expr, pl.Expr]], otherwise: pl.Expr | None, dtype: pl.DataType) -> pl.Expr:
    result = pl.lit(None, dtype=dtype) if otherwise is None else otherwise
    for condition, value in reversed(branches):
        result = pl.when(condition).then(value).otherwise(result)
    return result


def fails(typed: Typed) -> bool:
    """Return whether evaluating can raise, so that rows which don't need it have to be masked."""
    node = typed.node
    if isinstance(node, (Column, Literal)):
        return False
    if not node.columns:
        return isinstance(_constant(typed), TransformError)
    own = isinstance(node, Cast) or (isinstance(node, Call) and node.function not in NEVER_FAIL)
    return own or any(fails(operand) for operand in typed.operands)


def _if(typed: Typed, guard: pl.Expr | None) -> pl.Expr:
    return _lower_case(typed.operands, guard)


def _coalesce(typed: Typed, guard: pl.Expr | None) -> pl.Expr:
    exprs: list[pl.Expr] = []
    for operand in typed.operands:
        missing = guard
        if exprs and fails(operand):
            missing = _narrowed(guard, pl.coalesce(*exprs).is_null())
        exprs.append(lower(operand, missing))
    return pl.coalesce(*exprs)


def _nvl2(typed: Typed, guard: pl.Expr | None) -> pl.Expr:
    tested = lower(typed.operands[0], guard)
    given, missing = typed.operands[1:]
    present = tested.is_not_null()
    return (
        pl.when(present)
        .then(lower(given, _narrowed(guard, present)))
        .otherwise(lower(missing, _narrowed(guard, tested.is_null())))
    )


def _and(typed: Typed, guard: pl.Expr | None) -> pl.Expr:
    left, right = typed.operands
    first = lower(left, guard)
    return first & lower(right, _narrowed(guard, first.fill_null(value=True)) if fails(right) else None)


def _or(typed: Typed, guard: pl.Expr | None) -> pl.Expr:
    left, right = typed.operands
    first = lower(left, guard)
    return first | lower(right, _narrowed(guard, ~first.fill_null(value=False)) if fails(right) else None)


CHOICES = {"if": _if, "coalesce": _coalesce, "nvl": _coalesce, "nvl2": _nvl2, "and": _and, "or": _or}
"""Functions that evaluate an operand only where an earlier one asks for it."""
