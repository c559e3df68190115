"""Iceberg tables with delete files (merge on read), which other engines make; and commits that nobody knows about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat, ManifestContent, ManifestWriterV2
from pyiceberg.typedef import Record

from datacoolie.core.exceptions import DestinationError
from datacoolie.engines import MergePlan, TableOps, UnknownOutcomeError, WriteRequest
from datacoolie.sql import parse

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

Open = Callable[..., TableOps[pl.LazyFrame]]
Request = Callable[..., WriteRequest[pl.LazyFrame]]

_PATH, _POSITION = 2147483546, 2147483545
"""Iceberg's ids of the two columns of a delete file."""


class DeleteManifest(ManifestWriterV2):
    """A manifest of delete files, which pyiceberg reads but has no way to write."""

    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


def delete_first_row(table: Table) -> None:
    """Delete the first row of the table's only file by a delete file, as merge on read does."""
    (task,) = table.scan().plan_files()
    path = f"{table.location()}/data/deletes.parquet"
    columns = [("file_path", pa.string(), _PATH), ("pos", pa.int64(), _POSITION)]
    schema = pa.schema(
        [pa.field(name, kind, nullable=False, metadata={"PARQUET:field_id": str(id_)}) for name, kind, id_ in columns]
    )
    pq.write_table(pa.table({"file_path": [task.file.file_path], "pos": [0]}, schema=schema), path)
    bound = {_PATH: task.file.file_path.encode()}
    file = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=1,
        file_size_in_bytes=Path(path).stat().st_size,
        spec_id=0,
        lower_bounds=bound,
        upper_bounds=bound,
    )
    transaction = table.transaction()
    with transaction.update_snapshot().fast_append() as producer:
        producer.new_manifest_writer = lambda spec: DeleteManifest(  # type: ignore[method-assign] # see above
            spec, producer.schema(), producer.new_manifest_output(), producer.snapshot_id, "deflate"
        )
        producer.append_data_file(file)
    transaction.commit_transaction()


def rows(catalog: Catalog) -> list[tuple[object, ...]]:
    return sorted(pl.DataFrame(catalog.load_table("db.t").scan().to_arrow()).rows())


def test_delete_files_are_read_and_kept_and_never_written_over(
    catalog: Catalog, open_: Open, request_of: Request
) -> None:
    open_().append(pl.LazyFrame({"id": [1, 2, 3]}), request_of(1))
    delete_first_row(catalog.load_table("db.t"))
    assert sorted(open_().scan().collect().rows()) == [(2,), (3,)]
    refused = r"the table has delete files \(merge on read\)"
    with pytest.raises(DestinationError, match=refused):
        open_().merge(pl.LazyFrame({"id": [2]}), MergePlan(keys=("id",)), request_of(2))
    with pytest.raises(DestinationError, match=refused):
        open_().overwrite(pl.LazyFrame({"id": [2]}), request_of(2), where=parse("id = 3"))
    open_().append(pl.LazyFrame({"id": [1]}), request_of(2))
    assert rows(catalog) == [(1,), (2,), (3,)]
    open_().overwrite(pl.LazyFrame({"id": [7, 8]}), request_of(3))
    assert rows(catalog) == [(7,), (8,)]


@pytest.mark.parametrize("outcome", ["made", "lost"])
def test_a_commit_whose_outcome_is_unknown_keeps_its_files(  # noqa: PLR0917 - one is a parameter
    tmp_path: Path, catalog: Catalog, open_: Open, request_of: Request, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    open_().append(pl.LazyFrame({"id": [1]}), request_of(1))
    table, commit = open_(), type(catalog).commit_table
    assert table.exists

    def lose(*arguments: object) -> None:
        if outcome == "made":
            commit(*arguments)  # type: ignore[arg-type] # whatever it was called with
        monkeypatch.setattr(type(catalog), "load_table", refuse)
        refuse()

    def refuse(*_: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(type(catalog), "commit_table", lose)
    with pytest.raises(UnknownOutcomeError, match="it is unknown whether the commit is in the table"):
        table.append(pl.LazyFrame({"id": [2]}), request_of(2, stem="lost"))
    monkeypatch.undo()
    assert len(list(tmp_path.rglob("*lost*.parquet"))) == 1
    assert (open_().committed("flow", after=1) is not None) is (outcome == "made")
    assert rows(catalog) == ([(1,), (2,)] if outcome == "made" else [(1,)])
