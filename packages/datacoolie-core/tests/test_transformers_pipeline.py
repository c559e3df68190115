from __future__ import annotations

from typing import NoReturn

import pytest

from datacoolie.core.exceptions import ErrorClass, TransformError
from datacoolie.sql import ExpressionError
from datacoolie.transformers.base import BaseTransformer, TransformContext
from datacoolie.transformers.deduplicate import Deduplicate
from datacoolie.transformers.expressions import AdditionalColumns, FilterExpression, PartitionExpressions
from datacoolie.transformers.pipeline import pipeline, run_pipeline
from datacoolie.transformers.projection import ColumnNames, Projection
from datacoolie.transformers.schema_hints import SchemaHints
from datacoolie.transformers.support import unsupported
from datacoolie.transformers.system_columns import SystemColumns
from datacoolie.transformers.value_rules import ValueRules
from tests.planner import Plan, context_of, plan

ALL: list[BaseTransformer[Plan]] = [
    ColumnNames(),
    Projection(),
    PartitionExpressions(),
    SystemColumns(),
    FilterExpression(),
    AdditionalColumns(),
    Deduplicate(),
    SchemaHints(),
    ValueRules(),
]


def test_only_transformers_that_apply_run_and_in_their_order() -> None:
    asked = {
        "value_rules": [{"operation": "trim", "columns": ["a"]}],
        "deduplicate_columns": ["a"],
        "additional_columns": [{"column": "x", "expression": "1"}],
        "filter_expression": "true",
        "drop_columns": ["a"],
    }
    everything = context_of(
        asked,
        destination={"partition_columns": [{"column": "p", "expression": "1"}]},
        hints=[{"column_name": "a", "data_type": "int"}],
    )

    assert [type(each) for each in pipeline(ALL, context_of())] == [SystemColumns, ColumnNames]
    assert [type(each) for each in pipeline(ALL, context_of({"system_columns": False}))] == [ColumnNames]
    assert [type(each) for each in pipeline(ALL, everything)] == [type(each) for each in reversed(ALL)]


def test_an_error_names_the_transformer() -> None:
    with pytest.raises(TransformError) as caught:
        run_pipeline(plan("id int"), ALL, context_of({"drop_columns": ["x"]}))

    assert caught.value.details == {
        "dataflow": "orders",
        "field": "transform.drop_columns",
        "column": "x",
        "transformer": "Projection",
    }


class Broken(BaseTransformer[Plan]):
    order = 45

    def applies(self, context: TransformContext[Plan]) -> bool:  # noqa: ARG002 - it always does
        return True

    def transform(self, frame: Plan, context: TransformContext[Plan]) -> NoReturn:  # noqa: ARG002 - it only fails
        message = "There is no column 'x'"
        raise ExpressionError(message)


def test_a_plugins_expression_error_becomes_a_transform_error() -> None:
    with pytest.raises(TransformError, match="orders: Broken: There is no column 'x'") as caught:
        run_pipeline(plan("id int"), [Broken()], context_of())

    assert caught.value.details == {"dataflow": "orders", "transformer": "Broken"}
    assert caught.value.error_class is ErrorClass.CONFIGURATION


def test_what_is_not_supported_yet_is_named() -> None:
    context = context_of(
        {
            "hash_columns": [{"target_column": "h", "columns": ["a"]}],
            "masking_rules": [{"method": "nullify", "columns": ["a"]}],
            "additional_columns": [{"column": "x", "expression": {"polars": "y"}}],
            "configure": {"convert_timestamp_ntz": True, "timestamp_timezone": "Europe/Berlin"},
        },
        hints=[
            {"column_name": "a", "data_type": "int", "on_cast_error": "reject"},
            {"column_name": "b", "data_type": "int", "on_cast_error": "reject", "is_active": False},
        ],
    )

    assert unsupported(context.flow, context.hints) == [
        "transform.hash_columns is not supported yet",
        "transform.masking_rules is not supported yet",
        "transform.configure.timestamp_timezone 'Europe/Berlin' (only UTC is) is not supported yet",
        "on_cast_error 'reject' of the schema hint for column 'a' is not supported yet",
        "transform.additional_columns[0].expression: one text per engine is not supported yet",
    ]
    assert unsupported(context_of().flow) == []
