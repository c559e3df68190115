from __future__ import annotations

import pytest

from datacoolie.transformers.deduplicate import Deduplicate
from datacoolie.transformers.expressions import AdditionalColumns, FilterExpression, PartitionExpressions
from datacoolie.transformers.system_columns import SystemColumns
from tests.planner import Plan, context_of, plan, refused, written


def test_deduplication_takes_merge_keys_and_watermarks_by_default() -> None:
    context = context_of(
        {"latest_data_columns": ["Modified"], "rename_columns": {"CustNo": "customer_id"}},
        destination={"merge_keys": ["customer_id"]},
    )
    by_watermark = context_of({"deduplicate_columns": ["custno"]}, source={"watermark_columns": ["modified"]})
    frame = plan("CustNo int, modified date")

    assert Deduplicate[Plan]().transform(frame, context).steps == ("newest per CustNo by modified, one",)
    assert Deduplicate[Plan]().transform(frame, by_watermark).steps == ("newest per CustNo by modified, one",)


def test_deduplication_by_rank_keeps_ties() -> None:
    context = context_of(
        {"deduplicate_columns": "a, b, A", "latest_data_columns": "c, a", "configure": {"deduplicate_by_rank": True}}
    )

    result = Deduplicate[Plan]().transform(plan("a int, b int, c int"), context)

    assert result.steps == ("newest per a, b by c, a, all",)


@pytest.mark.parametrize(
    ("transform", "field", "message"),
    [
        (
            {"latest_data_columns": ["at"]},
            "transform.latest_data_columns",
            "there are no keys to deduplicate by; give transform.deduplicate_columns or destination.merge_keys",
        ),
        (
            {"deduplicate_columns": ["id"]},
            "transform.deduplicate_columns",
            "nothing says which row is the newest; give transform.latest_data_columns or source.watermark_columns",
        ),
        (
            {"deduplicate_columns": ["idd"], "latest_data_columns": ["at"]},
            "transform.deduplicate_columns",
            "There is no column 'idd'. Columns: id, at. Did you mean 'id'?",
        ),
    ],
)
def test_deduplication_that_lacks_something_is_refused(transform: dict[str, object], field: str, message: str) -> None:
    error = refused(Deduplicate[Plan](), plan("id int, at date"), context_of(transform))

    assert str(error) == f"orders: {field}: {message}"


def test_additional_columns_are_added_together_unless_one_uses_another() -> None:
    columns = [
        {"column": "total", "expression": "price * amount"},
        {"column": "upper_name", "expression": "upper(name)"},
        {"column": "taxed", "expression": "TOTAL * 2"},
        {"column": "NAME", "expression": "trim(name)"},
        {"column": "name", "expression": "lower(name)"},
        {"column": "n", "expression": "1"},
        {"column": "N", "expression": "2"},
    ]

    result = AdditionalColumns[Plan]().transform(
        plan("price int, amount int, name string"), context_of({"additional_columns": columns})
    )

    assert result.steps == (
        "with total = (price * amount), upper_name = upper(name)",
        "with taxed = (TOTAL * 2), name = trim(name)",
        "with name = lower(name), n = 2",
    )
    assert written(result) == "price int, amount int, name string, total int, upper_name string, taxed int, n int"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("prise * 2", "There is no column 'prise'. Columns: price, name. Did you mean 'price'? (line 1, column 1)"),
        ("price +", "Expected a value, found the end (line 1, column 8)"),
        ("NULL", "NULL is always null and has no type; write a cast, such as CAST(NULL AS string)"),
        ({"spark": "x", "polars": "y"}, "one text per engine is not supported yet; write one portable expression"),
    ],
)
def test_an_additional_column_that_does_not_fit_is_refused(expression: object, message: str) -> None:
    context = context_of({"additional_columns": [{"column": "x", "expression": expression}]})

    error = refused(AdditionalColumns[Plan](), plan("price int, name string"), context)

    assert str(error) == f"orders: transform.additional_columns[0].expression: {message}"
    assert error.details["column"] == "x"


def test_a_filter_must_be_true_or_false() -> None:
    frame = plan("price int")

    kept = FilterExpression[Plan]().transform(frame, context_of({"filter_expression": "price > 0"}))
    error = refused(FilterExpression[Plan](), frame, context_of({"filter_expression": "price"}))

    assert kept.steps == ("filter (price > 0)",)
    assert error.message.split(": ", 2)[2] == (
        "price is int; a filter must be true or false, so compare it with something"
    )


def test_partition_expressions_see_the_row_as_it_was() -> None:
    partitions = [
        {"column": "year", "expression": "year(at)"},
        "region",
        {"column": "AT", "expression": "trunc(at, 'MM')"},
    ]

    result = PartitionExpressions[Plan]().transform(
        plan("at date, region string"), context_of(destination={"partition_columns": partitions})
    )

    assert result.steps == ("with year = year(at), at = trunc(at, 'MM')",)


def test_system_columns_replace_those_of_the_source() -> None:
    result = SystemColumns[Plan]().transform(plan("__created_at date, id int"), context_of())

    started = "TIMESTAMP '2024-02-29 12:00:00Z'"
    assert result.steps == (
        f"with __created_at = {started}, __updated_at = {started}, __updated_by = 'ann', __dataflow_run_id = 'run-1'",
    )
    assert list(result.schema) == ["__created_at", "id", "__updated_at", "__updated_by", "__dataflow_run_id"]
