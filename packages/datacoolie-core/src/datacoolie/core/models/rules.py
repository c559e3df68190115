"""Rules of a transform: cleaning values, and masking them."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, field_validator, model_validator

from datacoolie.core.models.base import Model
from datacoolie.core.models.forms import AsText, Names, Text, TextMap

Scalar: TypeAlias = str | bool | int | float
"""A value as a document writes it."""


class ColumnsRule(Model):
    """A rule for some columns."""

    columns: Names
    """The columns, in any case."""

    @field_validator("columns")
    @classmethod
    def _names_columns(cls, value: list[str]) -> list[str]:
        if not value:
            message = "must name at least one column"
            raise ValueError(message)
        return value


class BaseValueRule(ColumnsRule):
    """A rule that cleans values, before they are cast."""

    order: int = 100
    """Rules run from the lowest order on; equal ones as they are written."""


class TrimRule(BaseValueRule):
    """Takes away spaces at both ends."""

    operation: Literal["trim"]
    """`trim`"""


class CaseRule(BaseValueRule):
    """Turns text into one case."""

    operation: Literal["case"]
    """`case`"""
    mode: Literal["lower", "upper"]
    """The case."""


class RegexReplaceRule(BaseValueRule):
    """Replaces what a pattern finds."""

    operation: Literal["regex_replace"]
    """`regex_replace`"""
    pattern: Text
    """A regular expression of the portable subset."""
    replacement: AsText
    """What stands there instead, literally."""


class EmptyToNullRule(BaseValueRule):
    """Turns empty text into null."""

    operation: Literal["empty_to_null"]
    """`empty_to_null`"""


class FillNullRule(BaseValueRule):
    """Puts a value in the place of null."""

    operation: Literal["fill_null"]
    """`fill_null`"""
    value: Scalar
    """The value."""


class MapRule(BaseValueRule):
    """Replaces values by others."""

    operation: Literal["map"]
    """`map`"""
    mapping: dict[str, Scalar | None] | TextMap
    """The new value by the old one."""
    on_unmapped: Literal["keep", "null"] = "keep"
    """What happens to values that are not in the mapping."""


ValueRule: TypeAlias = Annotated[
    TrimRule | CaseRule | RegexReplaceRule | EmptyToNullRule | FillNullRule | MapRule, Field(discriminator="operation")
]
"""Any rule that cleans values."""


class RedactRule(ColumnsRule):
    """Replaces each value by one text."""

    method: Literal["redact"]
    """`redact`"""
    value: AsText = "***"
    """The text."""


class NullifyRule(ColumnsRule):
    """Replaces each value by null."""

    method: Literal["nullify"]
    """`nullify`"""


class PartialRule(ColumnsRule):
    """Keeps the ends of a text."""

    method: Literal["partial"]
    """`partial`"""
    keep_start: Annotated[int, Field(ge=0)] = 0
    """Characters to keep at the start."""
    keep_end: Annotated[int, Field(ge=0)] = 0
    """Characters to keep at the end."""
    mask_char: Annotated[str, Field(min_length=1, max_length=1)] = "*"
    """What stands for each other character."""


class NumericBucketRule(ColumnsRule):
    """Rounds numbers down to a multiple."""

    method: Literal["numeric_bucket"]
    """`numeric_bucket`"""
    bucket_size: Annotated[float, Field(gt=0)]
    """The width of a bucket."""


class DateTruncateRule(ColumnsRule):
    """Cuts dates and times down to the start of a unit."""

    method: Literal["date_truncate"]
    """`date_truncate`"""
    unit: Literal["year", "month", "day", "hour"]
    """The unit."""


MaskingRule: TypeAlias = Annotated[
    RedactRule | NullifyRule | PartialRule | NumericBucketRule | DateTruncateRule, Field(discriminator="method")
]
"""Any rule that masks values."""


class HashColumn(Model):
    """A column that holds a hash of others."""

    target_column: Text
    """The column's name."""
    columns: Names
    """What is hashed, in this order."""
    algorithm: Literal["sha256", "xxhash64"] = "sha256"
    """The hash."""
    serialization: Literal["dc_hash_v1"] = "dc_hash_v1"
    """How values become bytes."""

    @model_validator(mode="after")
    def _hashes_something(self) -> Self:
        if not self.columns:
            message = "columns must name at least one column"
            raise ValueError(message)
        return self
