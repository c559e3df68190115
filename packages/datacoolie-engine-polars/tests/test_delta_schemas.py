"""Schemas of Delta tables: what a batch may change, and which tables are refused by the name of a feature."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from datacoolie.core.exceptions import DestinationError, SourceError
from datacoolie.core.models import SchemaPolicy
from datacoolie.engines import TableOps, WriteRequest, WriteResult

if TYPE_CHECKING:
    from pathlib import Path

Open = Callable[..., TableOps[pl.LazyFrame]]
Request = Callable[..., WriteRequest[pl.LazyFrame]]
Merge = Callable[..., WriteResult]
Write = Callable[..., object]


def frame(**columns: Sequence[object]) -> pl.LazyFrame:
    return pl.LazyFrame(columns)


def rows(path: Path) -> list[tuple[object, ...]]:
    return sorted(pl.DataFrame(DeltaTable(path).to_pyarrow_table()).rows(), key=repr)


def listing(path: Path) -> set[str]:
    return {str(one.relative_to(path)) for one in path.rglob("*") if one.is_file()}


@pytest.fixture(params=["append", "overwrite", "merge"])
def write(request: pytest.FixtureRequest, merge: Merge) -> Callable[..., object]:
    def run(table: TableOps[pl.LazyFrame], batch: pl.LazyFrame, asked: WriteRequest[pl.LazyFrame]) -> object:
        if request.param == "merge":
            return merge(table, batch, asked, "id")
        return getattr(table, request.param)(batch, asked)

    return run


def test_a_new_column_is_added(tmp_path: Path, table_at: Open, request_of: Request, write: Write) -> None:
    table_at().append(frame(id=[1]), request_of(1))
    write(table_at(), frame(id=[2], more=[1.5]), request_of(2))
    assert (2, 1.5) in rows(tmp_path / "table")
    assert list(table_at().schema()) == ["id", "more"]
    assert table_at().committed("flow", after=1) is not None


def test_a_missing_column_is_null_and_order_is_the_tables(
    tmp_path: Path, table_at: Open, request_of: Request, write: Write
) -> None:
    table_at().append(frame(a=["x"], id=[1], b=[True]), request_of(1))
    write(table_at(), frame(id=[2], A=["y"]), request_of(2))
    assert list(table_at().schema()) == ["a", "id", "b"]
    assert ("y", 2, None) in rows(tmp_path / "table")


def test_strict_and_ignore_new(tmp_path: Path, table_at: Open, request_of: Request, write: Write) -> None:
    table_at().append(frame(id=[1], a=[1]), request_of(1))
    with pytest.raises(DestinationError, match=r"a, more.*schema_policy is strict"):
        write(table_at(), frame(id=[2], more=[1]), request_of(2, policy=SchemaPolicy.STRICT))
    write(table_at(), frame(id=[2], more=[1]), request_of(2, policy=SchemaPolicy.IGNORE_NEW))
    assert list(table_at().schema()) == ["id", "a"]
    assert (2, None) in rows(tmp_path / "table")


@pytest.mark.parametrize(
    ("batch", "named"),
    [
        (frame(id=[2], n=["x"]), "'n' is int in the table, but string"),
        (frame(id=[2], n=[True]), "'n' is int in the table, but boolean"),
        (frame(id=["2"]), "'id' is bigint in the table, but string"),
        (frame(id=[2.5]), "'id' is bigint in the table, but double"),
        (frame(id=[2], d=[1.5]), r"'d' is decimal\(9,2\) in the table, but double"),
        (frame(id=[2], s=[{"a": [1]}]), "'s' is struct<a:bigint> in the table, but struct<a:array<bigint>>"),
    ],
)
def test_a_type_that_does_not_fit_fails_before_a_byte_is_written(
    tmp_path: Path, table_at: Open, request_of: Request, write: Write, *, batch: pl.LazyFrame, named: str
) -> None:
    first = frame(id=[1], n=[1], d=[1], s=[{"a": 1}])
    table_at().append(first.cast({"n": pl.Int32, "d": pl.Decimal(9, 2)}), request_of(1))
    before = listing(tmp_path / "table")
    with pytest.raises(DestinationError, match=named) as caught:
        write(table_at(), batch, request_of(2))
    assert "schema hint" in caught.value.message
    assert listing(tmp_path / "table") == before


def test_a_narrower_batch_is_widened(tmp_path: Path, table_at: Open, request_of: Request, write: Write) -> None:
    table_at().append(frame(id=[1], f=[1.5], n=[None]).cast({"n": pl.Decimal(12, 2)}), request_of(1))
    write(table_at(), frame(id=[2], f=[3], n=[4]).cast({"id": pl.Int8, "f": pl.Int32, "n": pl.Int32}), request_of(2))
    assert [row[1] for row in rows(tmp_path / "table") if row[0] == 2] == [3.0]
    assert {name: str(kind) for name, kind in table_at().schema().items()} == {
        "id": "bigint", "f": "double", "n": "decimal(12,2)"
    }  # fmt: skip


def test_a_column_that_is_always_null_has_no_type_to_begin_with(table_at: Open, request_of: Request) -> None:
    with pytest.raises(DestinationError, match="column 'n' is void"):
        table_at().append(frame(id=[1], n=[None]), request_of())


def test_a_void_column_takes_the_type_of_the_table(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    table_at().append(frame(id=[1], n=[5]), request_of(1))
    table_at().append(frame(id=[2], n=[None]), request_of(2))
    assert rows(tmp_path / "table") == [(1, 5), (2, None)]


def with_feature(path: Path, *, writer: str | None = None, reader: str | None = None, **configuration: str) -> None:
    """Make a table of one row and then say in its log that it has a feature."""
    write_deltalake(path, pl.DataFrame({"id": [1], "name": ["x"]}))
    log = path / "_delta_log/00000000000000000000.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        if "protocol" in line and writer:
            line["protocol"] = {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": [writer]}
            if reader:
                line["protocol"] |= {"minReaderVersion": 3, "readerFeatures": [reader]}
        if "metaData" in line:
            line["metaData"]["configuration"] = configuration
    log.write_text("\n".join(json.dumps(line) for line in lines))


@pytest.mark.parametrize(
    "feature",
    ["identityColumns", "rowTracking", "inCommitTimestamp", "clustering", "domainMetadata", "allowColumnDefaults"],
)
def test_a_writer_feature_is_refused_by_name(
    tmp_path: Path, table_at: Open, request_of: Request, write: Write, feature: str
) -> None:
    with_feature(tmp_path / "table", writer=feature)
    before = listing(tmp_path / "table")
    with pytest.raises(DestinationError, match=f"table: the table uses {feature}, which is not supported yet"):
        write(table_at(), frame(id=[2]), request_of())
    assert listing(tmp_path / "table") == before
    assert table_at().scan().collect().height == 1


@pytest.mark.parametrize("feature", ["columnMapping", "v2Checkpoint", "typeWidening", "variantType"])
def test_a_reader_feature_is_refused_by_name(
    tmp_path: Path, table_at: Open, request_of: Request, write: Write, feature: str
) -> None:
    with_feature(tmp_path / "table", writer=feature, reader=feature)
    with pytest.raises(DestinationError, match=feature):
        write(table_at(), frame(id=[2]), request_of())
    with pytest.raises(SourceError, match=f"the table uses {feature}"):
        table_at().scan()


def test_a_table_with_deletion_vectors_is_read_and_not_written(
    tmp_path: Path, table_at: Open, request_of: Request, write: Write
) -> None:
    with_feature(tmp_path / "table", writer="deletionVectors", reader="deletionVectors")
    with pytest.raises(DestinationError, match="deletionVectors"):
        write(table_at(), frame(id=[2]), request_of())
    assert table_at().scan().collect().height == 1


def test_an_append_only_table_takes_appends_alone(
    tmp_path: Path, table_at: Open, request_of: Request, merge: Merge
) -> None:
    write_deltalake(tmp_path / "table", pl.DataFrame({"id": [1]}), configuration={"delta.appendOnly": "true"})
    table_at().append(frame(id=[2]), request_of(1))
    with pytest.raises(DestinationError, match="appendOnly"):
        table_at().overwrite(frame(id=[2]), request_of(2))
    with pytest.raises(DestinationError, match="appendOnly"):
        merge(table_at(), frame(id=[2]), request_of(2), "id")
    assert rows(tmp_path / "table") == [(1,), (2,)]
