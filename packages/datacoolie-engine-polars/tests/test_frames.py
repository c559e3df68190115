"""Operations on frames, with the meaning of Spark."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import polars as pl
import pytest

from datacoolie.core.exceptions import EngineError, TransformError
from datacoolie.core.types import ArrayType, DecimalType, LongType, ShortType, StringType, TimestampType
from datacoolie.engines import QueryScan, WindowFunction
from datacoolie.sql import agg, col, count, lit, parse

if TYPE_CHECKING:
    from datacoolie_engine_polars import PolarsEngine

NAN = float("nan")


def rows(frame: pl.LazyFrame) -> list[tuple[object, ...]]:
    return sorted(frame.collect(engine="streaming").rows(), key=repr)


def test_schema(engine: PolarsEngine) -> None:
    frame = pl.LazyFrame(
        schema={"a": pl.UInt8, "t": pl.Datetime("ns", "UTC"), "d": pl.Decimal(5, 1), "l": pl.List(pl.Categorical)}
    )
    assert list(engine.frames.schema(frame).items()) == [
        ("a", ShortType()), ("t", TimestampType()), ("d", DecimalType(5, 1)), ("l", ArrayType(StringType())),
    ]  # fmt: skip
    with pytest.raises(EngineError, match="column 'x'"):
        engine.frames.schema(pl.LazyFrame(schema={"x": pl.Time}))


def test_select_with_columns_filter_rename_drop(engine: PolarsEngine) -> None:
    frames, frame = engine.frames, pl.LazyFrame({"a": [1, 2, None], "b": ["x", "y", "z"]})
    assert rows(frames.select(frame, {"n": lit(5), "B": col("b")})) == [(5, "x"), (5, "y"), (5, "z")]
    assert rows(frames.select(frame, {"n": lit(5)})) == [(5,)] * 3
    assert frames.select(frame, {"b": col("a"), "a": col("b")}).collect().columns == ["b", "a"]
    swapped = frames.with_columns(frame, {"a": parse("a + 1"), "c": col("A")})
    assert rows(swapped) == [(2, "x", 1), (3, "y", 2), (None, "z", None)]
    assert rows(frames.with_columns(frame, {})) == rows(frame)
    assert rows(frames.filter(frame, parse("a <> 1"))) == [(2, "y")]
    assert frames.rename(frame, {"a": "b", "b": "a"}).collect().columns == ["b", "a"]
    assert frames.drop(frame, ["a"]).collect().columns == ["b"]


def test_union_matches_by_name(engine: PolarsEngine) -> None:
    union = engine.frames.union([pl.LazyFrame({"a": [1], "b": ["x"]}), pl.LazyFrame({"b": ["x"], "a": [1]})])
    assert rows(union) == [(1, "x"), (1, "x")]
    with pytest.raises(EngineError, match=r"Frame 2 of a union has the columns a string; the first has a bigint"):
        engine.frames.union([pl.LazyFrame({"a": [1]}), pl.LazyFrame({"a": ["1"]})])


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("inner", [(1, "x", 10), (None, "n", 30)]),
        ("left", [(1, "x", 10), (2, "y", None), (None, "n", 30)]),
        ("semi", [(1, "x"), (None, "n")]),
        ("anti", [(2, "y")]),
    ],
)
def test_joins_are_null_safe(
    engine: PolarsEngine, how: Literal["inner", "left", "semi", "anti"], expected: list[tuple[object, ...]]
) -> None:
    left = pl.LazyFrame({"k": [1, 2, None], "a": ["x", "y", "n"]})
    right = pl.LazyFrame({"k": [1, 3, None], "b": [10, 20, 30]})
    assert rows(engine.frames.join(left, right, keys=["k"], how=how)) == expected


def test_distinct(engine: PolarsEngine) -> None:
    frame = pl.LazyFrame({"a": [1, 1, None, None], "b": [NAN, NAN, None, None]})
    assert len(rows(engine.frames.distinct(frame))) == 2


HISTORY = pl.LazyFrame(
    {
        "k": [1, 1, 1, 2, 2, None, None, 3, 3],
        "t": [1, 5, 5, 7, None, 1, 2, None, None],
        "u": [1, 1, 2, 1, 9, 1, 1, 4, None],
        "v": ["a", "b", "c", "d", "e", "f", "g", "h", "i"],
    }
)


def test_the_newest_row_per_key(engine: PolarsEngine) -> None:
    one = engine.frames.deduplicate(HISTORY, keys=["k"], order_by=["t", "u"], ties="one")
    assert rows(one) == [(1, 5, 2, "c"), (2, 7, 1, "d"), (3, None, 4, "h"), (None, 2, 1, "g")]
    assert one.collect_schema() == HISTORY.collect_schema()


def test_all_that_tie_for_the_newest(engine: PolarsEngine) -> None:
    every = engine.frames.deduplicate(HISTORY, keys=["k"], order_by=["t"], ties="all")
    assert {row[3] for row in rows(every)} == {"b", "c", "d", "g", "h", "i"}


def test_one_of_many_that_tie_does_not_depend_on_their_order(engine: PolarsEngine) -> None:
    content = [{"k": n % 3, "t": 1, "v": n, "l": [n], "s": {"x": n}} for n in range(60)]
    kept = set()
    for seed in range(5):
        random.Random(seed).shuffle(content)  # noqa: S311 - any order will do
        frame = engine.frames.deduplicate(pl.LazyFrame(content), keys=["k"], order_by=["t"], ties="one")
        kept.add(repr(rows(frame.drop("l", "s"))))
    assert kept == {"[(0, 1, 57), (1, 1, 58), (2, 1, 59)]"}


def test_nan_is_newest_and_whole_rows_count_without_an_order(engine: PolarsEngine) -> None:
    frame = pl.LazyFrame({"k": [1, 1, 1], "t": [2.0, NAN, None]})
    newest = engine.frames.deduplicate(frame, keys=["k"], order_by=["t"], ties="one").collect()
    assert repr(newest.rows()) == "[(1, nan)]"
    same = pl.LazyFrame({"k": [1, 1, None, None]})
    assert rows(engine.frames.deduplicate(same, keys=["k"], order_by=[], ties="one")) == [(1,), (None,)]


def test_aggregates(engine: PolarsEngine) -> None:
    frame = pl.LazyFrame({"n": [1, None, 3], "d": [Decimal("1.5"), None, Decimal("2.25")], "f": [1.0, NAN, None]})
    found = engine.frames.aggregate(
        frame,
        {
            "rows": count(),
            "n": agg("count", col("N")),
            "top": agg("max", col("n")),
            "sum": agg("sum", col("d")),
            "nan": agg("max", col("f")),
            "big": agg("count_if", parse("n > 1")),
        },
    )
    assert repr(found) == ("{'rows': 3, 'n': 2, 'top': 3, 'sum': Decimal('3.75'), 'nan': nan, 'big': 1}")


def test_an_aggregate_that_fails_on_the_data(engine: PolarsEngine) -> None:
    frame = engine.frames.with_columns(pl.LazyFrame({"a": ["1", "x"]}), {"n": parse("cast(a as int)")})
    with pytest.raises(TransformError, match="'x'"):
        engine.frames.aggregate(frame, {"top": agg("max", col("n"))})


def test_from_arrow(engine: PolarsEngine) -> None:
    assert engine.frames.schema(engine.frames.from_arrow(pl.DataFrame({"a": [1]}).to_arrow())) == {"a": LongType()}


def test_sql_sources_are_refused_by_name(engine: PolarsEngine) -> None:
    with pytest.raises(EngineError, match="SQL sources are not supported yet"):
        engine.queries.scan(QueryScan(url="sqlite://", query="select 1"))


def test_a_window_looks_at_neighbours_of_equal_keys_in_order(engine: PolarsEngine) -> None:
    frame = pl.LazyFrame({"k": [1, 1, None, None, 1], "t": [3, 1, 1, 2, 2], "c": [True, True, False, True, False]})
    found = engine.frames.window(
        frame,
        {
            "before": WindowFunction("lag", ("t",)),
            "after": WindowFunction("lead", ("t",)),
            "so_far": WindowFunction("running_count", ("c",)),
        },
        partition_by=["k"],
        order_by=["t"],
    )
    assert found.select("k", "t", "before", "after", "so_far").collect().rows() == [
        (None, 1, None, 2, 0),
        (None, 2, 1, None, 1),
        (1, 1, None, 2, 1),
        (1, 2, 1, 3, 1),
        (1, 3, 2, None, 2),
    ]


def test_rows_are_nested_by_key_in_order_and_unnested_again(engine: PolarsEngine) -> None:
    frame = pl.LazyFrame({"k": [1, None, 1, None], "t": [2, 5, 1, None]})
    nested = engine.frames.nest(frame, keys=["k"], columns=["t"], into="rows")
    assert nested.sort("k", nulls_last=True).collect().rows() == [
        (1, [{"t": 1}, {"t": 2}]),
        (None, [{"t": None}, {"t": 5}]),
    ]
    with_empty = pl.concat(
        [
            nested,
            nested.with_columns(k=pl.lit(9, pl.Int64), rows=pl.lit(None, pl.List(pl.Struct({"t": pl.Int64})))).head(1),
        ]
    )
    found = engine.frames.unnest(with_empty, "rows")
    assert found.sort("k", "t", nulls_last=True).collect().rows() == [(1, 1), (1, 2), (None, 5), (None, None)]


def test_a_window_compares_rows_with_their_neighbours(engine: PolarsEngine) -> None:
    frame = pl.LazyFrame({"k": [None, None, None, 1, 1], "t": [1, 2, 3, 1, 2], "a": [None, None, "x", "x", "x"]})
    found = engine.frames.window(
        frame,
        {"first": WindowFunction("same_as_lag", ()), "repeats": WindowFunction("same_as_lag", ("a",))},
        partition_by=["k"],
        order_by=["t"],
    )
    again = engine.frames.window(
        found, {"next": WindowFunction("same_as_lead", ("a", "k"))}, partition_by=["k"], order_by=["t"], ordered=True
    )
    assert again.select("k", "t", "first", "repeats", "next").collect().rows() == [
        (None, 1, False, False, True),
        (None, 2, True, True, False),
        (None, 3, True, False, False),
        (1, 1, False, False, True),
        (1, 2, True, True, False),
    ]
