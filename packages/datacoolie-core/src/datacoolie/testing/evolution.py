"""What batches may change in the schema of a table of any format, and what is refused before a byte is written."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from datacoolie.core.exceptions import DestinationError
from datacoolie.core.models import SchemaPolicy
from datacoolie.sql import parse
from datacoolie.testing.base import Rows, in_order
from datacoolie.testing.tables import WRITES, Tables, TableTests, request_of

if TYPE_CHECKING:
    from datacoolie.testing.tables import Data

_STRUCTS = pa.table(
    {
        "id": [1],
        "s": pa.array([{"a": 1}], pa.struct([("a", pa.int32())])),
        "l": pa.array([[{"x": 1}]], pa.list_(pa.struct([("x", pa.int32())]))),
    }
)

_UNFIT: list[tuple[Data, str]] = [
    ({"id": [2], "n": ["x"]}, "'n' is int in the table, but string"),
    ({"id": [2], "n": [True]}, "'n' is int in the table, but boolean"),
    ({"id": ["2"]}, "'id' is bigint in the table, but string"),
    ({"id": [2.5]}, "'id' is bigint in the table, but double"),
    ({"id": [2], "d": [1.5]}, r"'d' is decimal\(9,2\) in the table, but double"),
    ({"id": [2], "s": [{"a": [1]}]}, "'s' is struct<a:bigint> in the table, but struct<a:array<bigint>>"),
]

_RENAMES = {"name": "title"}


class SchemaSuite(TableTests):
    """Tests how schemas evolve. A subclass has a fixture `engine`."""

    def test_new_columns_are_added_and_missing_ones_are_null(self, tables: Tables) -> None:
        tables.append({"a": ["x"], "id": [1], "b": [True]}, request_of(1))
        result = tables.append({"id": [2], "A": ["y"], "more": [1.5]}, request_of(2))
        assert result.schema_changes == ("new column more: double",)
        assert tables.rows() == [("x", 1, True, None), ("y", 2, None, 1.5)]
        merged = tables.merge({"id": [2, 3], "new": ["p", "q"]}, request_of(3), "id")
        assert merged.schema_changes == ("new column new: string",)
        assert tables.rows() == in_order(
            [("x", 1, True, None, None), ("y", 2, None, 1.5, "p"), (None, 3, None, None, "q")]
        )
        tables.overwrite({"id": [4], "last": [1]}, request_of(4))
        assert tables.rows() == [(None, 4, None, None, None, 1)]
        assert list(tables.types()) == ["a", "id", "b", "more", "new", "last"]
        assert tables.open().committed("flow", after=3) is not None

    def test_what_does_not_fit_is_refused_before_a_byte_is_written(self, tables: Tables) -> None:
        first = {"id": [1], "n": pa.array([1], pa.int32()), "d": [Decimal("1.00")], "s": [{"a": 1}]}
        table = pa.table(first)
        tables.append(table.set_column(2, "d", table["d"].cast(pa.decimal128(9, 2))), request_of(1))
        before = tables.place.listing()
        for how in WRITES:
            for batch, named in _UNFIT:
                with pytest.raises(DestinationError, match=named) as caught:
                    tables.write(how, batch, request_of(2))
                assert "schema hint" in caught.value.message
        assert tables.place.listing() == before

    def test_strict_refuses_any_change(self, tables: Tables) -> None:
        first = {"id": [1], "n": pa.array([1], pa.int32()), "s": [{"a": 1}]}
        tables.append(first, request_of(1))
        before, strict = tables.place.listing(), request_of(2, policy=SchemaPolicy.STRICT)
        for how in WRITES:
            with pytest.raises(DestinationError, match=r"columns more, n, s .*schema_policy is strict"):
                tables.write(how, {"id": [2], "more": [1]}, strict)
            for batch in ({**first, "n": [2**40]}, {**first, "s": [{"a": 1, "b": 2}]}):
                with pytest.raises(DestinationError, match=r"the table would have to change \(\w: .* -> .*strict"):
                    tables.write(how, batch, strict)
        assert tables.place.listing() == before
        tables.append(first, strict)
        assert len(tables.rows()) == 2

    def test_ignore_new_leaves_out_what_is_new(self, tables: Tables) -> None:
        tables.append({"id": [1], "n": pa.array([1], pa.int32()), "s": [{"a": 1}]}, request_of(1))
        for seq, how in enumerate(("append", "merge", "overwrite"), 2):
            request = request_of(seq, policy=SchemaPolicy.IGNORE_NEW)
            with pytest.raises(
                DestinationError, match="'n' is int in the table, but bigint in the batch, and schema_policy"
            ):
                tables.write(how, {"id": [seq], "n": [2**40]}, request)
            tables.write(how, {"id": [seq], "s": [{"a": 2, "b": 3}], "more": [1]}, request)
            assert (seq, None, {"a": 2}) in tables.rows()
        assert tables.types() == {"id": "bigint", "n": "int", "s": "struct<a:bigint>"}
        assert tables.rows() == [(4, None, {"a": 2})]
        tables.append({"more": [1, 2]}, request_of(5, policy=SchemaPolicy.IGNORE_NEW))
        assert tables.rows() == [(4, None, {"a": 2}), (None, None, None), (None, None, None)]

    def test_narrower_values_take_the_types_of_the_table(self, tables: Tables) -> None:
        first = {"id": [1], "f": [1.5], "n": pa.array([None], pa.decimal128(12, 2))}
        tables.append(first, request_of(1))
        narrow = {"id": pa.array([2], pa.int8()), "f": pa.array([3], pa.int32()), "n": pa.array([4], pa.int32())}
        for seq, how in enumerate(("append", "merge", "overwrite"), 2):
            tables.write(how, narrow, request_of(seq))
            assert (2, 3.0, Decimal("4.00")) in tables.rows()
        assert tables.types() == {"id": "bigint", "f": "double", "n": "decimal(12,2)"}

    @pytest.mark.parametrize("how", WRITES)
    def test_types_widen_for_every_reader(self, tables: Tables, rows: Rows, how: str) -> None:
        for number in (1, 2):
            narrow = {
                "id": pa.array([number], pa.int32()),
                "n": pa.array([number], pa.int32()),
                "f": pa.array([1.5], pa.float32()),
                "d": pa.array([Decimal("1.50")], pa.decimal128(9, 2)),
                "kept": ["old"],
            }
            tables.append(narrow, request_of(number))
        before = tables.place.commits("t")
        wide = {
            "id": [2, 2**40],
            "n": [2**41, 3],
            "f": [0.1, 0.2],
            "d": pa.array([Decimal("12345678901.25")] * 2, pa.decimal128(14, 2)),
        }
        result = tables.write(how, wide, request_of(3))
        assert result.schema_changes == (
            "id: int -> bigint", "n: int -> bigint", "f: float -> double", "d: decimal(9,2) -> decimal(14,2)",
        )  # fmt: skip
        assert result.rows == 2
        assert tables.types() == {
            "id": "bigint", "n": "bigint", "f": "double", "d": "decimal(14,2)", "kept": "string"
        }  # fmt: skip
        money, large = Decimal("1.50"), Decimal("12345678901.25")
        new = [(2, 2**41, 0.1, large, "old" if how == "merge" else None), (2**40, 3, 0.2, large, None)]
        stay = {"append": [(1, 1, 1.5, money, "old"), (2, 2, 1.5, money, "old")], "merge": [(1, 1, 1.5, money, "old")]}
        assert tables.rows() == in_order([*stay.get(how, []), *new])
        assert rows(tables.open().scan()) == tables.rows()
        # The types may change in a commit of their own, before the one of the load.
        assert tables.place.commits("t") - before in {1, 2}
        assert tables.open().committed("flow", after=2) is not None

    @pytest.mark.parametrize("how", WRITES)
    def test_fields_are_added_and_widened_in_structs_and_lists(self, tables: Tables, rows: Rows, how: str) -> None:
        tables.append(_STRUCTS, request_of(1))
        batch = {
            "id": [2],
            "S": [{"b": {"c": "y"}, "A": 2**40}],
            "l": [[{"x": 2**40, "z": True}, None]],
        }
        tables.write(how, batch, request_of(2))
        assert tables.types() == {
            "id": "bigint",
            "s": "struct<a:bigint,b:struct<c:string>>",
            "l": "array<struct<x:bigint,z:boolean>>",
        }
        new = (2, {"a": 2**40, "b": {"c": "y"}}, [{"x": 2**40, "z": True}, None])
        old = (1, {"a": 1, "b": None}, [{"x": 1, "z": None}])
        expected = [new] if how == "overwrite" else [old, new]
        assert tables.rows() == expected
        assert rows(tables.open().scan()) == expected

    def test_a_void_field_takes_the_type_of_the_table(self, tables: Tables) -> None:
        tables.append({"id": [1], "s": [{"a": 1}]}, request_of(1))
        tables.append({"id": [2], "s": [{"a": None}]}, request_of(2))
        assert tables.rows() == [(1, {"a": 1}), (2, {"a": None})]
        with pytest.raises(DestinationError, match="column 's' is struct<a:bigint,b:void>"):
            tables.append({"id": [3], "s": [{"a": 1, "b": None}]}, request_of(3))

    @pytest.mark.parametrize("how", WRITES)
    def test_a_column_is_renamed_with_all_its_rows(self, tables: Tables, rows: Rows, how: str) -> None:
        for number in (1, 2):
            first = {"id": [number], "NAME": ["old"], "n": pa.array([1], pa.int32())}
            tables.append(first, request_of(number))
        batch = {"id": [2, 3], "title": ["new", "new"], "n": [2**40, 1]}
        result = tables.write(how, batch, request_of(3, renames=_RENAMES))
        assert result.schema_changes == ("NAME is called title", "n: int -> bigint")
        assert list(tables.types()) == ["id", "title", "n"]
        new = [(2, "new", 2**40), (3, "new", 1)]
        stay = {"append": [(1, "old", 1), (2, "old", 1)], "merge": [(1, "old", 1)]}.get(how, [])
        assert tables.rows() == in_order([*stay, *new])
        tables.append({"id": [4], "title": ["x"], "n": [1]}, request_of(4, renames=_RENAMES))
        assert list(tables.types()) == ["id", "title", "n"]
        found = tables.engine.frames.filter(tables.open().scan(), parse("id = 4"))
        assert rows(found) == [(4, "x", 1)]

    def test_a_column_is_not_renamed_where_both_names_are_in_use(self, tables: Tables) -> None:
        one, two = {"id": [1], "name": ["a"]}, {"id": [1], "title": ["c"]}
        both = {**one, **two}
        evolve, ignore = SchemaPolicy.EVOLVE, SchemaPolicy.IGNORE_NEW
        cases: list[tuple[Data, Data, SchemaPolicy, list[str]]] = [
            (one, both, evolve, ["id", "name", "title"]),
            (both, two, evolve, ["id", "name", "title"]),
            (one, two, ignore, ["id", "name"]),
        ]
        for number, (first, batch, policy, columns) in enumerate(cases):
            tables.append(first, request_of(1), f"t{number}")
            tables.append(batch, request_of(2, renames=_RENAMES, policy=policy), f"t{number}")
            assert list(tables.types(f"t{number}")) == columns

    def test_renaming_that_strict_forbids_is_refused(self, tables: Tables) -> None:
        tables.append({"id": [1], "name": ["a"]}, request_of(1))
        request = request_of(2, renames=_RENAMES, policy=SchemaPolicy.STRICT)
        for how in WRITES:
            with pytest.raises(DestinationError, match="schema_policy is strict"):
                tables.write(how, {"id": [2], "title": ["b"]}, request)
        assert list(tables.types()) == ["id", "name"]
