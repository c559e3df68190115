from __future__ import annotations

import pytest

from datacoolie.transformers.pipeline import run_pipeline
from datacoolie.transformers.projection import Projection
from datacoolie.transformers.schema_hints import SchemaHints
from datacoolie.transformers.value_rules import ValueRules
from tests.planner import Plan, context_of, plan, refused, written


def test_value_rules_of_one_column_apply_by_order_in_one_step() -> None:
    rules = [
        {"operation": "empty_to_null", "columns": "Name, city"},
        {"operation": "trim", "columns": ["name"], "order": 10},
        {"operation": "case", "columns": ["city"], "mode": "upper"},
    ]

    result = ValueRules[Plan]().transform(plan("name string, city string"), context_of({"value_rules": rules}))

    assert result.steps == ("with name = nullif(trim(name), ''), city = upper(nullif(city, ''))",)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            {"operation": "regex_replace", "pattern": "[0-9]+", "replacement": "$1\\"},
            r"regexp_replace(c, '[0-9]+', '\\$1\\\\')",
        ),
        ({"operation": "fill_null", "value": 0}, "coalesce(c, '0')"),
        (
            {"operation": "map", "mapping": {"a": "b", "x": None}},
            "CASE WHEN (c = 'a') THEN 'b' WHEN (c = 'x') THEN NULL ELSE c END",
        ),
        (
            {"operation": "map", "mapping": {"a": 1}, "on_unmapped": "null"},
            "CASE WHEN (c = 'a') THEN '1' ELSE NULL END",
        ),
    ],
)
def test_value_rules_become_expressions(rule: dict[str, object], expected: str) -> None:
    context = context_of({"value_rules": [{**rule, "columns": ["c"]}]})

    result = ValueRules[Plan]().transform(plan("c string"), context)

    assert (result.steps, written(result)) == ((f"with c = {expected}",), "c string")


def test_values_of_rules_have_the_columns_type() -> None:
    rules = [
        {"operation": "fill_null", "columns": ["n"], "value": "0"},
        {"operation": "map", "columns": ["n"], "mapping": {"1": 10}},
    ]

    result = ValueRules[Plan]().transform(plan("n bigint"), context_of({"value_rules": rules}))

    assert written(result) == "n bigint"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            {"operation": "trim", "columns": ["id"]},
            "trim: column 'id': it is int, and the rule is for text; take the column out of the rule",
        ),
        (
            {"operation": "fill_null", "columns": ["id"], "value": "none"},
            "fill_null: column 'id': 'none' is no value of type int",
        ),
        (
            {"operation": "trim", "columns": ["nmae"]},
            "There is no column 'nmae'. Columns: id, name. Did you mean 'name'?",
        ),
    ],
)
def test_value_rules_that_do_not_fit_are_refused(rule: dict[str, object], message: str) -> None:
    error = refused(ValueRules[Plan](), plan("id int, name string"), context_of({"value_rules": [rule]}))

    assert str(error) == f"orders: transform.value_rules[0]: {message}"


def test_a_pattern_that_is_not_portable_is_refused() -> None:
    rule = {"operation": "regex_replace", "columns": ["name"], "pattern": "(?=x)", "replacement": ""}

    error = refused(ValueRules[Plan](), plan("name string"), context_of({"value_rules": [rule]}))

    assert error.message.startswith("orders: transform.value_rules[0]: regex_replace: column 'name': ")
    assert "look-around" in error.message


def test_hints_cast_what_has_another_type() -> None:
    hints: list[dict[str, object]] = [
        {"column_name": "ID", "data_type": "int"},
        {"column_name": "amount", "data_type": "NUMERIC", "precision": 12, "scale": 2, "on_cast_error": "null"},
        {"column_name": "day", "data_type": "date", "format": "dd.MM.yyyy"},
        {"column_name": "note", "data_type": "string", "default_value": "-"},
        {"column_name": "flag", "data_type": "boolean", "default_value": False},
        {"column_name": "skipped", "data_type": "int", "is_active": False},
    ]

    result = SchemaHints[Plan]().transform(
        plan("id int, amount string, day string, note string, flag string"), context_of(hints=hints)
    )

    casts = [
        "amount = TRY_CAST(amount AS decimal(12,2))",
        "day = to_date(day, 'dd.MM.yyyy')",
        "note = coalesce(note, '-')",
        "flag = coalesce(CAST(flag AS boolean), FALSE)",
    ]
    assert result.steps == (f"with {', '.join(casts)}",)
    assert written(result) == "id int, amount decimal(12,2), day date, note string, flag boolean"


