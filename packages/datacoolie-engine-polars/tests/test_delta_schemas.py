"""Schemas of Delta tables: what a batch may change, and which tables are refused by the name of a feature."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from datacoolie.core.exceptions import DestinationError, SourceError
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
