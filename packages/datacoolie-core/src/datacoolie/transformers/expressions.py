"""Columns and filters that are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from datacoolie.core.types import BooleanType, NullType
from datacoolie.transformers.base import BaseTransformer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacoolie.core.types import DataType, Schema
    from datacoolie.sql import Expr
    from datacoolie.transformers.base import TransformContext

Frame = TypeVar("Frame")


class AdditionalColumns(BaseTransformer[Frame]):
    """Add `transform.additional_columns`; later ones see earlier ones, one of an existing name replaces that column."""

    order: ClassVar[int] = 30

    def applies(self, context: TransformContext[Frame]) -> bool:
        """Return whether there are any."""
        return bool(context.flow.transform.additional_columns)

    def transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Add the columns in as few steps as their use of each other allows."""
        schema = dict(context.frames.schema(frame))
        batch: dict[str, Expr] = {}
        for at, item in enumerate(context.flow.transform.additional_columns):
            field = f"transform.additional_columns[{at}]"
            expr = context.expression(item.expression, f"{field}.expression", column=item.column)
            name = _spelled(item.column, schema, field, context)
            if _folded(batch) & _folded(expr.columns):
                frame, batch = context.frames.with_columns(frame, batch), {}
            schema[name] = _value_type(expr, schema, f"{field}.expression", name, context)
            batch[name] = expr
        return context.frames.with_columns(frame, batch)


class FilterExpression(BaseTransformer[Frame]):
    """Keep the rows for which `transform.filter_expression` is true."""

    order: ClassVar[int] = 35

    def applies(self, context: TransformContext[Frame]) -> bool:
        """Return whether there is one."""
        return context.flow.transform.filter_expression is not None

    def transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Filter by it."""
        field = "transform.filter_expression"
        expr = context.expression(context.flow.transform.filter_expression or "", field)
        kind = context.type_of(expr, context.frames.schema(frame), field)
        if not isinstance(kind, BooleanType):
            message = f"{expr} is {kind}; a filter must be true or false, so compare it with something"
            raise context.error(field, message)
        return context.frames.filter(frame, expr)


class PartitionExpressions(BaseTransformer[Frame]):
    """Add the columns of `destination.partition_columns` that are computed, all from the same row as it was."""

    order: ClassVar[int] = 80

    def applies(self, context: TransformContext[Frame]) -> bool:
        """Return whether any is computed."""
        return any(part.expression and not part.hidden for part in context.flow.destination.partition_columns)

    def transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Add them in one step."""
        schema = context.frames.schema(frame)
        values: dict[str, Expr] = {}
        for at, part in enumerate(context.flow.destination.partition_columns):
            if part.expression and not part.hidden:
                field = f"destination.partition_columns[{at}].expression"
                expr = context.expression(part.expression, field, column=part.column)
                _value_type(expr, schema, field, part.column, context)
                values[_spelled(part.column, schema, field, context)] = expr
        return context.frames.with_columns(frame, values)


def _folded(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}


def _spelled(column: str, schema: Schema, field: str, context: TransformContext[Frame]) -> str:
    """Return the name of the column that is replaced, else the new one's as it is given."""
    return context.column(column, schema, field) if column.lower() in _folded(schema) else column


def _value_type(expr: Expr, schema: Schema, field: str, column: str, context: TransformContext[Frame]) -> DataType:
    """Return the type of a column's value, which a table must be able to hold."""
    kind = context.type_of(expr, schema, field, column=column)
    if isinstance(kind, NullType):
        message = f"{expr} is always null and has no type; write a cast, such as CAST(NULL AS string)"
        raise context.error(field, message, column=column)
    return kind
