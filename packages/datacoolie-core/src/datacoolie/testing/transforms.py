"""What the framework's transformers make of rows on every engine."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa
import pytest

from datacoolie.core.exceptions import TransformError
from datacoolie.core.models import DataFlow
from datacoolie.plugins import transformer_registry
from datacoolie.sql import agg, col
from datacoolie.testing.base import Engine, EngineTests, Read, Rows
from datacoolie.transformers.base import BaseTransformer, TransformContext
from datacoolie.transformers.names import NameMap
from datacoolie.transformers.pipeline import run_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Run: TypeAlias = Callable[[pa.Table, DataFlow], object]
    Transform: TypeAlias = Callable[[pa.Table, Mapping[str, object]], object]

_STARTED = datetime(2024, 2, 29, 12, tzinfo=UTC)

_ORDERS = pa.table(
    {
        "OrderID": ["1", "2", "2", "3"],
        "Customer Name": [" Ann ", "bob", "BOB", ""],
        "Amount": ["10.50", "7", "8.25", "-1"],
        "Ordered": ["29.02.2024", "01.03.2024", "01.03.2024", "02.03.2024"],
        "Version": [1, 1, 2, 1],
        "Junk": ["x", "x", "x", "x"],
    }
)

_HISTORY = pa.table(
    {
        "Key": [1, 1, 1, 2, 2, None, None, 3],
        "At": [1, 3, None, None, None, 5, 4, 2],
        "v": ["a", "b", "c", "d", "d", "e", "f", "g"],
    }
)

_EVERYTHING: dict[str, object] = {
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
}
"""A transform with something for each transformer."""


def _flow(transform: Mapping[str, object], **destination: object) -> DataFlow:
    return DataFlow.model_validate(
        {
            "name": "orders",
            "source": {"connection_name": "landing", "table": "orders"},
            "destination": {"connection_name": "lake", "table": "orders", **destination},
            "transform": transform,
        }
    )


class TransformSuite(EngineTests):
    """Tests an engine's frames through the transformers of a flow. A subclass has a fixture `engine`."""

    @pytest.fixture
    def run(self, engine: Engine) -> Run:
        """Pass rows through all transformers of a flow."""

        def through(rows: pa.Table, flow: DataFlow) -> object:
            context = TransformContext(
                flow=flow,
                frames=engine.frames,
                hints=flow.transform.schema_hints,
                run_id="run-1",
                started_at=_STARTED,
                user="ann",
            )
            names = transformer_registry.list_plugins()
            transformers: list[BaseTransformer[object]] = [transformer_registry.get(name) for name in names]
            return run_pipeline(engine.frames.from_arrow(rows), transformers, context)

        return through

    @pytest.fixture
    def transformed(self, run: Run) -> Transform:
        """Pass rows through a transform without system columns."""
        return lambda rows, transform: run(rows, _flow({"system_columns": False, **transform}))

    def test_rows_pass_through_every_transformer_in_order(self, engine: Engine, run: Run, read: Read) -> None:
        flow = _flow(
            _EVERYTHING,
            load_type="merge_upsert",
            merge_keys=["order_id"],
            partition_columns=[{"column": "OrderMonth", "expression": "trunc(ordered, 'MM')"}],
        )
        result = run(_ORDERS, flow)
        assert {name: str(kind) for name, kind in engine.frames.schema(result).items()} == {
            "order_id": "bigint", "customer": "string", "amount": "decimal(10,2)", "ordered": "date",
            "gross": "decimal(12,2)", "is_large": "boolean", "__created_at": "timestamp", "__updated_at": "timestamp",
            "__updated_by": "string", "__dataflow_run_id": "string", "order_month": "date",
        }  # fmt: skip
        system = {
            "__created_at": _STARTED,
            "__updated_at": _STARTED,
            "__updated_by": "ann",
            "__dataflow_run_id": "run-1",
        }
        assert read(result).sort_by("order_id").to_pylist() == [
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
        names = NameMap.after(list(engine.frames.schema(result)), flow.transform)
        found = [names.destination_name(name) for name in ("OrderID", "order_id", "OrderMonth", "Customer Name")]
        assert found == ["order_id", "order_id", "order_month", "customer"]

    def test_value_rules(self, transformed: Transform, read: Read) -> None:
        rows = pa.table({
            "r": ["a12b3", None, "", "x"], "k": ["a", "x", "z", None], "n": pa.array([1, None, 2, 3], pa.int16()),
            "t": [" \ta\t ", " ", None, "b"],
        })  # fmt: skip
        rows = rows.append_column("m", rows["k"])
        mapping = {"operation": "map", "mapping": {"a": "b", "x": None}}
        rules = [
            {"operation": "regex_replace", "columns": ["r"], "pattern": "([0-9]+)", "replacement": "$1\\$0"},
            {**mapping, "columns": ["k"], "on_unmapped": "keep"},
            {**mapping, "columns": ["m"], "on_unmapped": "null"},
            {"operation": "fill_null", "columns": ["n"], "value": "0"},
            {"operation": "map", "columns": ["n"], "mapping": {"1": 10}},
            {"operation": "trim", "columns": ["t"]},
        ]
        found = read(transformed(rows, {"value_rules": rules}))
        assert found.schema.field("n").type == pa.int16()
        by_row = {row["r"]: row for row in found.to_pylist()}
        assert by_row == {
            "a$1\\$0b$1\\$0": {"r": "a$1\\$0b$1\\$0", "k": "b", "n": 10, "t": "\ta\t", "m": "b"},
            None: {"r": None, "k": None, "n": 0, "t": "", "m": None},
            "": {"r": "", "k": "z", "n": 2, "t": None, "m": None},
            "x": {"r": "x", "k": None, "n": 3, "t": "b", "m": None},
        }

    def test_values_that_can_not_be_cast(self, engine: Engine, transformed: Transform, read: Read) -> None:
        hint = {"column_name": "n", "data_type": "int"}
        rows = pa.table({"n": [" 12 ", "x", None, "3000000000"]})
        found = read(transformed(rows, {"schema_hints": [{**hint, "on_cast_error": "null", "default_value": -1}]}))
        assert sorted(found["n"].to_pylist()) == [-1, -1, -1, 12]
        assert found.schema.field("n").type == pa.int32()
        with pytest.raises(TransformError, match="'x'"):
            engine.frames.aggregate(transformed(rows, {"schema_hints": [hint]}), {"largest": agg("max", col("n"))})

    def test_dates_are_read_by_their_pattern(self, transformed: Transform, rows: Rows) -> None:
        moment = datetime(2024, 2, 29, 13, 45, tzinfo=UTC)
        data = pa.table({
            "d": ["20240229", None], "t": ["29/02/2024 13:45", None], "w": ["2024-02-29T13:45:00", None],
            "n": [20240229, None], "z": pa.array([moment.replace(tzinfo=None), None]),
        })  # fmt: skip
        hints = [
            {"column_name": "d", "data_type": "date", "format": "yyyyMMdd"},
            {"column_name": "t", "data_type": "timestamp", "format": "dd/MM/yyyy HH:mm"},
            {"column_name": "w", "data_type": "timestamp_ntz", "format": "yyyy-MM-dd'T'HH:mm:ss"},
            {"column_name": "n", "data_type": "date", "format": "yyyyMMdd"},
        ]
        day, wall = moment.date(), moment.replace(tzinfo=None)
        expected = [(day, moment, wall, day, wall), (None,) * 5]
        assert sorted(rows(transformed(data, {"schema_hints": hints})), key=repr) == sorted(expected, key=repr)
        converted = transformed(data.select(["z"]), {"configure": {"convert_timestamp_ntz": True}})
        assert set(rows(converted)) == {(moment,), (None,)}

    def test_the_newest_row_of_each_key_stays(self, transformed: Transform, rows: Rows) -> None:
        newest = {"deduplicate_columns": ["key"], "latest_data_columns": ["at"]}
        expected = [(1, 3, "b"), (2, None, "d"), (3, 2, "g"), (None, 5, "e")]
        assert rows(transformed(_HISTORY, newest)) == expected
        by_rank = {**newest, "configure": {"deduplicate_by_rank": True}}
        assert rows(transformed(_HISTORY, by_rank)) == [*expected[:2], (2, None, "d"), *expected[2:]]

    def test_columns_filters_and_names(self, engine: Engine, transformed: Transform, read: Read) -> None:
        columns = [
            {"column": "before", "expression": "n + 1"},
            {"column": "N", "expression": "n * 10"},
            {"column": "after", "expression": "n + 1"},
        ]
        rows = pa.table({"n": [1, None, -1], "id": ["old"] * 3, "new_id": ["new"] * 3})
        transform = {
            "additional_columns": columns,
            "filter_expression": "n > 0",
            "drop_columns": ["id"],
            "rename_columns": {"new_id": "id"},
        }
        result = transformed(rows, transform)
        assert read(result).to_pylist() == [{"n": 10, "id": "new", "before": 2, "after": 11}]
        assert list(engine.frames.schema(result)) == ["n", "id", "before", "after"]

    def test_no_rows_keep_the_types(self, engine: Engine, transformed: Transform) -> None:
        hints = [{"column_name": "n", "data_type": "decimal(12,4)", "ordinal_position": 1}]
        rows = pa.table({"Id": pa.array([], pa.string()), "N": pa.array([], pa.string())})
        schema = engine.frames.schema(transformed(rows, {"schema_hints": hints}))
        assert {name: str(kind) for name, kind in schema.items()} == {"n": "decimal(12,4)", "id": "string"}
