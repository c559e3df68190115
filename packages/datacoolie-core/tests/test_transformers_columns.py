from __future__ import annotations

import pytest

from datacoolie.transformers.projection import ColumnNames, Projection
from tests.planner import Plan, context_of, plan, refused


def test_a_selection_keeps_what_the_load_adds() -> None:
    context = context_of(
        {"select_columns": ["customer_id", "at"], "rename_columns": {"CustNo": "customer_id"}},
        destination={"partition_columns": ["x", {"column": "year", "expression": "year(at)"}]},
    )

    result = Projection[Plan]().transform(plan("at date, CustNo int, x int, __created_at date, year int"), context)

    assert result.steps == ("select customer_id = CustNo, at, __created_at, year",)


def test_a_selection_takes_system_columns_of_the_source_only_by_name() -> None:
    context = context_of({"select_columns": ["id"], "system_columns": False})

    assert Projection[Plan]().transform(plan("id int, __created_at date"), context).steps == ("select id",)


def test_dropping_means_the_column_of_that_name_now() -> None:
    context = context_of({"drop_columns": ["ID"], "rename_columns": {"new_id": "id"}})

    assert Projection[Plan]().transform(plan("id int, new_id int"), context).steps == ("select id = new_id",)


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (
            {"rename_columns": {"a": "B"}},
            "transform.rename_columns: columns 'a' and 'b' would both be called 'b'; rename or drop one of them",
        ),
        (
            {"rename_columns": {"a": "c"}, "drop_columns": ["a"]},
            "transform.rename_columns: There is no column 'a'. Columns: b.",
        ),
        ({"drop_columns": ["a", "b"]}, "transform.drop_columns: no column is left; drop fewer"),
        ({"select_columns": ["a", "x"]}, "transform.select_columns: There is no column 'x'. Columns: a, b."),
    ],
)
def test_a_projection_that_does_not_fit_is_refused(transform: dict[str, object], message: str) -> None:
    error = refused(Projection[Plan](), plan("a int, b int"), context_of({**transform, "system_columns": False}))

    assert str(error) == f"orders: {message}"


@pytest.mark.parametrize(("case", "expected"), [("lower", "orderid"), ("snake", "order_id")])
def test_column_names_are_written_in_the_flows_case(case: str, expected: str) -> None:
    context = context_of({"configure": {"column_name_case": case}})

    result = ColumnNames[Plan]().transform(plan("OrderID int, name string, __At date"), context)

    assert list(result.schema) == [expected, "name", "__At"]


def test_column_names_that_stay_are_no_step() -> None:
    assert ColumnNames[Plan]().transform(plan("id int, __At date"), context_of()).steps == ()


def test_columns_that_would_get_one_name_are_refused() -> None:
    context = context_of({"configure": {"column_name_case": "snake"}})

    error = refused(ColumnNames[Plan](), plan("OrderId int, order_id int"), context)

    assert error.details["field"] == "transform.configure.column_name_case"
    assert error.message.endswith(
        "columns 'OrderId' and 'order_id' would both be called 'order_id'; rename or drop one of them"
    )
