from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.core.exceptions import TransformError
from datacoolie.core.models import DataFlow
from datacoolie.plugins import transformer_registry
from datacoolie.sql import agg, col
from datacoolie.transformers.base import BaseTransformer, TransformContext
from datacoolie.transformers.names import NameMap
from datacoolie.transformers.pipeline import run_pipeline
from datacoolie_engine_polars import PolarsEngine

if TYPE_CHECKING:
    from collections.abc import Mapping

STARTED = datetime(2024, 2, 29, 12, tzinfo=UTC)
FRAMES = PolarsEngine().frames


def flow_of(
    transform: Mapping[str, object],
    *,
    destination: Mapping[str, object] | None = None,
    source: Mapping[str, object] | None = None,
) -> DataFlow:
    return DataFlow.model_validate(
        {
            "name": "orders",
            "source": {"connection_name": "landing", "table": "orders", **(source or {})},
            "destination": {"connection_name": "lake", "table": "orders", **(destination or {})},
            "transform": transform,
        }
    )


def run(rows: pl.DataFrame, flow: DataFlow) -> pl.LazyFrame:
    context = TransformContext(
        flow=flow,
        frames=FRAMES,
        hints=flow.transform.schema_hints,
        run_id="run-1",
        started_at=STARTED,
        user="ann",
    )
    transformers: list[BaseTransformer[pl.LazyFrame]] = [
        transformer_registry.get(name) for name in transformer_registry.list_plugins()
    ]
    return run_pipeline(rows.lazy(), transformers, context)


def transformed(rows: pl.DataFrame, transform: Mapping[str, object]) -> pl.DataFrame:
    """Return the rows after a transform without system columns."""
    return run(rows, flow_of({"system_columns": False, **transform})).collect()


def test_rows_pass_through_every_transformer_in_order() -> None:
    rows = pl.DataFrame(
        {
            "OrderID": ["1", "2", "2", "3"],
            "Customer Name": [" Ann ", "bob", "BOB", ""],
            "Amount": ["10.50", "7", "8.25", "-1"],
            "Ordered": ["29.02.2024", "01.03.2024", "01.03.2024", "02.03.2024"],
            "Version": [1, 1, 2, 1],
            "Junk": ["x", "x", "x", "x"],
        }
    )
    flow = flow_of(
        {
            "value_rules": [
                {"operation": "trim", "columns": ["customer name"]},
                {"operation": "empty_to_null", "columns": ["customer name"]},
                {"operation": "fill_null", "columns": ["customer name"], "value": "nobody"},
                {"operation": "case", "columns": ["customer name"], "mode": "lower"},
            ],
            "schema_hints": [
                {"column_name": "orderid", "data_type": "bigint"},
                {"column_name": "Amount", "data_type": "decimal", "precision": 10, "scale": 2},
                {"column_name": "Ordered", "data_type": "date", "format": "dd.MM.yyyy"},
            ],
            "latest_data_columns": ["version"],
            "additional_columns": [
                {"column": "gross", "expression": "amount * 2"},
                {"column": "is_large", "expression": "gross > 20"},
            ],
            "filter_expression": "amount > 0",
            "drop_columns": ["junk", "version"],
            "rename_columns": {"Customer Name": "Customer"},
            "configure": {"column_name_case": "snake"},
        },
        destination={
            "load_type": "merge_upsert",
            "merge_keys": ["order_id"],
            "partition_columns": [{"column": "OrderMonth", "expression": "trunc(ordered, 'MM')"}],
        },
    )

    result = run(rows, flow).sort("order_id").collect()

    system = {
        "__created_at": STARTED,
        "__updated_at": STARTED,
        "__updated_by": "ann",
        "__dataflow_run_id": "run-1",
    }
    assert result.to_dicts() == [
        {
            "order_id": 1,
            "customer": "ann",
            "amount": Decimal("10.50"),
            "ordered": date(2024, 2, 29),
            "gross": Decimal("21.00"),
            "is_large": True,
            **system,
            "order_month": date(2024, 2, 1),
        },
        {
            "order_id": 2,
            "customer": "bob",
            "amount": Decimal("8.25"),
            "ordered": date(2024, 3, 1),
            "gross": Decimal("16.50"),
            "is_large": False,
            **system,
            "order_month": date(2024, 3, 1),
        },
    ]
    assert result.schema["order_id"] == pl.Int64
    assert result.schema["amount"] == pl.Decimal(10, 2)
    assert result.schema["__created_at"] == pl.Datetime("us", "UTC")
    names = NameMap.after(result.columns, flow.transform)
    assert [names.destination_name(name) for name in ("OrderID", "order_id", "OrderMonth", "Customer Name")] == [
        "order_id",
        "order_id",
        "order_month",
        "customer",
    ]


def test_a_replacement_is_literal() -> None:
    rule = {"operation": "regex_replace", "columns": ["c"], "pattern": "([0-9]+)", "replacement": "$1\\$0"}

    result = transformed(pl.DataFrame({"c": ["a12b3", None]}), {"value_rules": [rule]})

    assert result["c"].to_list() == ["a$1\\$0b$1\\$0", None]


@pytest.mark.parametrize(
    ("on_unmapped", "expected"), [("keep", ["b", None, "z", None]), ("null", ["b", None, None, None])]
)
def test_a_mapping_keeps_null(on_unmapped: str, expected: list[str | None]) -> None:
    rule = {"operation": "map", "columns": ["c"], "mapping": {"a": "b", "x": None}, "on_unmapped": on_unmapped}

    result = transformed(pl.DataFrame({"c": ["a", "x", "z", None]}), {"value_rules": [rule]})

    assert result["c"].to_list() == expected


