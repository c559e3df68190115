"""Merges into Delta that replace, delete or rebuild, and overwrites of a part of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable

from datacoolie.core.exceptions import DestinationError
from datacoolie.engines import MergePlan, Observation, Rebuild, TableOps, WriteRequest
from datacoolie.sql import agg, col, parse

if TYPE_CHECKING:
    from pathlib import Path

Open = Callable[..., TableOps[pl.LazyFrame]]
Request = Callable[..., WriteRequest[pl.LazyFrame]]


def frame(**columns: Sequence[object]) -> pl.LazyFrame:
    return pl.LazyFrame(columns)


def rows(path: Path) -> list[tuple[object, ...]]:
    """Read a table with its own library, sorted."""
    return sorted(pl.DataFrame(DeltaTable(path).to_pyarrow_table()).rows(), key=repr)


def test_a_rebuild_gets_the_rows_of_its_keys_in_the_columns_of_the_table_and_its_result_is_merged(
    tmp_path: Path, table_at: Open, request_of: Request
) -> None:
    table_at().append(frame(id=[1, 1, 2], n=[1, 2, 1], v=["a", "b", "c"]), request_of(1))
    table_at().append(frame(id=[3, None], n=[1, 1], v=["d", "e"]), request_of(2))
    seen: list[tuple[object, ...]] = []

    def make(batch: pl.LazyFrame, known: pl.LazyFrame | None) -> pl.LazyFrame:
        assert known is not None
        seen.extend(sorted(known.collect().rows(), key=repr))
        assert batch.collect_schema() == {**known.collect_schema(), "gone": pl.Boolean()}
        late = known.filter(pl.col("n") == 2).with_columns(gone=pl.lit(value=True))
        return pl.concat([batch, late])

    rebuild = Rebuild(make=make, keys=("ID",))
    batch = frame(ID=[1, None], n=[5, 1], extra=["x", "y"], gone=[False, False])
    observe = {"most": Observation(frame=batch, aggregate=agg("max", col("n")))}
    plan = MergePlan(keys=("id", "n"), keep=("v",), delete="gone", rebuild=rebuild)
    result = table_at().merge(batch, plan, request_of(3, observe=observe))
    assert seen == sorted([(1, 1, "a", None), (1, 2, "b", None), (None, 1, "e", None)], key=repr)
    assert (result.rows, result.inserted, result.updated, result.deleted) == (2, 1, 1, 1)
    expected = [(1, 1, "a", None), (1, 5, None, "x"), (2, 1, "c", None), (3, 1, "d", None), (None, 1, "e", "y")]
    assert rows(tmp_path / "table") == sorted(expected, key=repr)
    commit = table_at().committed("flow", after=2)
    assert commit is not None
    assert commit.metadata["observed"] == "{'most': 5}"


def test_bounds_that_another_writer_cut_lose_no_row(tmp_path: Path, table_at: Open, request_of: Request) -> None:
    moment = datetime(2024, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
    DeltaTable.create(tmp_path / "table", pl.Schema({"t": pl.Datetime("us", "UTC")}).to_frame().to_arrow().schema)
    pl.DataFrame({"t": [moment]}).write_delta(str(tmp_path / "table"), mode="append")
    above = moment - timedelta(microseconds=1)
    table_at().overwrite(frame(t=[moment + timedelta(days=1)]), request_of(1), where=parse(f"t > timestamp '{above}'"))
    assert rows(tmp_path / "table") == [(moment + timedelta(days=1),)]


@pytest.mark.parametrize(
    ("kind", "value", "other"),
    [
        (pl.Float64(), float("nan"), 1.0),
        (pl.Decimal(18, 2), Decimal("3447731110078343.38"), Decimal("3447731110078343.38")),
        (pl.Decimal(38, 0), Decimal(12345678901234567890123), Decimal(12345678901234567890124)),
    ],
    ids=str,
)
def test_bounds_that_leave_out_nan_or_are_rounded_lose_no_row(
    table_at: Open, request_of: Request, kind: pl.DataType, value: object, other: object
) -> None:
    for seq, one in enumerate([value, other]):
        table_at().append(pl.LazyFrame({"k": [one], "n": [seq]}, schema_overrides={"k": kind}), request_of(seq + 1))
    assert table_at().optimize(options={})  # type: ignore[attr-defined] # writes the bounds by which files are told apart
    assert table_at().scan().filter(pl.col("k") >= pl.lit(value, kind)).collect().height == (
        2 if kind.is_decimal() else 1
    )
    batch = pl.LazyFrame({"k": [value], "n": [9]}, schema_overrides={"k": kind})
    table_at().merge(batch, MergePlan(keys=("k",), replace=True), request_of(3))
    expected = [9] if value == other else [1, 9]
    assert sorted(table_at().scan().collect()["n"]) == expected


def test_a_text_of_nothing_but_the_last_character_has_no_upper_bound(table_at: Open, request_of: Request) -> None:
    last = "\U0010ffff" * 40
    table_at().append(frame(k=[last], n=[1]), request_of(1))
    assert table_at().merge(frame(k=[last], n=[2]), MergePlan(keys=("k",)), request_of(2)).updated == 1


@pytest.mark.parametrize("name", ["*", "^.*$", "__datacoolie_path"])
def test_a_column_that_can_not_be_told_from_others_by_its_name(
    tmp_path: Path, table_at: Open, request_of: Request, name: str
) -> None:
    with pytest.raises(DestinationError, match=r"columns can't be called '.*'\. Rename them"):
        table_at().append(frame(id=[1], **{name: ["a"]}), request_of(1))
    assert not (tmp_path / "table").exists()
