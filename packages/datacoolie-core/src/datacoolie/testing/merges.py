"""What merges into tables of any format leave, and overwrites of a part of a table."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from datacoolie.core.exceptions import DestinationError
from datacoolie.engines import MergePlan, Rebuild
from datacoolie.sql import count, lit, parse
from datacoolie.testing.base import Row, Rows, in_order
from datacoolie.testing.tables import Tables, TableTests, request_of


class MergeSuite(TableTests):
    """Tests merges. A subclass has a fixture `engine`."""

    def test_rows_are_updated_and_inserted(self, tables: Tables) -> None:
        first = tables.merge({"id": [2, 1, 3], "v": ["b", "a", "c"]}, request_of(1), "id")
        assert (first.rows, first.inserted, first.updated) == (3, 3, 0)
        assert tables.rows() == [(1, "a"), (2, "b"), (3, "c")]
        second = tables.merge({"id": [2, 4], "v": ["B", None]}, request_of(2), "id")
        assert (second.rows, second.inserted, second.updated, second.deleted) == (2, 1, 1, 0)
        expected = [(1, "a"), (2, "B"), (3, "c"), (4, None)]
        assert tables.rows() == expected
        again = tables.merge({"id": [2, 4], "v": ["B", None]}, request_of(3), "id")
        assert (again.inserted, again.updated) == (0, 2)
        assert tables.rows() == expected
        nothing = tables.merge({"id": pa.array([], pa.int64()), "v": pa.array([], pa.string())}, request_of(4), "id")
        assert (nothing.rows, nothing.inserted, nothing.updated) == (0, 0, 0)
        assert tables.rows() == expected
        assert tables.place.commits("t") == 4
        assert tables.open().committed("flow", after=3) is not None

    def test_only_files_with_a_touched_key_are_written_again(self, tables: Tables) -> None:
        far, near = {"id": [1, 2, 30], "v": ["old"] * 3}, {"id": [3, 4], "v": ["old"] * 2}
        tables.append(far, request_of(1))
        untouched = tables.place.files("t")
        tables.append(near, request_of(2))
        before = tables.place.files("t")
        result = tables.merge({"id": [4, 20], "v": ["new", "new"]}, request_of(3), "id")
        after = tables.place.files("t")
        assert untouched <= after
        assert (result.files, result.removed_files) == (len(after - before), len(before - after))
        expected = [*((i, "old") for i in (1, 2, 3, 30)), (4, "new"), (20, "new")]
        assert tables.rows() == in_order(expected)

    def test_null_keys_are_equal(self, tables: Tables) -> None:
        tables.append({"a": [1, None, None], "b": ["x", "x", None], "v": [1, 2, 3]}, request_of(1))
        batch = {"a": [None, None, 1], "b": ["x", None, None], "v": [20, 30, 40]}
        result = tables.merge(batch, request_of(2), "a", "b")
        assert (result.inserted, result.updated) == (1, 2)
        assert tables.rows() == in_order([(1, "x", 1), (None, "x", 20), (None, None, 30), (1, None, 40)])

    def test_kept_columns_and_columns_without_values_stay(self, tables: Tables) -> None:
        tables.append({"id": [1, 2], "v": ["a", "b"], "made": [10, 20], "more": ["p", "q"]}, request_of(1))
        tables.merge({"made": [77, 88], "ID": [2, 3], "v": ["B", "C"]}, request_of(2), "id", keep=("made",))
        assert tables.rows() == [(1, "a", 10, "p"), (2, "B", 20, "q"), (3, "C", 88, None)]

    def test_all_rows_of_a_key_that_the_table_has_several_times_are_updated(self, tables: Tables) -> None:
        tables.append({"id": [1, 1], "v": ["a", "b"], "made": [1, 2]}, request_of(1))
        tables.merge({"id": [1, 2], "v": ["A", "C"], "made": [9, 9]}, request_of(2), "id", keep=("made",))
        assert tables.rows() == [(1, "A", 1), (1, "A", 2), (2, "C", 9)]

    def test_keys_that_are_twice_in_the_batch_are_named(self, tables: Tables) -> None:
        batch = {"id": [7, 7, 1, None, None], "k": ["x", "x", "y", None, None]}
        for seq in (1, 2):
            before = tables.place.listing()
            with pytest.raises(DestinationError, match=r"same merge keys id, k: \(None, None\), \(7, 'x'\)") as caught:
                tables.merge(batch, request_of(seq), "id", "k")
            assert "latest_data_columns" in caught.value.message
            assert tables.place.listing() == before
            if seq == 1:
                tables.append({"id": [1], "k": ["a"]}, request_of(1))

    def test_a_key_that_is_no_column_is_named(self, tables: Tables) -> None:
        for seq in (1, 2):
            with pytest.raises(DestinationError, match=r"merge key 'idd'.*Did you mean 'id'"):
                tables.merge({"id": [1]}, request_of(seq), "idd")
            tables.append({"id": [1]}, request_of(seq))

    def test_a_row_whose_partition_changes_is_moved(self, tables: Tables, rows: Rows) -> None:
        tables.append({"id": [1, 2, 3], "p": ["a", "a", "b c/%"]}, request_of(1, partition_by=("p",)))
        tables.merge({"id": [2, 3, 4], "p": ["b c/%", None, "d"]}, request_of(2), "id")
        assert tables.rows() == [(1, "a"), (2, "b c/%"), (3, None), (4, "d")]
        found = tables.engine.frames.filter(tables.open().scan(), parse("p = 'b c/%'"))
        assert rows(found) == [(2, "b c/%")]

    def test_keys_that_are_partitions(self, tables: Tables) -> None:
        days = [date(2024, 1, 1), date(2024, 1, 2), None]
        times = [datetime(2024, 1, 1, 2, 3, 4, 5, tzinfo=UTC), None, datetime(2024, 1, 1, tzinfo=UTC)]
        tables.append({"v": [1, 2, 3], "day": days, "at": times}, request_of(1, partition_by=("day", "at")))
        before = tables.place.files("t")
        batch = pa.table({"v": [20, 30], "day": pa.array([days[1], None], pa.date32()), "at": times[1:]})
        result = tables.merge(batch, request_of(2), "day", "at")
        assert (result.updated, result.inserted, result.removed_files) == (2, 0, 2)
        assert len(before & tables.place.files("t")) == 1
        read = tables.place.read("t").select(["v", "day", "at"])
        expected = list(zip([1, 20, 30], days, times, strict=True))
        assert in_order(tuple(row.values()) for row in read.to_pylist()) == in_order(expected)

    def test_keys_of_times_and_long_texts_and_of_a_narrower_type(self, tables: Tables) -> None:
        at, long = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), "k" * 60
        tables.append({"t": [at], "k": [long], "n": [1], "v": [1]}, request_of(1))
        tables.append({"t": [at.replace(year=1960)], "k": ["a"], "n": [1], "v": [2]}, request_of(2))
        batch = pa.table({"t": [at], "k": [long], "n": pa.array([1], pa.int16()), "v": [9]})
        result = tables.merge(batch, request_of(3), "t", "k", "n")
        assert (result.updated, result.inserted, len(tables.rows())) == (1, 0, 2)
        assert sorted(tables.place.read("t")["v"].to_pylist()) == [2, 9]

    def test_columns_of_names_that_an_engine_may_use_itself(self, tables: Tables) -> None:
        first = {"path": [1, 2], "v_new": ["a", "b"], "len": [0, 0], "target": [0, 0], "source.x": [0, 0]}
        tables.append(first, request_of(1))
        second = {"path": [2], "v_new": ["B"], "len": [1], "target": [2], "source.x": [3]}
        tables.merge(second, request_of(2), "path")
        assert tables.rows() == [(1, "a", 0, 0, 0), (2, "B", 1, 2, 3)]

    def test_all_rows_of_a_key_are_replaced_by_those_of_the_batch(self, tables: Tables) -> None:
        first = tables.merge({"id": [1, 1, 2], "v": ["a", "b", "c"]}, request_of(1), "id", replace=True)
        assert (first.rows, first.inserted, first.deleted) == (3, 3, 0)
        tables.append({"id": [None, 1], "v": ["n", "d"]}, request_of(2))
        tables.append({"id": [8, 9], "v": ["x", "y"]}, request_of(3))
        batch = {"id": [1, 1, None, 5], "v": ["A", "B", "N", "F"]}
        result = tables.merge(batch, request_of(4), "id", replace=True)
        assert (result.rows, result.inserted, result.updated, result.deleted) == (4, 4, 0, 4)
        expected = [(1, "A"), (1, "B"), (None, "N"), (2, "c"), (5, "F"), (8, "x"), (9, "y")]
        assert tables.rows() == in_order(expected)
        assert tables.place.commits("t") == 4

    def test_flagged_rows_delete_what_they_match_and_are_not_inserted(self, tables: Tables) -> None:
        tables.append({"id": [1, 2, 3], "v": ["a", "b", "c"]}, request_of(1))
        batch = {"id": [1, 2, 8, 9], "v": [None, "B", None, "new"], "gone": [True, False, True, False]}
        result = tables.merge(batch, request_of(2), "id", delete="gone")
        assert (result.rows, result.inserted, result.updated, result.deleted) == (2, 1, 1, 1)
        assert tables.rows() == [(2, "B"), (3, "c"), (9, "new")]

    def test_a_rebuild_gets_the_rows_of_its_keys_and_its_result_is_merged(self, tables: Tables, rows: Rows) -> None:
        tables.append({"id": [1, 1, 2], "n": [1, 2, 1], "v": ["a", "b", "c"]}, request_of(1))
        tables.append({"id": [3, None], "n": [1, 1], "v": ["d", "e"]}, request_of(2))
        frames, seen = tables.engine.frames, list[Row]()

        def make(batch: object, known: object | None) -> object:
            assert known is not None
            seen.extend(rows(known))
            assert list(frames.schema(batch)) == ["id", "n", "v", "extra", "gone"]
            assert list(frames.schema(known)) == ["id", "n", "v", "extra"]
            late = frames.with_columns(frames.filter(known, parse("n = 2")), {"gone": lit(value=True)})
            return frames.union([batch, late])

        batch = {"ID": [1, None], "n": [5, 1], "extra": ["x", "y"], "gone": [False, False]}
        plan = MergePlan(keys=("id", "n"), keep=("v",), delete="gone", rebuild=Rebuild(make=make, keys=("ID",)))
        observed, observe = frames.observed(tables.frame(batch), {"rows": count()})
        result = tables.open().merge(observed, plan, request_of(3, observe=observe))
        assert seen == in_order([(1, 1, "a", None), (1, 2, "b", None), (None, 1, "e", None)])
        assert (result.rows, result.inserted, result.updated, result.deleted) == (2, 1, 1, 1)
        expected = [(1, 1, "a", None), (1, 5, None, "x"), (2, 1, "c", None), (3, 1, "d", None), (None, 1, "e", "y")]
        assert tables.rows() == in_order(expected)

    def test_a_rebuild_without_keys_gets_the_whole_table(self, tables: Tables, rows: Rows) -> None:
        tables.append({"id": [1, 2, 3]}, request_of(1))
        tables.append({"id": [4]}, request_of(2))
        frames, seen = tables.engine.frames, list[Row]()

        def twice(batch: object, known: object | None) -> object:
            seen.extend(rows(known))
            return frames.union([batch, batch])

        plan = MergePlan(keys=("id",), rebuild=Rebuild(make=twice, keys=None))
        with pytest.raises(DestinationError, match="same merge keys id: 7"):
            tables.open().merge(tables.frame({"id": [7]}), plan, request_of(3))
        assert seen == [(1,), (2,), (3,), (4,)]
        assert tables.rows() == [(1,), (2,), (3,), (4,)]

    def test_the_rows_of_a_window_are_replaced_and_files_outside_stay(self, tables: Tables) -> None:
        first = {"d": [date(2024, 1, 1), date(2024, 1, 2)], "v": ["old"] * 2}
        tables.append(first, request_of(1))
        outside = tables.place.files("t")
        tables.append({"d": [date(2024, 1, day) for day in (3, 4, 5, 6)], "v": ["old"] * 4}, request_of(2))
        batch = {"d": [date(2024, 1, 4), date(2024, 1, 4)], "v": ["x", "y"]}
        where = "d > date '2024-01-03' and d <= date '2024-01-05'"
        result = tables.overwrite(batch, request_of(3), where)
        assert result.rows == 2
        expected = [(1, "old"), (2, "old"), (3, "old"), (4, "x"), (4, "y"), (6, "old")]
        assert tables.rows() == [(date(2024, 1, day), v) for day, v in expected]
        assert outside <= tables.place.files("t")
        assert tables.place.commits("t") == 3

    def test_replacing_a_part_keeps_rows_for_which_the_condition_is_null(self, tables: Tables) -> None:
        tables.append({"n": [1, None, 3]}, request_of(1))
        assert tables.overwrite({"n": [2]}, request_of(2), "n >= 2").rows == 1
        assert tables.rows() == [(1,), (2,), (None,)]
        assert tables.overwrite({"n": pa.array([], pa.int64())}, request_of(3), "n < 2").rows == 0
        assert tables.rows() == [(2,), (None,)]

    def test_rows_outside_of_the_part_that_is_replaced_may_come(self, tables: Tables) -> None:
        tables.append({"p": ["a", "b"], "n": [1, 2]}, request_of(1, partition_by=("p",)))
        tables.overwrite({"p": ["a", "c"], "n": [5, 6]}, request_of(2), "p = 'b'")
        read = tables.place.read("t").select(["p", "n"])
        assert in_order(tuple(row.values()) for row in read.to_pylist()) == [("a", 1), ("a", 5), ("c", 6)]
