"""What every engine does to Iceberg tables, and what snapshots say; made and read with pyiceberg."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyiceberg.transforms import BucketTransform, DayTransform, TruncateTransform

from datacoolie.core.exceptions import DestinationError
from datacoolie.engines import CanVacuum, CommitConflictError, CommitForgottenError
from datacoolie.testing.base import Rows, in_order, needs
from datacoolie.testing.places import IcebergPlace
from datacoolie.testing.tables import Tables, TableTests, request_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyiceberg.table import Table

_DAY = datetime(2024, 5, 6, 7, tzinfo=UTC)

_EVENTS = pa.table(
    {
        "id": [1, 2, 3, 4, None],
        "at": [_DAY, _DAY.replace(month=6), _DAY.replace(year=1969), _DAY.replace(hour=8), None],
        "text": ["apple", "apricot", "bär/ü?", "", None],
        "n": [-1, 15, 19, -11, None],
    }
)


class IcebergSuite(TableTests):
    """Tests what is particular to Iceberg. A subclass has a fixture `engine`."""

    def test_a_commit_whose_snapshot_is_expired_is_not_taken_for_none(self, iceberg: Tables) -> None:
        iceberg.append({"id": [1]}, request_of(1, flow="a"))
        iceberg.append({"id": [1]}, request_of(1, flow="b"))
        with _table(iceberg) as table:
            table.maintenance.expire_snapshots().by_id(table.snapshots()[0].snapshot_id).commit()
        assert iceberg.open().committed("a", after=1) is None
        with pytest.raises(CommitForgottenError, match="load 1 of dataflow a is in the table, but the table no longer"):
            iceberg.open().committed("a")

    def test_a_table_that_is_dropped_and_made_again_is_another(self, iceberg: Tables) -> None:
        iceberg.append({"id": [1]}, request_of(1))
        stale = iceberg.seen()
        iceberg.place.drop("t")
        with pytest.raises(CommitConflictError):
            stale.append(iceberg.frame({"id": [2]}), request_of(2))
        iceberg.append({"id": [1]}, request_of(1))
        stale = iceberg.seen()
        iceberg.place.drop("t")
        iceberg.append({"id": [5]}, request_of(1))
        with pytest.raises(CommitConflictError):
            stale.append(iceberg.frame({"id": [2]}), request_of(2))
        assert iceberg.rows() == [(5,)]

    def test_a_table_without_snapshot_is_empty(self, iceberg: Tables, rows: Rows) -> None:
        _made(iceberg, pa.schema([("id", pa.int64())]))
        version = iceberg.open().version
        assert rows(iceberg.open().scan()) == []
        iceberg.overwrite({"id": [1]}, request_of(1))
        assert rows(iceberg.open().scan()) == [(1,)]
        assert rows(iceberg.open(version=version).scan()) == []

    def test_no_retries_of_a_library_follow_others_unasked(self, iceberg: Tables) -> None:
        iceberg.append({"id": [1]}, request_of(1))
        with _table(iceberg) as table, table.transaction() as transaction:
            transaction.set_properties({"commit.retry.num-retries": "9"})
        stale = iceberg.seen()
        iceberg.append({"id": [2]}, request_of(1, flow="other"))
        with pytest.raises(CommitConflictError):
            stale.overwrite(iceberg.frame({"id": [3]}), request_of(2))
        assert iceberg.rows() == [(1,), (2,)]
        with _table(iceberg) as table:
            assert table.properties["commit.retry.num-retries"] == "9"

    def test_hidden_partitions_of_a_table_are_kept(self, iceberg: Tables, rows: Rows) -> None:
        _made(iceberg, _EVENTS.schema)
        with _table(iceberg) as table, table.update_spec() as update:
            update.add_field("at", DayTransform(), "day")
            update.add_field("text", TruncateTransform(2), "start")
            update.add_field("id", BucketTransform(4), "bucket")
        iceberg.append(_EVENTS, request_of(1))
        expected = _rows(_EVENTS)
        assert iceberg.rows() == expected
        assert rows(iceberg.open().scan()) == expected
        with _table(iceberg) as table:
            assert len(table.inspect.files()) == 5
            assert table.scan(row_filter="text = 'apple' and id = 1").to_arrow().num_rows == 1
        changed = _EVENTS.slice(0, 1).set_column(3, "n", pa.array([7]))
        result = iceberg.merge(changed, request_of(2), "id")
        assert (result.updated, result.inserted) == (1, 0)
        assert iceberg.rows() == in_order([*_rows(changed), *_rows(_EVENTS.slice(1))])
        iceberg.overwrite(_EVENTS.slice(0, 2), request_of(3))
        assert iceberg.rows() == _rows(_EVENTS.slice(0, 2))

    def test_a_spec_that_changes_leaves_older_files(self, iceberg: Tables) -> None:
        iceberg.append(_EVENTS, request_of(1, partition_by=("text",)))
        with _table(iceberg) as table, table.update_spec() as update:
            update.remove_field("text")
            update.add_field("at", DayTransform(), "day")
        more = _EVENTS.slice(0, 2).set_column(0, "id", pa.array([11, 12]))
        iceberg.append(more, request_of(2))
        with _table(iceberg) as table:
            assert {file["spec_id"] for file in table.inspect.files().to_pylist()} == {0, 1}
        changed = _EVENTS.slice(0, 1).set_column(3, "n", pa.array([7]))
        iceberg.merge(changed, request_of(3), "id")
        assert iceberg.rows() == in_order([*_rows(changed), *_rows(_EVENTS.slice(1)), *_rows(more)])

    def test_columns_that_were_renamed_dropped_and_added_again(self, iceberg: Tables, rows: Rows) -> None:
        first = {"id": [1, 2], "old": ["a", "b"], "gone": [1, 2], "s": [{"x": 1}, {"x": 2}]}
        iceberg.append(first, request_of(1))
        with _table(iceberg) as table, table.update_schema() as update:
            update.rename_column("old", "new")
            update.rename_column("s.x", "y")
            update.delete_column("gone")
        with _table(iceberg) as table, table.update_schema() as update:
            update.union_by_name(pa.schema([("gone", pa.int64())]))
        expected = [(1, "a", {"y": 1}, None), (2, "b", {"y": 2}, None)]
        assert rows(iceberg.open().scan()) == expected
        iceberg.merge({"id": [2], "new": ["B"]}, request_of(2), "id")
        assert iceberg.rows() == [expected[0], (2, "B", {"y": 2}, None)]

    def test_columns_are_renamed_and_widened_without_a_rewrite(self, iceberg: Tables) -> None:
        iceberg.append({"id": [1], "name": ["old"], "n": pa.array([1], pa.int32())}, request_of(1))
        before = iceberg.place.files("t")
        wide = {"id": [2], "title": ["new"], "n": [2**40]}
        result = iceberg.append(wide, request_of(2, renames={"name": "title"}))
        assert result.schema_changes == ("name is called title", "n: int -> bigint")
        assert before < iceberg.place.files("t")
        assert iceberg.rows() == [(1, "old", 1), (2, "new", 2**40)]

    def test_types_that_iceberg_can_not_widen_are_refused(self, iceberg: Tables) -> None:
        iceberg.append({"id": [1], "n": [1]}, request_of(1))
        wide = {"id": [2], "n": pa.array([None], pa.decimal128(20, 2))}
        with pytest.raises(DestinationError, match="Iceberg can't change types like this: n: bigint -> decimal"):
            iceberg.append(wide, request_of(2))
        with pytest.raises(DestinationError, match="Iceberg can't change types like this: n: bigint -> decimal"):
            iceberg.merge(wide, request_of(2), "id")
        assert iceberg.rows() == [(1, 1)]

    def test_columns_that_must_not_be_null(self, iceberg: Tables) -> None:
        _made(iceberg, pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("n", pa.int64())]))
        iceberg.append({"id": [1, 2], "n": [1, None]}, request_of(1))
        refused = "'id' must not be null"
        with pytest.raises(DestinationError, match=refused):
            iceberg.append({"id": [3, None, None]}, request_of(2))
        with pytest.raises(DestinationError, match=refused):
            iceberg.overwrite({"n": [3, 4]}, request_of(2))
        iceberg.merge({"id": [2, 3], "n": [5, 6]}, request_of(2), "id")
        assert iceberg.rows() == [(1, 1), (2, 5), (3, 6)]
        with _table(iceberg) as table:
            assert table.schema().find_field("id").required

    @needs("vacuums", "iceberg")
    def test_what_flows_have_committed_is_found_after_their_snapshots_expired(self, iceberg: Tables) -> None:
        iceberg.append({"id": [1]}, request_of(1, flow="quiet"))
        iceberg.append({"id": [2]}, request_of(1, flow="busy"))
        iceberg.overwrite({"id": [3]}, request_of(2, flow="busy"))
        time.sleep(0.01)  # versions are told apart by milliseconds
        table = iceberg.open()
        assert isinstance(table, CanVacuum)
        assert table.vacuum(keep=timedelta(hours=1), leftovers=False) is None
        again = iceberg.open()
        assert isinstance(again, CanVacuum)
        assert again.vacuum(keep=timedelta(), leftovers=False) is not None
        assert iceberg.rows() == [(3,)]
        for flow, seq, mark in (("quiet", 1, "mark 1"), ("busy", 2, "mark 2")):
            commit = iceberg.open().committed(flow)
            assert commit is not None
            assert (commit.token.seq, commit.metadata["mark"]) == (seq, mark)


def _rows(table: pa.Table) -> list[tuple[object, ...]]:
    return in_order(tuple(row.values()) for row in table.to_pylist())


@contextmanager
def _table(tables: Tables) -> Iterator[Table]:
    assert isinstance(tables.place, IcebergPlace)
    with tables.place.open("t") as table:
        yield table


def _made(tables: Tables, schema: pa.Schema) -> None:
    """Make an empty table as another program does."""
    tables.place.make("t", schema.empty_table())
