from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from datacoolie.core.exceptions import DataCoolieError, EngineError, ErrorClass, TransformError
from datacoolie.core.types import IntegerType, StringType
from datacoolie.sql import parse
from datacoolie_engine_polars.expressions import compile_expression, translate

FRAME = pl.LazyFrame({"a": [1, 0, None], "s": ["7", "x]y", None]}, schema={"a": pl.Int32, "s": pl.String})
SCHEMA = {"a": IntegerType(), "s": StringType()}


def failure(text: str, frame: pl.LazyFrame = FRAME) -> DataCoolieError:
    expr, _ = compile_expression(parse(text), SCHEMA)
    with pytest.raises(pl.exceptions.PolarsError) as caught:
        frame.with_columns(r=expr).collect(engine="streaming")
    return translate(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / a", "DIVIDE_BY_ZERO: division by zero; nullif(divisor, 0) gives null instead"),
        ("5 % a", "REMAINDER_BY_ZERO: remainder of a division by zero; nullif(divisor, 0) gives null instead"),
        ("cast(s as int)", "CAST_INVALID_INPUT: the text 'x]y' can't be converted; try_cast gives null instead"),
        ("a + 2147483647", "ARITHMETIC_OVERFLOW: the result 2147483648 is out of range"),
        ("cast(a + 300 as tinyint)", "CAST_OVERFLOW: 301 does not fit into the type it is converted to"),
        ("to_date(s, 'yyyy')", "CANNOT_PARSE_TIMESTAMP: the text '7' does not fit the pattern"),
        ("make_date(2023, 2, a + 28)", "DATETIME_FIELD_OUT_OF_BOUNDS: there is no such date"),
        ("split_part(s, 'x', a)", "INVALID_INDEX_OF_ZERO: split_part counts parts from 1; 0 is none"),
        ("unbase64(s)", "CONVERSION_INVALID_INPUT: a text is not in base 64"),
    ],
)
def test_a_failing_row_is_named_with_reason_value_and_way_out(text: str, message: str) -> None:
    error = failure(text)
    assert isinstance(error, TransformError)
    assert error.message.startswith(message)
    assert error.details["condition"] == message.partition(":")[0]
    assert error.error_class is ErrorClass.DATA


def test_two_possible_faults_are_told_apart() -> None:
    assert failure("10 div a + cast(s as int)").details["condition"] == "DIVIDE_BY_ZERO"
    only_text = pl.LazyFrame({"a": [1], "s": ["x"]}, schema=FRAME.collect_schema())
    assert failure("10 div a + cast(s as int)", only_text).details["condition"] == "CAST_INVALID_INPUT"


def test_texts_that_look_like_a_reason_stay_texts() -> None:
    frame = pl.LazyFrame({"a": [1], "s": ["[DIVIDE_BY_ZERO]"]}, schema=FRAME.collect_schema())
    error = failure("cast(s as int)", frame)
    assert error.details == {"condition": "CAST_INVALID_INPUT", "value": "[DIVIDE_BY_ZERO]", "column": None}


@pytest.mark.parametrize("column", ["total", "a \"b\" [c] | 'd', \n %41 größe"])
@pytest.mark.parametrize("text", ["1 div a", "1 div (1 - 1)"])
def test_the_column_that_is_computed_is_named(column: str, text: str) -> None:
    expr, _ = compile_expression(parse(text), SCHEMA, column)
    with pytest.raises(pl.exceptions.PolarsError) as caught:
        FRAME.select(expr).collect(engine="streaming")
    error = translate(caught.value)
    assert error.message.startswith(f"column {column!r}: DIVIDE_BY_ZERO: division by zero")
    assert error.details["column"] == column
    assert failure("1 div a").details["column"] is None


def test_other_errors_of_polars_are_the_engines() -> None:
    with pytest.raises(pl.exceptions.PolarsError) as caught:
        FRAME.select("missing").collect()
    error = translate(caught.value)
    assert isinstance(error, EngineError)
    assert error.message.startswith("Polars can't evaluate the plan: ")


def test_an_argument_that_is_not_needed_may_still_fail() -> None:
    assert failure("nvl(a, cast('x' as int))").details["condition"] == "CAST_INVALID_INPUT"


def test_aware_literals_compare_in_utc() -> None:
    frame = pl.LazyFrame({"t": [datetime(2024, 1, 1, 12, tzinfo=UTC)]}, schema={"t": pl.Datetime("us", "UTC")})
    from datacoolie.core.types import TimestampType  # noqa: PLC0415 - used here only

    expr, _ = compile_expression(parse("t = timestamp '2024-01-01 14:00:00+02:00'"), {"t": TimestampType()})
    assert frame.select(r=expr).collect().item() is True
