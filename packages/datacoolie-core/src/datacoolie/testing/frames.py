"""What every engine does to frames."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

import pyarrow as pa
import pytest

from datacoolie.core.exceptions import EngineError, TransformError
from datacoolie.core.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    StructType,
    TimestampNtzType,
    TimestampType,
)
from datacoolie.engines import CountsRows, WindowFunction
from datacoolie.sql import agg, col, count, lit, parse
from datacoolie.testing.base import Engine, EngineTests, Frame, Read, Rows, in_order

_NAN = float("nan")
_WALL = datetime(2024, 1, 2, 3, 4, 5, 678901)  # noqa: DTZ001 - a time without zone is what is tested
_MOMENT = _WALL.replace(tzinfo=UTC)

_TYPES = {
    "flag": (pa.bool_(), BooleanType(), True),
    "tiny": (pa.int8(), ByteType(), -128),
    "small": (pa.int16(), ShortType(), 32767),
    "int": (pa.int32(), IntegerType(), 1),
    "long": (pa.int64(), LongType(), 2**62),
    "half": (pa.float32(), FloatType(), 1.5),
    "double": (pa.float64(), DoubleType(), 0.1),
    "money": (pa.decimal128(20, 2), DecimalType(20, 2), Decimal("12345678.90")),
    "long money": (pa.decimal128(38, 10), DecimalType(38, 10), Decimal("1234567890123456789012345678.0123456789")),
    "text": (pa.string(), StringType(), "ä'\"\\\u2028"),
    "bytes": (pa.binary(), BinaryType(), b"\x00\xff"),
    "day": (pa.date32(), DateType(), date(1, 2, 28)),
    "moment": (pa.timestamp("us", "UTC"), TimestampType(), _MOMENT),
    "wall": (pa.timestamp("us"), TimestampNtzType(), _WALL),
    "list": (pa.list_(pa.list_(pa.int32())), ArrayType(ArrayType(IntegerType())), [[1, None], []]),
    "struct": (
        pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]),
        StructType((("a", LongType()), ("b", ArrayType(StringType())))),
        {"a": None, "b": ["x"]},
    ),
}
"""Arrow's type, the framework's, and a value."""


class FrameSuite(EngineTests):
    """Tests the `frames` of an engine. A subclass has a fixture `engine`."""

    def test_every_type_comes_and_goes(self, engine: Engine, frame: Frame, read: Read) -> None:
        columns = {name: pa.array([value, None], kind) for name, (kind, _, value) in _TYPES.items()}
        made = frame(pa.table(columns))
        expected = [(name, kind) for name, (_, kind, _) in _TYPES.items()]
        assert list(engine.frames.schema(made).items()) == expected
        found = {row["int"]: row for row in read(made).to_pylist()}
        assert found == {1: {name: value for name, (_, _, value) in _TYPES.items()}, None: dict.fromkeys(_TYPES)}

    def test_select_with_columns_and_filter(self, engine: Engine, frame: Frame, rows: Rows) -> None:
        frames, source = engine.frames, frame(a=[1, 2, None], b=["x", "y", "z"])
        assert rows(frames.select(source, {"n": lit(5), "B": col("b")})) == [(5, "x"), (5, "y"), (5, "z")]
        assert rows(frames.select(source, {"n": lit(5)})) == [(5,)] * 3
        assert rows(frames.select(source, {"b": col("a"), "a": col("b")})) == [(1, "x"), (2, "y"), (None, "z")]
        swapped = frames.with_columns(source, {"a": parse("a + 1"), "c": col("A")})
        assert rows(swapped) == [(2, "x", 1), (3, "y", 2), (None, "z", None)]
        assert list(frames.schema(frames.with_columns(source, {}))) == ["a", "b"]
        assert rows(frames.filter(source, parse("a <> 1"))) == [(2, "y")]

    def test_a_frame_is_empty_or_not(self, engine: Engine, frame: Frame) -> None:
        source = frame(a=[1, None])
        assert not engine.frames.is_empty(source)
        assert not engine.frames.is_empty(engine.frames.filter(source, parse("a is null")))
        assert engine.frames.is_empty(engine.frames.filter(source, parse("a > 1")))

    def test_rename_and_drop(self, engine: Engine, frame: Frame, rows: Rows) -> None:
        frames, source = engine.frames, frame(a=[1], b=["x"], c=[True])
        assert list(frames.schema(frames.rename(source, {"a": "b", "b": "a"}))) == ["b", "a", "c"]
        assert rows(frames.rename(source, {"a": "b", "b": "a"})) == [(1, "x", True)]
        assert list(frames.schema(frames.drop(source, ["a", "c"]))) == ["b"]
        assert list(frames.schema(frames.drop(source, []))) == ["a", "b", "c"]

    def test_names_of_columns_are_any_text(self, engine: Engine, frame: Frame, rows: Rows) -> None:
        names = ["a b", "c.d", "e`f", "ä", "select", "1", "(x)"]
        source = frame(pa.table({name: [number] for number, name in enumerate(names)}))
        assert list(engine.frames.schema(source)) == names
        doubled = engine.frames.with_columns(source, {name: parse(f"{col(name)} * 2") for name in names})
        renamed = engine.frames.rename(doubled, {"c.d": "d.c", "e`f": "`"})
        kept = engine.frames.drop(engine.frames.filter(renamed, parse("`d.c` = 2")), ["a b"])
        assert list(engine.frames.schema(kept)) == ["d.c", "`", "ä", "select", "1", "(x)"]
        assert rows(engine.frames.deduplicate(kept, keys=["d.c"], order_by=["`"], ties="one")) == [(2, 4, 6, 8, 10, 12)]
        assert engine.frames.aggregate(kept, {"m.n": agg("max", col("(x)"))}) == {"m.n": 12}

    def test_union_matches_by_name(self, engine: Engine, frame: Frame, rows: Rows) -> None:
        union = engine.frames.union([frame(a=[1], b=["x"]), frame(b=["x"], a=[1])])
        assert rows(union) == [(1, "x"), (1, "x")]
        message = r"Frame 2 of a union has the columns a string; the first has a bigint"
        with pytest.raises(EngineError, match=message):
            engine.frames.union([frame(a=[1]), frame(a=["1"])])

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
        self,
        engine: Engine,
        frame: Frame,
        rows: Rows,
        *,
        how: Literal["inner", "left", "semi", "anti"],
        expected: list[tuple[object, ...]],
    ) -> None:
        left, right = frame(k=[1, 2, None], a=["x", "y", "n"]), frame(k=[1, 3, None], b=[10, 20, 30])
        assert rows(engine.frames.join(left, right, keys=["k"], how=how)) == expected

    def test_a_frame_is_joined_with_what_was_made_of_it(self, engine: Engine, frame: Frame, rows: Rows) -> None:
        source = frame(k=[1, 2], j=[5, None], v=["a", "b"])
        other = engine.frames.select(engine.frames.filter(source, parse("k = 2")), {"j": col("j"), "k": col("k")})
        assert rows(engine.frames.join(source, other, keys=["k", "j"], how="inner")) == [(2, None, "b")]
        assert rows(engine.frames.join(source, other, keys=["k", "j"], how="anti")) == [(1, 5, "a")]

    def test_distinct(self, engine: Engine, frame: Frame, rows: Rows) -> None:
        source = frame(a=[1, 1, None, None], b=[_NAN, _NAN, None, None])
        assert repr(rows(engine.frames.distinct(source))) == "[(1, nan), (None, None)]"

    @pytest.fixture
    def history(self, frame: Frame) -> object:
        return frame(
            k=[1, 1, 1, 2, 2, None, None, 3, 3],
            t=[1, 5, 5, 7, None, 1, 2, None, None],
            u=[1, 1, 2, 1, 9, 1, 1, 4, None],
            v=["a", "b", "c", "d", "e", "f", "g", "h", "i"],
        )

    def test_the_newest_row_per_key(self, engine: Engine, history: object, rows: Rows) -> None:
        one = engine.frames.deduplicate(history, keys=["k"], order_by=["t", "u"], ties="one")
        assert rows(one) == [(1, 5, 2, "c"), (2, 7, 1, "d"), (3, None, 4, "h"), (None, 2, 1, "g")]
        assert engine.frames.schema(one) == engine.frames.schema(history)

    def test_all_that_tie_for_the_newest(self, engine: Engine, history: object, rows: Rows) -> None:
        every = engine.frames.deduplicate(history, keys=["k"], order_by=["t"], ties="all")
        assert {row[3] for row in rows(every)} == {"b", "c", "d", "g", "h", "i"}

    def test_one_of_many_that_tie_does_not_depend_on_their_order(
        self, engine: Engine, frame: Frame, rows: Rows
    ) -> None:
        content = [{"k": n % 3, "t": 1, "v": n, "l": [n], "s": {"x": n}} for n in range(60)]
        kept = []
        for seed in range(3):
            random.Random(seed).shuffle(content)  # noqa: S311 - any order will do
            source = frame(pa.Table.from_pylist(content))
            kept.append(rows(engine.frames.deduplicate(source, keys=["k"], order_by=["t"], ties="one")))
        assert kept == [[(k, 1, v, [v], {"x": v}) for k, v in ((0, 57), (1, 58), (2, 59))]] * 3

    def test_nan_is_newest_and_whole_rows_count_without_an_order(
        self, engine: Engine, frame: Frame, rows: Rows
    ) -> None:
        newest = engine.frames.deduplicate(
            frame(k=[1, 1, 1], t=[2.0, _NAN, None]), keys=["k"], order_by=["t"], ties="one"
        )
        assert repr(rows(newest)) == "[(1, nan)]"
        same = frame(k=[1, 1, None, None])
        assert rows(engine.frames.deduplicate(same, keys=["k"], order_by=[], ties="one")) == [(1,), (None,)]

    def test_aggregates(self, engine: Engine, frame: Frame) -> None:
        source = frame(
            n=[1, None, 3], d=[Decimal("1.50"), None, Decimal("2.25")], f=[1.0, _NAN, None], day=[date(2024, 1, 1)] * 3,
            t=[_MOMENT, None, None], w=[None, _WALL, None], s=["a", "b", None],
        )  # fmt: skip
        asked = {
            "rows": count(), "n": agg("count", col("N")), "top": agg("max", col("n")), "sum": agg("sum", col("d")),
            "nan": agg("max", col("f")), "big": agg("count_if", parse("n > 1")), "day": agg("min", col("day")),
            "t": agg("max", col("t")), "w": agg("max", col("w")), "s": agg("max", col("s")),
        }  # fmt: skip
        found = engine.frames.aggregate(source, asked)
        assert repr(found.pop("nan")) == "nan"
        assert found == {
            "rows": 3, "n": 2, "top": 3, "sum": Decimal("3.75"), "big": 1, "day": date(2024, 1, 1),
            "t": _MOMENT, "w": _WALL, "s": "b",
        }  # fmt: skip
        assert found["t"].tzinfo is UTC  # type: ignore[attr-defined] # a moment
        nothing = engine.frames.aggregate(engine.frames.filter(source, parse("n > 3")), asked)
        assert nothing == dict.fromkeys(asked) | {"rows": 0, "n": 0, "big": 0}

    def test_rows_are_counted_while_they_pass(self, engine: Engine, frame: Frame, rows: Rows) -> None:
        if not isinstance(engine.frames, CountsRows):
            pytest.skip("the engine's frames don't count rows while a pass runs")
        seen: list[int] = []
        counted = engine.frames.counted(frame(n=[1, 2, 3]), seen.append)
        assert rows(counted) == [(1,), (2,), (3,)]
        assert sum(seen) == 3

    def test_an_aggregate_that_fails_on_the_data(self, engine: Engine, frame: Frame) -> None:
        source = engine.frames.with_columns(frame(a=["1", "x"]), {"n": parse("cast(a as int)")})
        with pytest.raises(TransformError, match="'x'"):
            engine.frames.aggregate(source, {"top": agg("max", col("n"))})

    def test_a_window_looks_at_neighbours_of_equal_keys_in_order(
        self, engine: Engine, frame: Frame, rows: Rows
    ) -> None:
        found = engine.frames.window(
            frame(k=[1, 1, None, None, 1], t=[3, 1, 1, 2, 2], c=[True, True, False, True, False]),
            {
                "before": WindowFunction("lag", ("t",)),
                "after": WindowFunction("lead", ("t",)),
                "so_far": WindowFunction("running_count", ("c",)),
            },
            partition_by=["k"],
            order_by=["t"],
        )
        assert rows(found) == [
            (1, 1, True, None, 2, 1),
            (1, 2, False, 1, 3, 1),
            (1, 3, True, 2, None, 2),
            (None, 1, False, None, 2, 0),
            (None, 2, True, 1, None, 1),
        ]

    def test_a_window_compares_rows_with_their_neighbours(self, engine: Engine, frame: Frame, rows: Rows) -> None:
        found = engine.frames.window(
            frame(k=[None, None, None, 1, 1], t=[1, 2, 3, 1, 2], a=[None, None, "x", "x", "x"]),
            {"first": WindowFunction("same_as_lag", ()), "repeats": WindowFunction("same_as_lag", ("a",))},
            partition_by=["k"],
            order_by=["t"],
        )
        again = engine.frames.window(
            found,
            {"next": WindowFunction("same_as_lead", ("a", "k"))},
            partition_by=["k"],
            order_by=["t"],
            ordered=True,
        )
        assert rows(again) == [
            (1, 1, "x", False, False, True),
            (1, 2, "x", True, True, False),
            (None, 1, None, False, False, True),
            (None, 2, None, True, True, False),
            (None, 3, "x", True, False, False),
        ]

    def test_rows_are_nested_by_key_in_order_and_unnested_again(self, engine: Engine, frame: Frame, rows: Rows) -> None:
        nested = engine.frames.nest(
            frame(k=[1, None, 1, None], t=[2, 5, 1, None]), keys=["k"], columns=["t"], into="rows"
        )
        assert rows(nested) == [(1, [{"t": 1}, {"t": 2}]), (None, [{"t": None}, {"t": 5}])]
        kind = pa.list_(pa.struct([("t", pa.int64())]))
        empty = frame(pa.table({"k": [8, 9], "rows": pa.array([None, []], kind)}))
        found = engine.frames.unnest(engine.frames.union([nested, empty]), "rows")
        assert rows(found) == in_order([(1, 1), (1, 2), (None, 5), (None, None)])
