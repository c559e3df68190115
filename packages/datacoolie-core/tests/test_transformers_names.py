from __future__ import annotations

import pytest

from datacoolie.core.exceptions import ErrorClass, TransformError
from datacoolie.core.models import ColumnNameCase, Transform
from datacoolie.transformers.names import NameMap, cased, snake

SNAKE: dict[str, object] = {"column_name_case": "snake"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("order_id", "order_id"),
        ("OrderID", "order_id"),
        ("orderId", "order_id"),
        ("HTTPServerName", "http_server_name"),
        ("Order ID", "order_id"),
        ("order-id", "order_id"),
        ("Amount (EUR)", "amount_eur"),
        ("Address2", "address2"),
        ("Address2Line", "address2_line"),
        ("ORDER", "order"),
        ("a__b", "a_b"),
        ("Größe", "größe"),
        ("straßenÄnderung", "straßen_änderung"),
        ("名前", "名前"),
        ("$$$", "$$$"),
    ],
)
def test_snake_writes_words_in_lower_case(name: str, expected: str) -> None:
    assert snake(name) == expected


@pytest.mark.parametrize("case", ColumnNameCase)
def test_names_that_start_with_an_underscore_stay(case: ColumnNameCase) -> None:
    assert cased("__CreatedAt", case) == "__CreatedAt"


def test_lower_keeps_all_but_capitals() -> None:
    assert cased("Order ID", ColumnNameCase.LOWER) == "order id"


RENAMED = Transform(rename_columns={"CustNo": "customer_id"}, configure=SNAKE)


@pytest.mark.parametrize("name", ["CustNo", "custno", "customer_id", "CUSTOMER_ID"])
def test_a_renamed_column_is_found_by_either_name_before_the_rename(name: str) -> None:
    names = NameMap.before(["CustNo", "OrderDate"], RENAMED)

    assert names.source_name(name) == "CustNo"
    assert names.destination_name(name) == "customer_id"


@pytest.mark.parametrize("name", ["OrderDate", "orderdate", "order_date"])
def test_a_column_is_found_by_its_name_in_either_case(name: str) -> None:
    names = NameMap.before(["CustNo", "OrderDate"], RENAMED)

    assert names.source_name(name) == "OrderDate"
    assert names.destination_name(name) == "order_date"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CustNo", "customer_id"),
        ("customer_id", "customer_id"),
        ("OrderDate", "order_date"),
        ("Order_Date", "order_date"),
    ],
)
def test_a_column_of_the_target_is_found_by_its_source_name(name: str, expected: str) -> None:
    assert NameMap.after(["customer_id", "order_date"], RENAMED).destination_name(name) == expected


def test_a_name_of_source_and_target_means_the_target_column() -> None:
    transform = Transform(drop_columns=["id"], rename_columns={"new_id": "id"})

    assert NameMap.before(["new_id", "id"], transform).source_name("id") == "new_id"
    assert NameMap.before(["id", "new_id"], transform).source_name("id") == "new_id"


def test_an_unknown_name_lists_the_columns_and_the_nearest() -> None:
    with pytest.raises(TransformError) as caught:
        NameMap.after(["customer_id", "amount"], Transform()).destination_name("custmer_id")

    assert str(caught.value) == (
        "There is no column 'custmer_id'. Columns: customer_id, amount. Did you mean 'customer_id'?"
    )
    assert caught.value.details == {"column": "custmer_id"}
    assert caught.value.error_class is ErrorClass.CONFIGURATION