def test_rules_keep_the_type_of_a_number() -> None:
    rules = [
        {"operation": "fill_null", "columns": ["n"], "value": "0"},
        {"operation": "map", "columns": ["n"], "mapping": {"1": 10}},
    ]

    result = transformed(pl.DataFrame({"n": [1, None, 2]}, schema={"n": pl.Int16}), {"value_rules": rules})

    assert result["n"].to_list() == [10, 0, 2]
    assert result.schema["n"] == pl.Int16


def test_only_spaces_are_trimmed() -> None:
    rule = {"operation": "trim", "columns": ["c"]}

    assert transformed(pl.DataFrame({"c": [" \ta\t ", " "]}), {"value_rules": [rule]})["c"].to_list() == ["\ta\t", ""]


def test_values_that_can_not_be_cast_are_null_when_the_hint_says_so() -> None:
    hints = [{"column_name": "n", "data_type": "int", "on_cast_error": "null", "default_value": -1}]

    result = transformed(pl.DataFrame({"n": [" 12 ", "x", None, "3000000000"]}), {"schema_hints": hints})

    assert result["n"].to_list() == [12, -1, -1, -1]
    assert result.schema["n"] == pl.Int32


def test_a_value_that_can_not_be_cast_fails_the_pass() -> None:
    frame = run(pl.DataFrame({"n": ["12", "x"]}), flow_of({"schema_hints": [{"column_name": "n", "data_type": "int"}]}))

    with pytest.raises(TransformError, match="'x'"):
        FRAMES.aggregate(frame, {"largest": agg("max", col("n"))})


@pytest.mark.parametrize(
    ("data_type", "pattern", "text", "expected"),
    [
        ("date", "yyyyMMdd", "20240229", date(2024, 2, 29)),
        ("timestamp", "dd/MM/yyyy HH:mm", "29/02/2024 13:45", datetime(2024, 2, 29, 13, 45, tzinfo=UTC)),
        ("timestamp_ntz", "yyyy-MM-dd'T'HH:mm:ss", "2024-02-29T13:45:00", datetime(2024, 2, 29, 13, 45)),  # noqa: DTZ001 - it has no zone
    ],
)
def test_dates_are_read_by_their_pattern(data_type: str, pattern: str, text: str, expected: date) -> None:
    hints = [{"column_name": "at", "data_type": data_type, "format": pattern}]

    assert transformed(pl.DataFrame({"at": [text, None]}), {"schema_hints": hints})["at"].to_list() == [expected, None]


def test_numbers_are_read_as_dates_by_a_pattern() -> None:
    hints = [{"column_name": "day", "data_type": "date", "format": "yyyyMMdd"}]

    assert transformed(pl.DataFrame({"day": [20240229]}), {"schema_hints": hints})["day"].to_list() == [
        date(2024, 2, 29)
    ]


def test_timestamps_without_zone_become_utc() -> None:
    rows = pl.DataFrame({"at": [datetime(2024, 2, 29, 1)]})  # noqa: DTZ001 - it has no zone

    result = transformed(rows, {"configure": {"convert_timestamp_ntz": True}})

    assert result["at"].to_list() == [datetime(2024, 2, 29, 1, tzinfo=UTC)]


NEWEST = pl.DataFrame(
    {
        "Key": [1, 1, 1, 2, 2, None, None, 3],
        "At": [1, 3, None, None, None, 5, 4, 2],
        "v": ["a", "b", "c", "d", "d", "e", "f", "g"],
    }
)


def test_the_newest_row_of_each_key_stays_and_null_is_oldest() -> None:
    transform = {"deduplicate_columns": ["key"], "latest_data_columns": ["at"]}

    result = transformed(NEWEST, transform).sort("key", nulls_last=True)

    assert result.rows() == [(1, 3, "b"), (2, None, "d"), (3, 2, "g"), (None, 5, "e")]


def test_all_that_tie_stay_by_rank() -> None:
    transform = {
        "deduplicate_columns": ["key"],
        "latest_data_columns": ["at"],
        "configure": {"deduplicate_by_rank": True},
    }

    result = transformed(NEWEST, transform).sort("key", nulls_last=True)

    assert result.rows() == [(1, 3, "b"), (2, None, "d"), (2, None, "d"), (3, 2, "g"), (None, 5, "e")]


def test_a_column_that_replaces_another_is_read_as_it_was_until_then() -> None:
    columns = [
        {"column": "before", "expression": "n + 1"},
        {"column": "N", "expression": "n * 10"},
        {"column": "after", "expression": "n + 1"},
    ]

    result = transformed(pl.DataFrame({"n": [1]}), {"additional_columns": columns})

    assert result.to_dicts() == [{"n": 10, "before": 2, "after": 11}]


def test_a_filter_drops_rows_for_which_it_is_null() -> None:
    result = transformed(pl.DataFrame({"n": [1, None, -1]}), {"filter_expression": "n > 0"})

    assert result["n"].to_list() == [1]


def test_names_swap_places_when_one_is_dropped() -> None:
    result = transformed(
        pl.DataFrame({"id": ["old"], "new_id": ["new"]}), {"drop_columns": ["id"], "rename_columns": {"new_id": "id"}}
    )

    assert result.to_dicts() == [{"id": "new"}]


def test_no_rows_keep_the_types() -> None:
    hints = [{"column_name": "n", "data_type": "decimal(12,4)", "ordinal_position": 1}]
    rows = pl.DataFrame(schema={"Id": pl.String, "N": pl.String})

    assert dict(transformed(rows, {"schema_hints": hints}).schema) == {"n": pl.Decimal(12, 4), "id": pl.String}
