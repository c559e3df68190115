from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from datacoolie.core.exceptions import DataCoolieError, ErrorClass
from datacoolie.core.types import (
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    TimestampType,
)
from datacoolie.sql import Call, Case, Cast, Column, ExpressionError, Literal, and_, call, col, infer, lit, not_, parse
from datacoolie.sql.vectors import Vector, vectors


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", col("a")),
        ("`a b``c`", col("a b`c")),
        ("date", col("date")),
        ("1 + 2 * 3", call("+", lit(1), call("*", lit(2), lit(3)))),
        ("a - b - c", call("-", call("-", col("a"), col("b")), col("c"))),
        ("a || b + c", call("+", call("concat", col("a"), col("b")), col("c"))),
        ("not a = b", not_(call("=", col("a"), col("b")))),
        ("a = b is null", call("isnull", call("=", col("a"), col("b")))),
        ("a or b and c", call("or", col("a"), and_(col("b"), col("c")))),
        ("a between 1 and 2 and b", and_(call(">=", col("a"), lit(1)), call("<=", col("a"), lit(2)), col("b"))),
        ("a not in (1, 2)", not_(call("in", col("a"), lit(1), lit(2)))),
        ("a is not distinct from b", call("<=>", col("a"), col("b"))),
        ("case a when 1 then 'x' end", Case(((call("=", col("a"), lit(1)), lit("x")),))),
        ("a::int", Cast(col("a"), IntegerType())),
        ("-a::int", call("negative", Cast(col("a"), IntegerType()))),
        ("try_cast(a as decimal(10, 2))", Cast(col("a"), DecimalType(10, 2), safe=True)),
        ("to_date(a, 'yyyyMMdd')", Cast(col("a"), DateType(), format="yyyyMMdd")),
        ("try_to_timestamp(a, 'yyyy')", Cast(col("a"), TimestampType(), safe=True, format="yyyy")),
        ("date_format(a, 'yyyy')", Cast(col("a"), StringType(), format="yyyy")),
        ("NVL(a, 1)", call("nvl", col("a"), lit(1))),
        ("ifnull(a, 1)", call("nvl", col("a"), lit(1))),
        ("a /* why */ + -- because\n 1", call("+", col("a"), lit(1))),
    ],
)
def test_text_becomes_nodes(text: str, expected: object) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("2147483647", 2147483647, IntegerType()),
        ("-2147483648", -2147483648, IntegerType()),
        ("2147483648", 2147483648, LongType()),
        ("1L", 1, LongType()),
        ("1e3", 1000.0, DoubleType()),
        ("'it''s' \" it\"", "it's it", StringType()),
        (r"'a\tb\u00e9\%'", "a\tbé\\%", StringType()),
        (r"r'\d'", r"\d", StringType()),
    ],
)
def test_constants_have_spark_types(text: str, value: str | float, kind: DataType) -> None:
    assert parse(text) == Literal(value, kind)