def test_hints_that_change_nothing_are_no_step() -> None:
    context = context_of(hints=[{"column_name": "id", "data_type": "integer", "ordinal_position": 1}])

    assert SchemaHints[Plan]().transform(plan("id int, name string"), context).steps == ()


def test_a_timestamp_is_written_by_the_pattern_of_its_hint() -> None:
    context = context_of(
        hints=[{"column_name": "at", "data_type": "string", "format": "yyyy-MM", "on_cast_error": "null"}]
    )

    assert SchemaHints[Plan]().transform(plan("at timestamp"), context).steps == (
        "with at = date_format(at, 'yyyy-MM')",
    )


def test_columns_with_a_position_come_first() -> None:
    context = context_of(
        hints=[
            {"column_name": "c", "data_type": "int", "ordinal_position": 1},
            {"column_name": "b", "data_type": "int", "ordinal_position": 2},
        ]
    )

    assert SchemaHints[Plan]().transform(plan("a int, b int, c int"), context).steps == ("select c, b, a",)


def test_timestamps_without_zone_become_points_in_time_after_the_casts() -> None:
    context = context_of(
        {"configure": {"convert_timestamp_ntz": True}},
        hints=[{"column_name": "sent", "data_type": "timestamp_ntz"}],
    )

    result = SchemaHints[Plan]().transform(plan("id int, at timestamp_ntz, sent string"), context)

    assert result.steps == ("with sent = CAST(CAST(sent AS timestamp_ntz) AS timestamp), at = CAST(at AS timestamp)",)


def test_a_zone_of_timestamps_other_than_utc_is_refused() -> None:
    context = context_of({"configure": {"convert_timestamp_ntz": True, "timestamp_timezone": "Europe/Berlin"}})

    error = refused(SchemaHints[Plan](), plan("at timestamp_ntz"), context)

    assert str(error) == (
        "orders: transform.configure.timestamp_timezone: 'Europe/Berlin' is not supported yet; possible: UTC"
    )
    assert SchemaHints[Plan]().transform(plan("at timestamp"), context).steps == ()


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        (
            {"column_name": "amuont", "data_type": "int"},
            "There is no column 'amuont'. Columns: amount, tags. Did you mean 'amount'?",
        ),
        (
            {"column_name": "amount", "data_type": "int", "on_cast_error": "reject"},
            "column 'amount': on_cast_error 'reject' is not supported yet; possible: fail, null",
        ),
        (
            {"column_name": "amount", "data_type": "int", "default_value": "none"},
            "column 'amount': default_value 'none' is no value of type int",
        ),
        (
            {"column_name": "amount", "data_type": "int", "format": "#,##0"},
            "column 'amount': format '#,##0' is for dates and timestamps, not for int; take it out",
        ),
        (
            {"column_name": "tags", "data_type": "int"},
            "column 'tags': array<string> can't be converted to int",
        ),
    ],
)
def test_hints_that_do_not_fit_are_refused(hint: dict[str, object], message: str) -> None:
    error = refused(SchemaHints[Plan](), plan("amount string, tags array<string>"), context_of(hints=[hint]))

    assert str(error) == f"orders: transform.schema_hints: {message}"
    assert error.details["field"] == "transform.schema_hints"


def test_missing_columns_are_ignored_when_the_flow_says_so() -> None:
    transform = {
        "configure": {"missing_column_policy": "ignore"},
        "value_rules": [{"operation": "trim", "columns": ["gone"]}],
        "drop_columns": ["gone"],
        "rename_columns": {"gone": "lost"},
    }
    context = context_of(transform, hints=[{"column_name": "gone", "data_type": "int"}])

    result = run_pipeline(plan("id int"), [ValueRules(), SchemaHints(), Projection()], context)

    assert written(result) == "id int"


def test_missing_columns_that_differ_in_case_from_two_are_never_ignored() -> None:
    transform = {"configure": {"missing_column_policy": "ignore"}, "drop_columns": ["ID"]}

    error = refused(Projection[Plan](), plan("Id int, id int"), context_of(transform))

    assert str(error) == "orders: transform.drop_columns: Column 'ID' is ambiguous: Id, id differ only in case"
