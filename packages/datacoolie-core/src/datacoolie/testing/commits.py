"""What commits into tables of any format leave, what they say, and who wins."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from datacoolie.core.exceptions import DestinationError, SourceError
from datacoolie.engines import Commit, CommitConflictError, MergePlan, Token
from datacoolie.sql import agg, col, count, parse
from datacoolie.testing.base import Rows, in_order, needs
from datacoolie.testing.tables import WRITES, RefusedError, Tables, TableTests, request_of

if TYPE_CHECKING:
    from datacoolie.engines import TableOps, WriteRequest
    from datacoolie.testing.base import Row

_WALL = datetime(2024, 1, 2, 3, 4, 5, 678901)  # noqa: DTZ001 - a time without zone is what is tested
_MOMENT = _WALL.replace(tzinfo=UTC)

_EVERY_TYPE = {
    "small": pa.array([-1, None], pa.int16()),
    "int": pa.array([1, None], pa.int32()),
    "long": pa.array([2**62, None]),
    "float": pa.array([1.5, None], pa.float32()),
    "double": pa.array([0.1, None]),
    "text": pa.array(["ä\U0001f600", None]),
    "bytes": pa.array([b"\x00\xff", None]),
    "flag": pa.array([True, None]),
    "day": pa.array([date(1969, 2, 28), None]),
    "moment": pa.array([_MOMENT, None]),
    "wall": pa.array([_WALL, None]),
    "money": pa.array([Decimal("12345678.90"), None], pa.decimal128(20, 2)),
    "list": pa.array([[1, None], None]),
    "struct": pa.array([{"a": 1, "b": ["x"]}, None]),
    "deep": pa.array([[{"a": [1.0]}], []]),
}
_TYPES = {
    "int": "int", "long": "bigint", "float": "float", "double": "double", "text": "string", "bytes": "binary",
    "flag": "boolean", "day": "date", "moment": "timestamp", "wall": "timestamp_ntz", "money": "decimal(20,2)",
    "list": "array<bigint>", "struct": "struct<a:bigint,b:array<string>>", "deep": "array<struct<a:array<double>>>",
}  # fmt: skip

_TEXTS = ["x y", "a/b=c%d", "é#?", "'\"", "[x]*", "__HIVE_DEFAULT_PARTITION__x", "plain", None]

_PARTS: dict[str, list[object]] = {
    "d": [date(2024, 1, 2), None, date(1900, 1, 1)],
    "n": [-5, None, 0],
    "b": [True, None, False],
    "c": [Decimal("1.50"), None, Decimal("2.00")],
    "t": [_MOMENT, None, datetime(1970, 1, 1, tzinfo=UTC)],
}


class CommitSuite(TableTests):
    """Tests appends, overwrites and commits. A subclass has a fixture `engine`."""

    def test_appends_make_the_table_and_add_rows(self, tables: Tables) -> None:
        assert not tables.open().exists
        first = tables.append({"id": [1, 2], "name": ["a", None]}, request_of(1))
        assert (first.rows, first.files, first.removed_files) == (2, len(tables.place.files("t")), 0)
        assert tables.rows() == [(1, "a"), (2, None)]
        assert tables.types() == {"id": "bigint", "name": "string"}
        second = tables.append({"id": [3], "name": ["b"]}, request_of(2))
        assert (second.rows, first.files + second.files) == (1, len(tables.place.files("t")))
        assert tables.rows() == [(1, "a"), (2, None), (3, "b")]
        assert tables.place.commits("t") == 2
        assert tables.open().exists
        assert first.version != second.version

    def test_a_commit_says_what_was_decided(self, tables: Tables) -> None:
        tables.append({"id": [1]}, request_of(7))
        assert tables.place.said("t") == {
            "datacoolie.dataflow_id": "flow",
            "datacoolie.seq": "7",
            "datacoolie.epoch": "2",
            "datacoolie.mark": "mark 7",
            "datacoolie.observed": "{}",
        }
        expected = Commit(
            token=Token(seq=7, epoch=2, dataflow_id="flow"), metadata={"mark": "mark 7", "observed": "{}"}
        )
        assert tables.open().committed("flow", after=6) == expected
        assert tables.open().committed("flow", after=7) is None
        assert tables.open().committed("another flow") is None
        for seq, how in enumerate(WRITES, 1):
            tables.write(how, {"id": [1]}, request_of(seq, flow='it\'s "another" flow'))
            found = tables.open().committed('it\'s "another" flow')
            assert found is not None
            assert (found.token.seq, found.metadata["mark"]) == (seq, f"mark {seq}")
        assert tables.open().committed("flow") == expected

    def test_history_is_newest_first(self, tables: Tables) -> None:
        for seq in (1, 2, 3):
            tables.append({"id": [seq]}, request_of(seq))
        assert len(tables.open().history(10)) == 3
        newest = tables.open().history(2)
        assert ["mark 3" in repr(newest[0]), "mark 2" in repr(newest[1]), len(newest)] == [True, True, 2]

    @needs("observes")
    def test_what_is_observed_reaches_the_decision(self, tables: Tables) -> None:
        for seq, how in enumerate(WRITES, 1):
            frames = tables.engine.frames
            source, first = frames.observed(
                tables.frame({"id": [1, 2, 5]}), {"n": count(), "top": agg("max", col("ID"))}
            )
            _, second = frames.observed(frames.filter(source, parse("id > 1")), {"kept": count()})
            request = request_of(seq, observe={**first, **second})
            tables.write(how, {"id": [2, 5]}, request)
            assert tables.place.said("t")["datacoolie.observed"] == "{'n': 3, 'top': 5, 'kept': 2}"

    def test_a_decision_that_refuses_leaves_nothing(self, tables: Tables) -> None:
        for how in WRITES:
            with pytest.raises(RefusedError):
                tables.write(how, {"id": [2]}, request_of(1, refuse=True), "new")
        assert not tables.place.exists("new")
        tables.append({"id": [1], "day": ["x"]}, request_of(1, partition_by=("day",)))
        before = tables.place.listing()
        for how in WRITES:
            with pytest.raises(RefusedError):
                tables.write(how, {"id": [2], "day": ["y"]}, request_of(2, refuse=True))
        assert tables.rows() == [(1, "x")]
        assert tables.place.listing() == before

    def test_an_overwrite_replaces_rows_in_one_commit(self, tables: Tables) -> None:
        tables.append({"id": [1]}, request_of(1))
        tables.append({"id": [2]}, request_of(2))
        before = tables.place.files("t")
        result = tables.overwrite({"id": [3, 4]}, request_of(3))
        after = tables.place.files("t")
        assert (result.rows, result.files, result.removed_files) == (2, len(after), len(before))
        assert not before & after
        assert tables.rows() == [(3,), (4,)]
        table = tables.open()
        table.overwrite(tables.engine.frames.filter(table.scan(), parse("id > 3")), request_of(4))
        assert tables.rows() == [(4,)]
        assert tables.overwrite({"id": pa.array([], pa.int64())}, request_of(5)).rows == 0
        assert tables.rows() == []
        tables.overwrite({"id": [7]}, request_of(6))
        assert tables.rows() == [(7,)]
        assert tables.place.commits("t") == 6

    @pytest.mark.parametrize("how", WRITES)
    def test_of_two_loads_of_one_flow_at_once_one_wins(self, tables: Tables, how: str) -> None:
        tables.append({"id": [0]}, request_of(1))
        stale = tables.seen()
        tables.append({"id": [1]}, request_of(2))
        with pytest.raises(CommitConflictError):
            _write(stale, tables.frame({"id": [1]}), how, request_of(2))
        assert tables.rows() == [(0,), (1,)]

    @pytest.mark.parametrize("how", ["overwrite", "merge"])
    def test_a_write_on_an_older_version_conflicts(self, tables: Tables, how: str) -> None:
        tables.append({"id": [0]}, request_of(1))
        stale = tables.seen()
        tables.append({"id": [5]}, request_of(1, flow="other"))
        with pytest.raises(CommitConflictError):
            _write(stale, tables.frame({"id": [5]}), how, request_of(2))
        assert tables.rows() == [(0,), (5,)]

    def test_appends_of_two_flows_at_once_both_land(self, tables: Tables) -> None:
        tables.append({"id": [0]}, request_of(1))
        first, second = tables.seen(), tables.seen()
        first.append(tables.frame({"id": [1]}), request_of(1, flow="a"))
        second.append(tables.frame({"id": [2]}), request_of(1, flow="b"))
        assert tables.rows() == [(0,), (1,), (2,)]

    def test_of_two_creations_one_wins(self, tables: Tables) -> None:
        first, second = tables.seen(), tables.seen()
        first.append(tables.frame({"id": [1]}), request_of(1, flow="a"))
        with pytest.raises(CommitConflictError):
            second.append(tables.frame({"id": [2]}), request_of(1, flow="b"))
        assert tables.rows() == [(1,)]

    def test_a_version_is_read_as_it_was(self, tables: Tables, rows: Rows) -> None:
        tables.append({"id": [1]}, request_of(1))
        pinned = tables.open().version
        tables.overwrite({"id": [2]}, request_of(2))
        assert tables.open().version != pinned
        assert tables.open(version=pinned).version == pinned
        assert rows(tables.open(version=pinned).scan()) == [(1,)]
        assert rows(tables.open().scan()) == [(2,)]
        tables.place.drop("t")
        tables.append({"id": [1]}, request_of(1))
        with pytest.raises(SourceError, match="another table"):
            tables.open(version=pinned).scan()

    def test_every_type_comes_back(self, tables: Tables, rows: Rows) -> None:
        table = pa.table(_EVERY_TYPE)
        expected = in_order(tuple(row.values()) for row in table.to_pylist())
        tables.append(table, request_of(1))
        assert tables.types() == {**_TYPES, "small": "int" if tables.place.format == "iceberg" else "smallint"}
        assert tables.rows() == expected
        assert rows(tables.open().scan()) == expected

    def test_a_column_without_a_type_is_refused(self, tables: Tables) -> None:
        with pytest.raises(DestinationError, match="column 'nothing' is void"):
            tables.append({"id": [1], "nothing": [None]}, request_of(1))
        assert not tables.place.exists("t")
        tables.append({"id": [1], "nothing": [5]}, request_of(1))
        tables.append({"id": [2], "nothing": [None]}, request_of(2))
        assert tables.rows() == [(1, 5), (2, None)]

    def test_filters_find_rows_whose_bounds_were_cut(self, tables: Tables, rows: Rows) -> None:
        tables.append({"s": ["a" * 40 + "z"], "f": [float("nan")]}, request_of(1))
        tables.append({"s": ["\U0010ffff" * 40], "f": [1.0]}, request_of(2))
        frames, scanned = tables.engine.frames, tables.open().scan()
        for condition in (f"s > '{'a' * 40}' and s < 'b'", "f > 5", "s > 'z' and f = 1.0"):
            assert len(rows(frames.filter(scanned, parse(condition)))) == 1, condition

    def test_partition_values_of_any_text(self, tables: Tables, rows: Rows) -> None:
        tables.append({"id": list(range(len(_TEXTS))), "p": _TEXTS}, request_of(1, partition_by=("p",)))
        expected: list[Row] = list(enumerate(_TEXTS))
        assert tables.rows() == in_order(expected)
        assert len(tables.place.files("t")) == len(_TEXTS)
        scanned = tables.open().scan()
        assert rows(tables.engine.frames.filter(scanned, parse("p = 'a/b=c%d'"))) == [(1, "a/b=c%d")]

    def test_partition_values_of_other_types(self, tables: Tables, rows: Rows) -> None:
        source = pa.table({"id": [1, 2, 3], **_PARTS})
        tables.append(source, request_of(1, partition_by=tuple(_PARTS)))
        expected = in_order(tuple(row.values()) for row in source.to_pylist())
        assert (
            in_order(tuple(row.values()) for row in tables.place.read("t").select(source.column_names).to_pylist())
            == expected
        )
        found = tables.engine.frames.select(tables.open().scan(), {name: col(name) for name in source.column_names})
        assert rows(found) == expected

    def test_a_partition_column_that_is_none_is_named(self, tables: Tables) -> None:
        with pytest.raises(DestinationError, match="'q'"):
            tables.append({"id": [1]}, request_of(1, partition_by=("q",)))
        assert not tables.place.exists("t")

    def test_tables_of_other_writers_are_read_and_appended_to(self, tables: Tables, rows: Rows) -> None:
        tables.place.make("t", pa.table({"id": [1], "p": ["a b"]}))
        tables.append({"ID": pa.array([2], pa.int32()), "p": ["c"]}, request_of(1))
        assert tables.rows() == [(1, "a b"), (2, "c")]
        assert rows(tables.open().scan()) == [(1, "a b"), (2, "c")]


def _write(table: TableOps[object], frame: object, how: str, request: WriteRequest[object]) -> None:
    match how:
        case "append":
            table.append(frame, request)
        case "overwrite":
            table.overwrite(frame, request)
        case _:
            table.merge(frame, MergePlan(keys=("id",)), request)
