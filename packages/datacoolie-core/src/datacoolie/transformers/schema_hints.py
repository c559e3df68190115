"""Casts of columns to the types that hints say."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from datacoolie.core.models import OnCastError
from datacoolie.core.types import DateType, StringType, TimestampNtzType, TimestampType
from datacoolie.sql import ExpressionError, call, cast, col, infer
from datacoolie.transformers.base import BaseTransformer
from datacoolie.transformers.literals import literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.models import SchemaHint
    from datacoolie.core.types import DataType, Schema
    from datacoolie.sql import Expr
    from datacoolie.transformers.base import TransformContext

Frame = TypeVar("Frame")

FIELD = "transform.schema_hints"
TEMPORAL = (DateType, TimestampType, TimestampNtzType)


class SchemaHints(BaseTransformer[Frame]):
    """Cast columns as the effective hints say; then, if asked for, turn timestamps without zone into points in time.

    Columns whose hints have an `ordinal_position` come first, in that order; the others follow as they were.
    """

    order: ClassVar[int] = 10

    def applies(self, context: TransformContext[Frame]) -> bool:
        """Return whether there are hints, or timestamps without zone are to be converted."""
        return bool(context.hints) or context.flow.transform.settings.convert_timestamp_ntz

    def transform(self, frame: Frame, context: TransformContext[Frame]) -> Frame:
        """Replace all columns with hints at once."""
        schema = context.frames.schema(frame)
        hints = _by_column(context, schema)
        values: dict[str, Expr] = {}
        for column, hint in hints.items():
            if (value := _hinted(hint, column, schema, context)) is not None:
                values[column] = value
        if context.flow.transform.settings.convert_timestamp_ntz:
            values |= _points_in_time(schema, hints, values, context)
        frame = context.frames.with_columns(frame, values) if values else frame
        return _ordered(frame, schema, hints, context)


def _by_column(context: TransformContext[Frame], schema: Schema) -> dict[str, SchemaHint]:
    """Return the active hints by the exact names of their columns."""
    named = [(context.column_if_any(hint.column_name, schema, FIELD), hint) for hint in context.hints if hint.is_active]
    return {column: hint for column, hint in named if column is not None}


def _hinted(hint: SchemaHint, column: str, schema: Schema, context: TransformContext[Frame]) -> Expr | None:
    """Return the new value of a column, `None` when it stays as it is."""
    if hint.on_cast_error is OnCastError.REJECT:
        message = f"column {column!r}: on_cast_error 'reject' is not supported yet; possible: fail, null"
        raise context.error(FIELD, message, column=column)
    value = _cast(hint, column, schema[column], context)
    try:
        if value is not None:
            infer(value, {column: schema[column]})
        if hint.default_value is None:
            return value
        return call("coalesce", value or col(column), literal(hint.default_value, hint.type))
    except ExpressionError as error:
        raise context.error(FIELD, f"column {column!r}: {error}", column=column) from error
    except ValueError as error:
        raise context.error(FIELD, f"column {column!r}: default_value {error}", column=column) from error


def _cast(hint: SchemaHint, column: str, current: DataType, context: TransformContext[Frame]) -> Expr | None:
    """Return the cast that a hint asks for, `None` when the column has the type already."""
    target = hint.type
    to_text = isinstance(target, StringType) and isinstance(current, TEMPORAL)
    if hint.format is not None and not isinstance(target, (StringType, *TEMPORAL)):
        message = (
            f"column {column!r}: format {hint.format!r} is for dates and timestamps, not for {target}; take it out"
        )
        raise context.error(FIELD, message, column=column)
    if target == current:
        return None
    formatted = hint.format if to_text or isinstance(target, TEMPORAL) else None
    # Every date and timestamp can be written by a pattern: there is nothing to be safe from.
    safe = hint.on_cast_error is OnCastError.NULL and not to_text
    return cast(col(column), target, safe=safe, format=formatted)


def _points_in_time(
    schema: Schema, hints: Mapping[str, SchemaHint], values: Mapping[str, Expr], context: TransformContext[Frame]
) -> dict[str, Expr]:
    """Return all columns that are timestamps without zone after the casts, as timestamps."""
    zone = context.flow.transform.settings.timestamp_timezone
    types = {**schema, **{column: hint.type for column, hint in hints.items()}}
    naive = [column for column, kind in types.items() if isinstance(kind, TimestampNtzType)]
    if naive and zone != "UTC":
        message = f"{zone!r} is not supported yet; possible: UTC"
        field = "transform.configure.timestamp_timezone"
        raise context.error(field, message)
    return {column: cast(values.get(column, col(column)), TimestampType()) for column in naive}


def _ordered(frame: Frame, schema: Schema, hints: Mapping[str, SchemaHint], context: TransformContext[Frame]) -> Frame:
    """Return the frame with the columns first that have a position."""
    positions = {column: hint.ordinal_position for column, hint in hints.items() if hint.ordinal_position is not None}
    names = sorted(schema, key=lambda column: (column not in positions, positions.get(column, 0)))
    if names == list(schema):
        return frame
    return context.frames.select(frame, {name: col(name) for name in names})
