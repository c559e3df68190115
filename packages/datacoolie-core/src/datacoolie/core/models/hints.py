"""Schema hints: which type a column of a source has."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, field_validator, model_validator

from datacoolie.core.models.base import Model
from datacoolie.core.models.checks import NotPossibleError
from datacoolie.core.models.enums import OnCastError
from datacoolie.core.models.forms import Text, as_list
from datacoolie.core.models.rules import Scalar
from datacoolie.core.types import TYPE_NAMES, DataType, DecimalType, parse_type


class SchemaHint(Model):
    """The type of one column, to which it is cast."""

    column_name: Text
    """The column, in any case."""
    data_type: Text
    """A type by Spark's name, or INTEGER, DATETIME, NUMERIC."""
    format: Text | None = None
    """How text holds a date or time: Spark's datetime pattern."""
    precision: int | None = None
    """Digits of a decimal."""
    scale: int | None = None
    """Digits after the point of a decimal."""
    default_value: Scalar | None = None
    """Stands in the place of null."""
    ordinal_position: int | None = None
    """Where the column stands among the others."""
    is_active: bool = True
    """An inactive hint is left out."""
    on_cast_error: OnCastError = OnCastError.FAIL
    """What happens to a value that can't be cast."""

    @property
    def type(self) -> DataType:
        """The type, with precision and scale."""
        kind = parse_type(self.data_type)
        if self.precision is None and self.scale is None:
            return kind
        return DecimalType(10 if self.precision is None else self.precision, self.scale or 0)

    @field_validator("data_type")
    @classmethod
    def _is_a_type(cls, value: str) -> str:
        try:
            parse_type(value)
        except ValueError as error:
            message = "is not a data type"
            raise NotPossibleError(message, TYPE_NAMES) from error
        return value

    @model_validator(mode="after")
    def _has_a_type(self) -> Self:
        kind = parse_type(self.data_type)
        given = self.precision is not None or self.scale is not None
        if given and (not isinstance(kind, DecimalType) or "(" in self.data_type):
            message = f"precision and scale belong to data_type decimal, not to {self.data_type!r}"
            raise ValueError(message)
        _ = self.type
        return self


HintList = Annotated[
    list[SchemaHint], BeforeValidator(as_list, json_schema_input_type=list[SchemaHint] | SchemaHint | str | None)
]
"""Hints, in any of the list forms."""


class SchemaHintSet(Model):
    """Hints that all dataflows share that read one table."""

    connection_name: Text | None = None
    """The connection that is read, by name."""
    connection_id: Text | None = None
    """The connection that is read, by id."""
    schema_name: Text | None = None
    """The table's schema or folder; null: any."""
    table_name: Text
    """The table."""
    hints: HintList
    """One a column."""

    @model_validator(mode="after")
    def _names_a_connection(self) -> Self:
        if (self.connection_name is None) == (self.connection_id is None):
            message = "needs either connection_name or connection_id"
            raise ValueError(message)
        return self
