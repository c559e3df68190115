"""Iceberg: merges, schemas and partitions, also on tables that others made or changed; read back by pyiceberg."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.transforms import BucketTransform, DayTransform, MonthTransform, TruncateTransform, YearTransform

from datacoolie.core.exceptions import DestinationError
from datacoolie.core.models import SchemaPolicy
from datacoolie.engines import MergePlan, TableOps, WriteRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

Open = Callable[..., TableOps[pl.LazyFrame]]
Request = Callable[..., WriteRequest[pl.LazyFrame]]


def frame(**columns: Sequence[object]) -> pl.LazyFrame:
    return pl.LazyFrame(columns)


def rows(catalog: Catalog, name: str = "db.t") -> list[tuple[object, ...]]:
    """Read a table with pyiceberg, sorted."""
    return sorted(pl.DataFrame(catalog.load_table(name).scan().to_arrow()).rows(), key=repr)


def made(catalog: Catalog, schema: pa.Schema, **more: object) -> Table:
    """Make an empty table as another program does."""
    catalog.create_namespace_if_not_exists("db")
    return catalog.create_table("db.t", schema, **more)  # type: ignore[arg-type] # as each test needs it


def upsert(*keys: str) -> MergePlan[pl.LazyFrame]:
    return MergePlan(keys=keys)


def test_an_upsert_writes_only_touched_files(catalog: Catalog, open_: Open, request_of: Request) -> None:
    open_().append(frame(id=[1, 2, None], n=[1, 2, 0]), request_of(1))
    open_().append(frame(id=[10, 11], n=[10, 11]), request_of(2))
    before = {task.file.file_path for task in catalog.load_table("db.t").scan().plan_files()}
    result = open_().merge(frame(id=[2, None, 4], n=[20, 5, 40]), upsert("id"), request_of(3))
    assert (result.rows, result.inserted, result.updated, result.removed_files) == (3, 1, 2, 1)
    assert rows(catalog) == [(1, 1), (10, 10), (11, 11), (2, 20), (4, 40), (None, 5)]
    table = catalog.load_table("db.t")
    assert len(before & {task.file.file_path for task in table.scan().plan_files()}) == 1
    snapshot = table.current_snapshot()
    assert snapshot is not None
    assert snapshot.summary is not None
    assert (snapshot.summary.operation.value, snapshot.summary["total-records"]) == ("overwrite", "6")
    assert len(table.snapshots()) == 3


@pytest.mark.parametrize("keys", [("id",), ("id", "day")])
def test_bounds_of_every_type_prune_and_lose_nothing(
    catalog: Catalog, open_: Open, request_of: Request, keys: tuple[str, ...]
) -> None:
    values: dict[str, list[list[object]]] = {
        "text": [["a" * 40, "b"], ["c", "ü" * 20]],
        "day": [[date(1969, 12, 30), date(2024, 1, 1)], [date(2024, 1, 2), date(2024, 1, 3)]],
        "moment": [[datetime(1960, 1, 1, 0, 0, 0, 1, UTC)] * 2, [datetime(2024, 1, 1, tzinfo=UTC)] * 2],
        "money": [[Decimal("-1.50"), Decimal("2.00")], [Decimal("3.00"), Decimal("99.99")]],
    }
    schema = {"money": pl.Decimal(10, 2), "moment": pl.Datetime("us", "UTC")}
    for seq, at in enumerate((0, 1)):
        columns: dict[str, list[object]] = {
            "id": [2 * at, 2 * at + 1],
            **{name: part[at] for name, part in values.items()},
        }
        open_().append(pl.LazyFrame(columns, schema_overrides=schema), request_of(seq + 1))
    for seq, name in enumerate(values):
        batch = pl.LazyFrame({name: values[name][1][1:], "id": [3]}, schema_overrides=schema)
        result = open_().merge(batch, upsert(name, *keys[:1]), request_of(seq + 3))
        assert (result.updated, result.inserted, result.removed_files) == (1, 0, 1), name
    assert len(rows(catalog)) == 4


@pytest.mark.parametrize(
    ("policy", "columns", "message"),
    [
        (SchemaPolicy.EVOLVE, {"id": ["x"]}, "column 'id' is bigint in the table, but string in the batch"),
        (SchemaPolicy.EVOLVE, {"id": [Decimal("1.5")]}, "Iceberg can't change types like this: id: bigint -> decimal"),
        (SchemaPolicy.STRICT, {"id": [1], "more": [1]}, "columns more are not in both"),
        (SchemaPolicy.IGNORE_NEW, {"id": [1.5]}, "column 'id' is bigint in the table, but double"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_byte_is_written(  # noqa: PLR0917 - three of them are parameters
    catalog: Catalog,
    open_: Open,
    request_of: Request,
    policy: SchemaPolicy,
    columns: dict[str, list[object]],
    message: str,
) -> None:
    open_().append(frame(id=[1]), request_of(1))
    with pytest.raises(DestinationError, match=message):
        open_().append(frame(**columns), request_of(2, policy=policy))
    with pytest.raises(DestinationError, match=message):
        open_().merge(frame(**columns), upsert("id"), request_of(2, policy=policy))
    assert rows(catalog) == [(1,)]


def test_files_without_field_ids_are_read_by_the_tables_names(
    catalog: Catalog, open_: Open, request_of: Request
) -> None:
    table = made(catalog, pa.schema([("id", pa.int64()), ("old", pa.string())]))
    path = f"{table.location()}/foreign.parquet"
    pq.write_table(pa.table({"id": [1, 2], "old": ["a", "b"]}), path)
    table.add_files([path])
    with table.update_schema() as update:
        update.rename_column("old", "new")
    assert sorted(open_().scan().collect().rows()) == [(1, "a"), (2, "b")]
    open_().merge(frame(id=[2], new=["B"]), upsert("id"), request_of(1))
    assert rows(catalog) == [(1, "a"), (2, "B")]


DAY = datetime(2024, 5, 6, 7, tzinfo=UTC)
EVENTS = pl.DataFrame(
    {
        "id": [1, 2, 3, 4, None],
        "at": [DAY, DAY.replace(month=6), DAY.replace(year=1969), DAY.replace(hour=8), None],
        "text": ["apple", "apricot", "bär/ü?", "", None],
        "n": [-1, 15, 19, -11, None],
    },
    schema_overrides={"at": pl.Datetime("us", "UTC")},
)


@pytest.mark.parametrize(
    ("column", "transform", "partitions"),
    [
        ("at", DayTransform(), 4),
        ("at", MonthTransform(), 4),
        ("at", YearTransform(), 3),
        ("id", BucketTransform(4), 4),
        ("text", BucketTransform(3), None),
        ("text", TruncateTransform(2), 4),
        ("n", TruncateTransform(10), 4),
        ("text", "identity", 5),
        ("at", "identity", 5),
    ],
    ids=str,
)
def test_hidden_partitions_of_a_table_are_kept(  # noqa: PLR0917 - three of them are parameters
    catalog: Catalog, open_: Open, request_of: Request, column: str, transform: object, partitions: int | None
) -> None:
    table = made(catalog, EVENTS.to_arrow().schema)
    with table.update_spec() as update:
        update.add_field(column, transform, "part")  # type: ignore[arg-type] # one of Iceberg's
    open_().append(EVENTS.lazy(), request_of(1))
    files = catalog.load_table("db.t").inspect.files()
    assert partitions is None or len(files) == partitions
    expected = sorted(EVENTS.rows(), key=repr)
    assert rows(catalog) == expected
    for row in EVENTS.drop_nulls().iter_rows(named=True):
        found = catalog.load_table("db.t").scan(row_filter=f"{column} = {literal(row[column])}").to_arrow()
        assert row["id"] in found["id"].to_pylist()
    result = open_().merge(EVENTS.head(1).with_columns(n=pl.lit(7)).lazy(), upsert("id"), request_of(2))
    assert (result.updated, result.inserted) == (1, 0)
    assert rows(catalog) == sorted([(*EVENTS.row(0)[:3], 7), *EVENTS.rows()[1:]], key=repr)
    open_().overwrite(EVENTS.head(2).lazy(), request_of(3))
    assert rows(catalog) == sorted(EVENTS.rows()[:2], key=repr)


def literal(value: object) -> str:
    return str(value) if isinstance(value, int) else repr(value.isoformat() if isinstance(value, datetime) else value)


def test_fields_that_must_not_be_null_are_refused(catalog: Catalog, open_: Open, request_of: Request) -> None:
    inner = pa.struct([pa.field("a", pa.int64(), nullable=False)])
    made(catalog, pa.schema([pa.field("s", inner)]))
    with pytest.raises(DestinationError, match=r"'s\.a' must not be null, which is only checked for columns"):
        open_().append(frame(s=[{"a": 1}]), request_of(1))
