"""Transforms: what happens to rows between source and destination."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Self, TypeAlias

from pydantic import BeforeValidator, Field, field_validator, model_validator

from datacoolie.core.models.base import Model
from datacoolie.core.models.configured import check_settings
from datacoolie.core.models.forms import Expression, Names, OpenMap, Text, TextMap, as_list
from datacoolie.core.models.hints import HintList
from datacoolie.core.models.rules import HashColumn, MaskingRule, ValueRule
from datacoolie.core.models.settings import TransformSettings


class AdditionalColumn(Model):
    """A column that is computed."""

    column: Text
    """The column's name."""
    expression: Expression
    """Its value; sees the columns that were added before."""


ValueRules: TypeAlias = Annotated[
    list[ValueRule], BeforeValidator(as_list, json_schema_input_type=list[ValueRule] | ValueRule | str | None)
]
MaskingRules: TypeAlias = Annotated[
    list[MaskingRule], BeforeValidator(as_list, json_schema_input_type=list[MaskingRule] | MaskingRule | str | None)
]
HashColumns: TypeAlias = Annotated[
    list[HashColumn], BeforeValidator(as_list, json_schema_input_type=list[HashColumn] | HashColumn | str | None)
]
AdditionalColumns: TypeAlias = Annotated[
    list[AdditionalColumn],
    BeforeValidator(as_list, json_schema_input_type=list[AdditionalColumn] | AdditionalColumn | str | None),
]


class Transform(Model):
    """What happens to rows, in the order of these fields."""

    value_rules: ValueRules = Field(default_factory=list)
    """Rules that clean values before they are cast."""
    schema_hints: HintList = Field(default_factory=list)
    """Types to which columns are cast, over shared hints."""
    hash_columns: HashColumns = Field(default_factory=list)
    """Columns that hold a hash of others."""
    deduplicate_columns: Names = Field(default_factory=list)
    """Keys of which the newest row stays; by default the merge keys."""
    latest_data_columns: Names = Field(default_factory=list)
    """What tells which row is the newest; by default the watermark columns."""
    additional_columns: AdditionalColumns = Field(default_factory=list)
    """Columns that are computed; later ones see earlier ones."""
    filter_expression: Expression | None = None
    """Rows for which this is true stay."""
    masking_rules: MaskingRules = Field(default_factory=list)
    """Rules that mask values; a column stands in one of them only."""
    select_columns: Names = Field(default_factory=list)
    """The only columns that stay."""
    drop_columns: Names = Field(default_factory=list)
    """Columns that go away."""
    rename_columns: TextMap = Field(default_factory=dict)
    """New names by old ones."""
    system_columns: bool = True
    """Whether `__created_at`, `__updated_at`, `__updated_by` and `__dataflow_run_id` are added."""
    configure: OpenMap = Field(default_factory=dict)
    """Settings as they were written; `settings` has them typed."""

    @cached_property
    def settings(self) -> TransformSettings:
        """`configure`, typed."""
        return TransformSettings.model_validate(self.configure)

    @field_validator("configure")
    @classmethod
    def _check_configure(cls, value: dict[str, object]) -> dict[str, object]:
        check_settings(TransformSettings, value, {})
        return value

    @field_validator("masking_rules")
    @classmethod
    def _mask_once(cls, value: list[MaskingRule]) -> list[MaskingRule]:
        masked: set[str] = set()
        for column in (column for rule in value for column in rule.columns):
            if column.lower() in masked:
                message = f"mask the column {column!r} twice; keep one rule"
                raise ValueError(message)
            masked.add(column.lower())
        return value

    @field_validator("rename_columns")
    @classmethod
    def _rename_once(cls, value: dict[str, str]) -> dict[str, str]:
        olds = {old.lower() for old in value}
        news: set[str] = set()
        for old, new in value.items():
            if not new:
                message = f"gives {old!r} an empty name"
                raise ValueError(message)
            if new.lower() in news:
                message = f"gives two columns the name {new!r}"
                raise ValueError(message)
            if new.lower() in olds - {old.lower()}:
                message = f"renames {old!r} to {new!r}, which is renamed itself; renames happen at once, without chains"
                raise ValueError(message)
            news.add(new.lower())
        return value

    @model_validator(mode="after")
    def _select_or_drop(self) -> Self:
        if self.select_columns and self.drop_columns:
            message = "select_columns and drop_columns exclude each other; keep one"
            raise ValueError(message)
        return self
