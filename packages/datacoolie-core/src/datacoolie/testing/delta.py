"""What every engine does to Delta tables, and what the log says; made and read with delta-rs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, Field, Schema
from deltalake.schema import PrimitiveType

from datacoolie.core.exceptions import DestinationError, SourceError
from datacoolie.engines import CanOptimize, CanVacuum, Commit, ListsFiles, Token
from datacoolie.testing.base import Rows, in_order, needs
from datacoolie.testing.tables import WRITES, Tables, TableTests, request_of

_LONG, _TEXT = PrimitiveType("long"), PrimitiveType("string")


class DeltaSuite(TableTests):
    """Tests what is particular to Delta. A subclass has a fixture `engine`."""

    def test_the_log_has_the_token_as_delta_knows_it(self, delta: Tables) -> None:
        for seq, how in enumerate(WRITES, 3):
            delta.write(how, {"id": [1]}, request_of(seq))
            table = _table(delta)
            assert table.transaction_version("flow") == seq
            assert json.loads(table.history(1)[0]["userMetadata"])["datacoolie.seq"] == str(seq)

    def test_a_version_is_the_tables_id_and_number(self, delta: Tables) -> None:
        delta.append({"id": [1]}, request_of(1))
        delta.overwrite({"id": [1]}, request_of(2))
        assert delta.open().version == f"{_table(delta).metadata().id}@1"
        late = delta.seen()
        delta.append({"id": [2]}, request_of(1, flow="other"))
        assert late.append(delta.frame({"id": [3]}), request_of(3)).version == "3"

    def test_commits_of_other_writers_are_taken_over(self, delta: Tables) -> None:
        """An engine goes on where another one stopped: the log's entries are all there is."""
        delta.append({"id": [1]}, request_of(1))
        _table(delta).alter.set_table_properties({"delta.logRetentionDuration": "interval 60 days"})
        expected = Commit(
            token=Token(seq=1, epoch=2, dataflow_id="flow"), metadata={"mark": "mark 1", "observed": "{}"}
        )
        assert delta.open().committed("flow") == expected
        delta.append({"id": [2]}, request_of(2))
        assert "delta.logRetentionDuration" in _table(delta).metadata().configuration

    def test_empty_text_as_partition_is_null(self, delta: Tables, rows: Rows) -> None:
        delta.append({"p": ["", "x", None], "v": [1, 2, 3]}, request_of(1, partition_by=("p",)))
        assert delta.rows() == in_order([(None, 1), ("x", 2), (None, 3)])
        assert rows(delta.open().scan()) == delta.rows()
        result = delta.merge({"p": ["x"], "v": [20]}, request_of(2), "p")
        assert (result.inserted, result.updated) == (0, 1)

    def test_other_partition_columns_than_the_tables_are_refused(self, delta: Tables) -> None:
        data = {"id": [1], "a": ["x"], "b": ["y"]}
        delta.append(data, request_of(1, partition_by=("a",)))
        with pytest.raises(DestinationError, match=r"partitioned by a, not by b"):
            delta.append(data, request_of(2, partition_by=("b",)))
        delta.append(data, request_of(2))
        assert _table(delta).metadata().partition_columns == ["a"]
        with pytest.raises(DestinationError, match="a can't be renamed, because the table is partitioned by it"):
            delta.append({"id": [1], "z": ["x"]}, request_of(3, renames={"a": "z"}))

    def test_compression_of_data_files(self, delta: Tables) -> None:
        delta.append({"id": [1]}, request_of(1))
        first = delta.place.files("t")
        delta.append({"id": [1]}, request_of(2, options={"compression": "GZIP"}))
        assert _codecs(first) == {"SNAPPY"}
        assert _codecs(delta.place.files("t") - first) == {"GZIP"}

    def test_a_folder_with_other_files_is_no_table(self, delta: Tables) -> None:
        folder = delta.place.root / "t/year=2024"
        folder.mkdir(parents=True)
        (folder / "data.parquet").write_bytes(b"x")
        with pytest.raises(DestinationError, match=r"t: this is no Delta table, but files are here \(year=2024/data"):
            delta.append({"id": [1]}, request_of(1))
        assert delta.place.listing() == {"t/year=2024/data.parquet"}

    def test_a_log_that_can_not_be_read(self, delta: Tables) -> None:
        folder = delta.place.root / "t/_delta_log"
        folder.mkdir(parents=True)
        (folder / "00000000000000000000.json").write_text("{")
        with pytest.raises(DestinationError, match="t: this is no Delta table that can be read"):
            _ = delta.open().exists

    def test_a_feature_that_nobody_knows_is_named(self, delta: Tables) -> None:
        delta.append({"id": [1], "v": ["x"]}, request_of(1))
        features = {"readerFeatures": ["ofTomorrow"], "writerFeatures": ["ofTomorrow"]}
        entry = {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}}
        (delta.place.root / "t/_delta_log/00000000000000000001.json").write_text(json.dumps(entry))
        before = delta.place.listing()
        for how in WRITES:
            with pytest.raises(DestinationError, match=r"/t: .*ofTomorrow"):
                delta.write(how, {"id": [2], "v": ["y"]}, request_of(2))
        with pytest.raises((DestinationError, SourceError), match=r"/t: .*ofTomorrow"):
            delta.open().scan()
        assert delta.place.listing() == before

    @pytest.mark.parametrize("how", WRITES)
    def test_rows_that_break_a_rule_are_refused(self, delta: Tables, how: str) -> None:
        fields = [Field("id", _LONG, nullable=False), Field("v", _TEXT, metadata={"comment": "said of v"})]
        table = DeltaTable.create(delta.place.root / "t", Schema(fields))
        table.alter.add_constraint({"small": "v < 'zz' AND v > ''"})
        for batch, rule in (
            ({"id": [1, None], "v": ["x", "y"]}, "'id' must not be null"),
            ({"v": ["x"]} if how != "merge" else {"id": [None], "v": ["x"]}, "'id' must not be null"),
            ({"id": [2, 3], "v": ["x", "zzz"]}, "small"),
            ({"id": [2], "v": pa.array([None], pa.string())}, "small"),
        ):
            with pytest.raises(DestinationError, match=f"row breaks a rule of the table: .*{rule}"):
                delta.write(how, batch, request_of(1))
        assert delta.rows() == []
        delta.write(how, {"id": [1], "v": ["x"]}, request_of(1))
        assert delta.rows() == [(1, "x")]
        assert _table(delta).schema().fields == fields
        assert _table(delta).metadata().configuration["delta.constraints.small"] == "v < 'zz' AND v > ''"

    @pytest.mark.parametrize("how", WRITES)
    def test_widening_loses_no_generated_column(self, delta: Tables, how: str) -> None:
        """An engine that can't keep it refuses, and changes nothing."""
        metadata = {"delta.generationExpression": "CAST(at AS DATE)"}
        day = Field("day", PrimitiveType("date"), metadata=metadata)
        fields = [Field("id", PrimitiveType("integer")), Field("at", PrimitiveType("timestamp")), day]
        DeltaTable.create(delta.place.root / "t", Schema(fields))
        at = datetime(2024, 5, 1, 23, tzinfo=UTC)
        delta.append({"id": pa.array([1], pa.int32()), "at": [at]}, request_of(1))
        refused = ""
        try:
            delta.write(how, {"id": [2**40], "at": [at]}, request_of(2))
        except DestinationError as error:
            refused = error.message
        assert not refused or ("id: int -> bigint" in refused and "'day' is computed" in refused)
        kept = [(1, at, at.date())] if refused or how != "overwrite" else []
        assert delta.rows() == [*kept, *([] if refused else [(2**40, at, at.date())])]
        assert _table(delta).schema().fields[2] == day

    @pytest.mark.parametrize("how", WRITES)
    def test_a_generated_column_is_computed_or_compared(self, delta: Tables, how: str) -> None:
        expression = {"delta.generationExpression": "CAST(at AS DATE)"}
        fields = [
            Field("id", _LONG),
            Field("at", PrimitiveType("timestamp")),
            Field("day", PrimitiveType("date"), metadata=expression),
        ]
        DeltaTable.create(delta.place.root / "t", Schema(fields), partition_by=["day"])
        at = datetime(2024, 5, 1, 23, tzinfo=UTC)
        delta.write(how, {"id": [1], "AT": [at]}, request_of(1))
        assert delta.place.read("t")["day"].to_pylist() == [at.date()]
        with pytest.raises(DestinationError, match=r"row breaks a rule of the table: .*day"):
            delta.write(how, {"id": [2], "at": [at], "day": [at.date() + timedelta(days=1)]}, request_of(2))
        delta.write(how, {"id": [2], "at": [at], "day": [at.date()]}, request_of(2))
        assert 2 in delta.place.read("t")["id"].to_pylist()

    def test_an_append_only_table_takes_appends_alone(self, delta: Tables) -> None:
        delta.append({"id": [1], "n": pa.array([1], pa.int32())}, request_of(1))
        _table(delta).alter.set_table_properties({"delta.appendOnly": "true"})
        delta.append({"id": [2], "n": pa.array([1], pa.int32())}, request_of(2))
        for how in ("overwrite", "merge"):
            with pytest.raises(DestinationError, match="appendOnly"):
                delta.write(how, {"id": [2], "n": pa.array([1], pa.int32())}, request_of(3))
        assert delta.rows() == [(1, 1), (2, 1)]

    def test_files_are_listed_by_partition(self, delta: Tables) -> None:
        delta.append({"id": [1, 2], "a": ["x", "a/b"], "b": [1, None]}, request_of(1, partition_by=("a", "b")))
        table = delta.open()
        if not isinstance(table, ListsFiles):
            pytest.skip("the engine's tables don't list their files")
        found = table.files_by_partition()
        assert set(found) == {"a=x/b=1", "a=a%2Fb/b=__HIVE_DEFAULT_PARTITION__"}
        assert sum(map(len, found.values())) == len(delta.place.files("t")) == 2

    @needs("optimizes", "delta")
    def test_small_files_are_joined_and_nothing_else_changes(self, delta: Tables) -> None:
        for seq in range(1, 4):
            delta.append({"id": [seq], "p": ["x"]}, request_of(seq))
        table = delta.open()
        assert isinstance(table, CanOptimize)
        done = table.optimize(options={})
        assert done is not None
        assert (done.files, done.removed_files) == (len(delta.place.files("t")), 3)
        assert delta.rows() == [(1, "x"), (2, "x"), (3, "x")]
        commit = delta.open().committed("flow")
        assert commit is not None
        assert (commit.token.seq, commit.metadata["mark"]) == (3, "mark 3")

    @needs("vacuums", "delta")
    def test_files_that_nobody_needs_are_removed(self, delta: Tables) -> None:
        delta.append({"id": [1]}, request_of(1))
        old = delta.place.files("t")
        _table(delta).alter.set_table_properties({"delta.deletedFileRetentionDuration": "interval 0 seconds"})
        delta.overwrite({"id": [2]}, request_of(2))
        table = delta.open()
        assert isinstance(table, CanVacuum)
        assert table.vacuum(keep=timedelta(hours=1), leftovers=False) is None
        again = delta.open()
        assert isinstance(again, CanVacuum)
        done = again.vacuum(keep=timedelta(), leftovers=False)
        assert done is not None
        assert done.removed_files == len(old)
        assert not any(name in delta.place.listing() for name in old)
        assert delta.rows() == [(2,)]
        assert delta.open().committed("flow", after=1) is not None


def _table(tables: Tables) -> DeltaTable:
    return DeltaTable(tables.place.root / "t")


def _codecs(files: set[str]) -> set[str]:
    paths = (file.removeprefix("file://") for file in files)
    return {pq.read_metadata(path).row_group(0).column(0).compression for path in paths}
