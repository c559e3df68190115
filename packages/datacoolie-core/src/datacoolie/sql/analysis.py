"""Expressions meet columns: names are resolved, types inferred, implicit conversions written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.core.types import (
    INTEGRAL,
    ArrayType,
    BooleanType,
    DataType,
    DecimalType,
    DoubleType,
    LongType,
    NullType,
    StringType,
    TimestampType,
)
from datacoolie.sql.coercion import ATOMIC, MAX_PRECISION, TEMPORAL, castable, implicit, widest
from datacoolie.sql.errors import ExpressionError
from datacoolie.sql.functions import BY_NAME
from datacoolie.sql.functions.model import NUMBER, Argument
from datacoolie.sql.nodes import Aggregate, Call, Case, Cast, Column, Expr, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.core.types import Schema


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression over known columns, as an engine lowers it.

    Attributes:
        node: the expression; a `Column` has the exact name of the schema.
        type: what it gives.
        operands: the operands of `node`, each brought by a `Cast` to the type that the operation works on.
    """

    node: Expr
    type: DataType
    operands: tuple[Typed, ...] = ()


def infer(expr: Expr | Aggregate, schema: Schema) -> DataType:
    """Return the type of an expression over these columns, as Spark 4 gives it in ANSI mode.

    Raises:
        ExpressionError: a column is unknown or ambiguous, or an operand has a type that doesn't fit.
    """
    return bind_aggregate(expr, schema)[1] if isinstance(expr, Aggregate) else bind(expr, schema).type


def resolve_column(name: str, schema: Schema) -> str:
    """Return the exact name of the column that `name` stands for, in any case.

    Raises:
        ExpressionError: there is none, or several that differ only in case.
    """
    return _resolve(Column(name), schema)


def _resolve(column: Column, schema: Mapping[str, DataType]) -> str:
    folded = column.name.lower()
    found = [actual for actual in schema if actual.lower() == folded]
    if len(found) > 1:
        message = f"Column {column.name!r} is ambiguous: {listed(found)} differ only in case"
        raise ExpressionError(message, column.at)
    if not found:
        near = did_you_mean(column.name, schema)
        message = f"There is no column {column.name!r}. Columns: {listed(schema)}.{near}"
        raise ExpressionError(message, column.at)
    return found[0]


def bind(expr: Expr, schema: Schema) -> Typed:
    """Return the expression with exact column names, types, and every implicit conversion written out.

    Raises:
        ExpressionError: a column is unknown or ambiguous, or an operand has a type that doesn't fit.
    """
    match expr:
        case Column():
            name = _resolve(expr, schema)
            return Typed(Column(name, expr.at), schema[name])
        case Literal():
            return Typed(expr, expr.type)
        case Cast():
            return _bind_cast(expr, bind(expr.operand, schema))
        case Case():
            return _bind_case(expr, schema)
        case Call(function="nullif"):
            value, other = expr.arguments
            equal = Call("=", (value, other), expr.at)
            return bind(Case(((equal, Literal(None, NullType())),), value, expr.at), schema)
        case Call():
            return _bind_call(expr, tuple(bind(argument, schema) for argument in expr.arguments))
        case _:
            message = f"{expr!r} is no expression"
            raise TypeError(message)


def _bind_call(expr: Call, operands: Sequence[Typed]) -> Typed:
    function = BY_NAME[expr.function]
    arguments = [Argument(type=operand.type, node=operand.node) for operand in operands]
    resolved = function.signature.resolve(arguments)
    if resolved is None:
        given = listed(str(argument.type) for argument in arguments)
        constant = " or not constant" if "constant" in function.usage else ""
        message = f"{function.name} can't be used with ({given}){constant}: {function.usage}"
        raise ExpressionError(message, expr.at)
    casts = tuple(brought(operand, kind) for operand, kind in zip(operands, resolved.arguments, strict=True))
    return Typed(expr, resolved.result, casts)


