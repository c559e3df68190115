"""What the plans look like: lazy, streaming, and with predicates that readers understand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.core.types import DateType, IntegerType, StringType
from datacoolie.sql import CATALOGUE, agg, col, count, parse
from datacoolie_engine_polars.expressions import compile_aggregate, compile_expression
from datacoolie_engine_polars.expressions.compiler import CHOICES
from datacoolie_engine_polars.expressions.lowerings import LOWERINGS

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {"Id": IntegerType(), "day": DateType(), "s": StringType()}


def test_every_function_of_the_catalogue_has_a_lowering() -> None:
    rewritten = {"nullif"}
    assert {function.name for function in CATALOGUE} == {*LOWERINGS, *CHOICES, *rewritten}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id", pl.col("Id")),
        ("id > 5", pl.col("Id") > pl.lit(5, dtype=pl.Int32)),
        ("id is not null", pl.col("Id").is_not_null()),
        ("s = 'x' and id = 1", (pl.col("s") == pl.lit("x")) & (pl.col("Id") == pl.lit(1, dtype=pl.Int32))),
        ("upper(trim(s))", pl.col("s").str.strip_chars(" ").str.to_uppercase()),
        ("s like 'ab%'", pl.col("s").str.starts_with("ab")),
    ],
)
def test_simple_expressions_are_the_natural_ones(text: str, expected: pl.Expr) -> None:
    expr, _ = compile_expression(parse(text), SCHEMA)
    assert expr.meta.eq(expected), f"{expr} instead of {expected}"


@pytest.mark.parametrize("text", ["id >= 3", "day >= '2024-01-02'", "s = 'x'", "id in (1, 2)", "id between 1 and 2"])
def test_predicates_reach_the_reader(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"Id": [1, 2, 3], "day": ["2024-01-01"] * 3, "s": ["x", "y", "z"]}).with_columns(
        pl.col("Id").cast(pl.Int32), pl.col("day").str.to_date()
    ).write_parquet(path)
    expr, _ = compile_expression(parse(text), SCHEMA)
    plan = pl.scan_parquet(path).filter(expr).explain()
    assert "FILTER" not in plan
    assert "SELECTION" in plan


def test_converted_constants_are_constants() -> None:
    expr, _ = compile_expression(parse("day = '2024-01-02'"), SCHEMA)
    assert "strptime" not in str(expr)
    assert "2024-01-02" in str(expr)


def test_an_impossible_constant_fails_only_where_it_is_reached() -> None:
    expr, _ = compile_expression(parse("if(id > 0, 0, cast('x' as int))"), SCHEMA)
    frame = pl.LazyFrame({"Id": [1]}, schema={"Id": pl.Int32})
    assert frame.with_columns(r=expr).collect()["r"].to_list() == [0]


def test_aggregates_come_in_one_pass() -> None:
    frame = pl.LazyFrame({"Id": [1, 2, None], "day": [None] * 3, "s": ["b", "a", None]}).cast(
        {"Id": pl.Int32, "day": pl.Date}
    )
    aggregates = {
        "rows": count(),
        "newest": agg("max", col("ID")),
        "first": agg("min", col("s")),
        "none": agg("max", col("day")),
        "odd": agg("count_if", parse("id % 2 = 1")),
        "total": agg("sum", col("id")),
    }
    exprs = {name: compile_aggregate(aggregate, SCHEMA)[0] for name, aggregate in aggregates.items()}
    assert frame.select(**exprs).collect(engine="streaming").to_dicts() == [
        {"rows": 3, "newest": 2, "first": "a", "none": None, "odd": 1, "total": 3}
    ]
