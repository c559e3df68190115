from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from datacoolie.core.types import (
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    TimestampNtzType,
    TimestampType,
)
from datacoolie.sql import Call, Case, Expr, Literal, cast, col, lit, parse

TYPES: list[DataType] = [BooleanType(), IntegerType(), LongType(), DecimalType(12, 3), DoubleType(), StringType()]
TYPES += [DateType(), TimestampType(), TimestampNtzType(), BinaryType()]

# Half of the characters have a meaning in SQL.
texts = st.text(
    st.one_of(st.sampled_from("'\"\\`%_\n\t\0u0041()-"), st.characters(exclude_categories=["Cs"])), max_size=8
)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**37), 10**37),
    st.floats(),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20),
    texts,
    st.binary(max_size=6),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
)
narrow = st.one_of(
    st.integers(-128, 127).map(lambda value: Literal(value, ByteType())),
    st.integers(-(2**15), 2**15 - 1).map(lambda value: Literal(value, ShortType())),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda value: Literal(value, FloatType())),
)
columns = texts.filter(bool).map(col)
leaves = st.one_of(columns, values.map(lit), narrow)


def nodes(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    # A column beside each operand: what has no columns is checked for types while it is read.
    pair = st.tuples(columns, inner)
    return st.one_of(
        st.tuples(st.sampled_from(sorted(Call.INFIX)), pair).map(lambda made: Call(*made)),
        pair.map(lambda made: Call("coalesce", made)),
        pair.map(lambda made: Call("in", (*made, made[0]))),
        columns.map(lambda made: Call("not", (made,))),
        columns.map(lambda made: Call("negative", (made,))),
        st.tuples(columns, st.sampled_from(TYPES), st.booleans()).map(lambda made: cast(*made[:2], safe=made[2])),
        columns.map(lambda made: cast(made, DateType(), format="yyyy-MM-dd'T'HH")),
        st.tuples(columns, inner, st.none() | inner).map(lambda made: Case(((made[0], made[1]),), made[2])),
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(leaves, nodes, max_leaves=8))
def test_any_expression_reads_back_from_its_text(expr: Expr) -> None:
    assert parse(expr.sql()) == expr


def test_years_before_1000_have_four_digits() -> None:
    assert lit(date(1, 2, 3)).sql() == "DATE '0001-02-03'"
    assert lit(datetime(1, 2, 3, tzinfo=UTC)).sql() == "TIMESTAMP '0001-02-03 00:00:00Z'"


def test_decimals_are_written_plainly() -> None:
    assert lit(Decimal("1E+3")).sql() == "1000BD"
    assert lit(Decimal("1E-7")).sql() == "0.0000001BD"