def brought(operand: Typed, kind: DataType) -> Typed:
    """Return the operand converted to `kind`, itself if it is of that type already."""
    if operand.type == kind:
        return operand
    if isinstance(operand.node, Literal) and operand.node.value is None:
        return Typed(Literal(None, kind), kind)
    return Typed(Cast(operand.node, kind), kind, (operand,))


def _bind_cast(expr: Cast, operand: Typed) -> Typed:
    if expr.format is not None:
        return _bind_formatted(expr, operand)
    if not castable(operand.type, expr.type):
        message = f"{operand.type} can't be converted to {expr.type}"
        raise ExpressionError(message, expr.at)
    return Typed(expr, expr.type, (operand,))


def _bind_formatted(expr: Cast, operand: Typed) -> Typed:
    """Bind a conversion by a datetime pattern: text to a date or timestamp, or the other way."""
    if isinstance(expr.type, StringType):
        if not isinstance(operand.type, (NullType, StringType, *TEMPORAL)):
            message = f"{operand.type} has no datetime pattern; date_format takes a date or timestamp"
            raise ExpressionError(message, expr.at)
        return Typed(expr, expr.type, (brought(operand, TimestampType()),))
    if not isinstance(expr.type, TEMPORAL) or not isinstance(operand.type, (NullType, *ATOMIC)):
        message = f"{operand.type} can't be converted to {expr.type} by the pattern {expr.format!r}"
        raise ExpressionError(message, expr.at)
    if isinstance(operand.type, TEMPORAL):
        return _bind_cast(Cast(expr.operand, expr.type, expr.safe, at=expr.at), operand)
    return Typed(expr, expr.type, (brought(operand, StringType()),))


def _bind_case(expr: Case, schema: Schema) -> Typed:
    values = [bind(value, schema) for _, value in expr.branches]
    if expr.default is not None:
        values.append(bind(expr.default, schema))
    common = widest([value.type for value in values])
    if common is None:
        message = f"The branches of CASE have no type in common: {listed(str(value.type) for value in values)}"
        raise ExpressionError(message, expr.at)
    flat: list[Typed] = []
    for (condition, _), value in zip(expr.branches, values, strict=False):
        flat += [_condition(condition, schema), brought(value, common)]
    if expr.default is not None:
        flat.append(brought(values[-1], common))
    return Typed(expr, common, tuple(flat))


def _condition(expr: Expr, schema: Schema) -> Typed:
    condition = bind(expr, schema)
    if not isinstance(condition.type, BooleanType):
        message = f"A condition of CASE must be boolean, {expr} is {condition.type}"
        raise ExpressionError(message, getattr(expr, "at", None))
    return condition


def bind_aggregate(aggregate: Aggregate, schema: Schema) -> tuple[Typed | None, DataType]:
    """Return the bound operand of an aggregate, if it has one, and the type of its value.

    Raises:
        ExpressionError: as `bind`; or the aggregate doesn't take values of the operand's type.
    """
    if aggregate.operand is None:
        return None, LongType()
    operand = bind(aggregate.operand, schema)
    accepted: DataType | None = operand.type
    match aggregate.function:
        case "sum":
            accepted = NUMBER.accept(operand.type)
        case "count_if":
            accepted = implicit(operand.type, BooleanType())
        case "max" | "min" if not isinstance(operand.type, (NullType, *ATOMIC)):
            accepted = None
    if accepted is None:
        message = f"{aggregate.function} can't be used with {operand.type}"
        raise ExpressionError(message, getattr(aggregate.operand, "at", None))
    return brought(operand, accepted), _aggregated(aggregate.function, accepted)


def _aggregated(function: str, kind: DataType) -> DataType:
    match function, kind:
        case "sum", DecimalType():
            return DecimalType(min(kind.precision + 10, MAX_PRECISION), kind.scale)
        case "sum", _:
            return LongType() if isinstance(kind, INTEGRAL) else DoubleType()
        case (("count" | "count_if"), _):
            return LongType()
        case "collect", _:
            return ArrayType(kind)
        case _:
            return kind
