"""Watermark columns in a schema: which they are, and whether their types can be compared with a mark."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from datacoolie.core import types
from datacoolie.core.exceptions import WatermarkError
from datacoolie.core.marks import type_name
from datacoolie.core.models import MODIFIED
from datacoolie.sql import ExpressionError, resolve_column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacoolie.core.types import DataType, Schema

FILE_COLUMNS = ("__file_name", "__file_path", MODIFIED)
"""Columns that every row of a file carries when the flow names them."""

_PYTHON_TYPES: dict[type[DataType], type] = {
    types.ByteType: int,
    types.ShortType: int,
    types.IntegerType: int,
    types.LongType: int,
    types.DecimalType: Decimal,
    types.FloatType: float,
    types.DoubleType: float,
    types.StringType: str,
    types.TimestampType: datetime,
    types.TimestampNtzType: datetime,
    types.DateType: date,
}
"""The Python type of a mark, by the type of its column; other columns can't be watermarks."""


def resolve(columns: Iterable[str], schema: Schema, where: str) -> dict[str, str]:
    """Map watermark columns, as the metadata names them, to columns of the schema.

    Raises:
        WatermarkError: a column is missing or can't be a mark.
    """
    found = {}
    for column in columns:
        try:
            actual = resolve_column(column, schema)
        except ExpressionError as error:
            message = f"{where}: watermark column: {error.message}"
            raise WatermarkError(message, {"column": column}) from error
        if type(schema[actual]) not in _PYTHON_TYPES:
            message = (
                f"{where}: watermark column {column!r} is {schema[actual]}; it must be a date, time, number or text"
            )
            raise WatermarkError(message, {"column": column})
        found[column] = actual
    return found


def type_of(column: str, schema: Schema, where: str) -> DataType:
    """Return the type of a watermark column; raises as `resolve`."""
    return schema[resolve([column], schema, where)[column]]


def check_value(name: str, value: object, kind: DataType, where: str) -> None:
    """Make sure that a value can be compared with a column of type `kind`; null can with any.

    Raises:
        WatermarkError: the types differ.
    """
    fits = value is None or type(value) is _PYTHON_TYPES[type(kind)]
    if fits and isinstance(value, datetime):
        fits = (value.tzinfo is not None) == isinstance(kind, types.TimestampType)
    if not fits:
        message = (
            f"{where}: watermark column {name!r} is {kind} now, but the saved mark is {value!r} ({type_name(value)}). "
            "Marks are compared by type: give the column its old type again, or reset the state of this flow"
        )
        raise WatermarkError(message, {"column": name, "type": str(kind), "mark": str(value)})