def test_decimal_constants_have_just_their_digits() -> None:
    assert infer(parse("0.050"), {}) == DecimalType(3, 3)
    assert infer(parse("12.50"), {}) == DecimalType(4, 2)


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("", "The expression is empty", 1, 1),
        ("a +", "Expected a value, found the end", 1, 4),
        ("a b", "Expected an operator or the end, found 'b'", 1, 3),
        ("upperr(a)", "Function 'upperr' is not one of the portable functions. Did you mean 'upper'?", 1, 1),
        ("a +\n  upper()", "upper takes 1 argument, not 0: upper(text)", 2, 3),
        ("substring(a)", "substring takes 2 to 3 arguments, not 1: substring(text, position, [length])", 1, 1),
        ("sum(a)", "Aggregates and window functions are not supported yet ('sum')", 1, 1),
        ("count(*)", "Aggregates are not supported yet ('count')", 1, 1),
        ("exists(select 1)", "Subqueries are not supported yet ('exists')", 1, 1),
        ("a in (select 1)", "Subqueries are not supported yet ('select')", 1, 7),
        ("rank() over (order by a)", "Window functions are not supported yet ('over')", 1, 8),
        ("upper(a) over ()", "Window functions are not supported yet ('over')", 1, 10),
        ("coalesce(x -> x, 1)", "Lambda functions are not supported yet ('->')", 1, 12),
        ("a & b", "Bit operators are not supported yet ('&')", 1, 3),
        ("a[0]", "Elements of arrays and maps are not supported yet ('[')", 1, 2),
        ("interval 1 day", "Intervals are not supported yet ('interval')", 1, 1),
        ("current_timestamp()", "gives another value each time", 1, 1),
        ("'open", "The quote ' is not closed", 1, 1),
        ("größe > 1", "put the name in backticks", 1, 3),
        ("2x", "A name can't begin with a digit", 1, 1),
        ("cast(a as itn)", "'itn' is not a data type", 1, 11),
        ("date '2024-02-30'", "DATE '2024-02-30' is not valid; write DATE '2024-12-31'", 1, 1),
        ("300Y", "300 is out of the range of tinyint: -128 to 127", 1, 1),
        ("year(1) + a", "year can't be used with (int): year(date)", 1, 1),
        (r"a rlike '(?=b)'", "look-around is not portable between engines", 1, 3),
        (r"a rlike '(b)\\1'", "back-references are not portable between engines", 1, 3),
        (r"a rlike '\\d+'", r"write [0-9]", 1, 3),
        ("a rlike '('", "is not valid", 1, 3),
        ("a rlike b", "must be a constant text", 1, 3),
        ("regexp_replace(a, 'x*', '')", "it fits the empty text", 1, 1),
        ("regexp_extract(a, '(x)', 2)", "it has 1 groups, there is no group 2", 1, 1),
        (" + ".join("a" * 200), "More than 100 operators in a row", 1, 403),
        ("1 and true", "and can't be used with (int, boolean): and(condition, condition)", 1, 3),
        ("trunc(a, 'mnth')", "'mnth' is not a unit of trunc", 1, 1),
        ("to_date(a, 'yyyy-MM-ddZ')", "'Z' in the datetime pattern 'yyyy-MM-ddZ' is not supported", 1, 1),
        ("(" * 500 + "1" + ")" * 500, "nested more than 50 levels deep", 1, 51),
    ],
)
def test_what_is_wrong_is_named_with_its_position(text: str, message: str, line: int, column: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert message in caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)


def test_expression_errors_are_configuration_and_pickle() -> None:
    with pytest.raises(DataCoolieError) as caught:
        parse("a +\n +")
    error = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - just made
    assert isinstance(error, ExpressionError)
    assert isinstance(error, ValueError)
    assert error.error_class is ErrorClass.CONFIGURATION
    assert (error.offset, error.line, error.column) == (6, 2, 3)


def test_columns_are_those_that_are_used() -> None:
    expr = parse("case when a > B then coalesce(c, 1) else cast(d as int) end")
    assert expr.columns == {"a", "B", "c", "d"}
    assert isinstance(parse("a"), Column)
    assert isinstance(parse("a + 1"), Call)


@pytest.mark.parametrize(
    "vector", [pytest.param(v, id=v.name) for v in vectors() if v.theme != "aggregates" and v.type is not None]
)
def test_the_text_of_an_expression_reads_back(vector: Vector) -> None:
    expr = parse(vector.expression)
    assert parse(expr.sql()) == expr


def test_many_conditions_are_not_deep() -> None:
    expr = parse(" or ".join(f"a = {value}" for value in range(5000)))
    assert expr.columns == {"a"}
    assert parse(expr.sql()) == expr


def test_parsing_needs_no_sqlglot() -> None:
    code = "import sys; from datacoolie.sql import parse; parse('a + 1'); print('sqlglot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
