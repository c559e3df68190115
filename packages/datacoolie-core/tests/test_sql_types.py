from __future__ import annotations

from decimal import Decimal

import pytest

from datacoolie.core.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    TimestampType,
)
from datacoolie.sql import (
    CATALOGUE,
    Case,
    ExpressionError,
    agg,
    and_,
    bind,
    call,
    case,
    cast,
    col,
    count,
    infer,
    lit,
    or_,
    parse,
    resolve_column,
)
from datacoolie.sql.functions import BY_NAME
from datacoolie.sql.vectors import Vector, vectors

SCHEMA = {"id": IntegerType(), "Name": StringType(), "day": DateType(), "price": DecimalType(10, 2)}


@pytest.mark.parametrize("vector", [pytest.param(v, id=v.name) for v in vectors() if v.theme != "aggregates"])
def test_types_are_sparks(vector: Vector) -> None:
    if vector.type is None:
        with pytest.raises(ExpressionError):
            infer(parse(vector.expression), vector.schema)
    else:
        assert infer(parse(vector.expression), vector.schema) == vector.type


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pric * 2", "There is no column 'pric'. Columns: id, Name, day, price. Did you mean 'price'?"),
        ("day + price", "+ can't be used with (date, decimal(10,2)): left + right"),
        ("year(id)", "year can't be used with (int): year(date)"),
        ("cast(id as date)", "int can't be converted to date"),
        ("case when id then 1 end", "A condition of CASE must be boolean, id is int"),
        ("case when id = 1 then day else id end", "The branches of CASE have no type in common: date, int"),
        ("price % 1.5D", "% can't be used with (decimal(10,2), double): left % right"),
        (
            "round(price, id)",
            "round can't be used with (decimal(10,2), int) or not constant: round(number, [constant digits])",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_the_types(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        infer(parse(text), SCHEMA)
    assert caught.value.message == message
    assert caught.value.line == 1


def test_columns_are_found_in_any_case_but_not_ambiguously() -> None:
    assert resolve_column("NAME", SCHEMA) == "Name"
    assert infer(col("nAme"), SCHEMA) == StringType()
    with pytest.raises(ExpressionError, match="Column 'A' is ambiguous: a, A differ only in case"):
        infer(col("A"), {"a": IntegerType(), "A": StringType()})


def test_implicit_conversions_are_written_out() -> None:
    typed = bind(parse("day >= '2024-01-01'"), SCHEMA)
    assert [operand.type for operand in typed.operands] == [DateType(), DateType()]
    assert typed.operands[1].node == cast(lit("2024-01-01"), DateType())


def test_formats_convert_only_text_and_moments() -> None:
    schema = {"n": IntegerType(), "m": MapType(StringType(), StringType())}
    assert infer(cast(col("n"), TimestampType(), format="yyyyMMdd"), schema) == TimestampType()
    with pytest.raises(ExpressionError, match="can't be converted to date by the pattern 'yyyy'"):
        infer(cast(col("m"), DateType(), format="yyyy"), schema)
    with pytest.raises(ExpressionError, match="date_format takes a date or timestamp"):
        infer(parse("date_format(n, 'yyyy')"), schema)


def test_aggregates_have_types() -> None:
    assert infer(count(), SCHEMA) == LongType()
    assert infer(agg("max", col("day")), SCHEMA) == DateType()
    assert infer(agg("sum", col("price")), SCHEMA) == DecimalType(20, 2)
    assert infer(agg("sum", col("name")), SCHEMA) == DoubleType()
    with pytest.raises(ExpressionError, match="sum can't be used with date"):
        infer(agg("sum", col("day")), SCHEMA)


def test_conditions_of_nothing() -> None:
    assert (and_(), or_()) == (lit(value=True), lit(value=False))
    assert infer(and_(lit(value=None), call("=", col("id"), lit(1))), SCHEMA) == BooleanType()


def test_case_needs_a_branch() -> None:
    assert case((lit(value=True), lit(1)), default=lit(2)) == Case(((lit(value=True), lit(1)),), lit(2))
    with pytest.raises(ExpressionError, match="at least one branch"):
        case()


@pytest.mark.parametrize("value", [Decimal("1e39"), Decimal("NaN"), 10**39])
def test_no_constant_is_cut(value: Decimal | int) -> None:
    with pytest.raises(ExpressionError):
        lit(value)


def test_calls_made_by_programs_are_checked() -> None:
    with pytest.raises(ExpressionError, match="Did you mean 'lower'"):
        call("lowr", col("a"))
    with pytest.raises(ExpressionError, match="sha1 takes 1 argument, not 2"):
        call("sha", col("a"), col("b"))


def test_every_function_has_a_vector_that_spark_accepts() -> None:
    used: set[str] = set()

    def collect(expr: object) -> None:
        used.add(getattr(expr, "function", ""))
        for operand in getattr(expr, "operands", ()):
            collect(operand)

    for vector in vectors():
        if vector.theme != "aggregates" and vector.type is not None:
            collect(parse(vector.expression))
    assert {function.name for function in CATALOGUE} - used == set()


def test_names_and_aliases_are_unique_and_lower_case() -> None:
    names = [name for function in CATALOGUE for name in (function.name, *function.aliases)]
    assert sorted(names) == sorted(BY_NAME)
    assert names == [name.lower() for name in names]
    assert all(function.doc.endswith(".") for function in CATALOGUE)
