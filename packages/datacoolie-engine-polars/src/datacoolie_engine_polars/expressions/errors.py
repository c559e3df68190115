"""What Polars raises while it evaluates, as errors of the framework."""

from __future__ import annotations

import re

import polars as pl

from datacoolie.core.exceptions import DataCoolieError, EngineError, ErrorClass, TransformError

_MARKED = re.compile(r'\[([A-Z_]{4,})\](?: ([^"]*))?"')
_CONVERSION = re.compile(
    r"conversion from `([^`]+)` to `([^`]+)` failed in column '[^']*' for \d+ out of \d+ values: \[(.*?)\]", re.DOTALL
)

REASONS = {
    "DIVIDE_BY_ZERO": "division by zero; use nullif(divisor, 0) to get null instead",
    "REMAINDER_BY_ZERO": "remainder of a division by zero; use nullif(divisor, 0) to get null instead",
    "CAST_INVALID_INPUT": "the text {value!r} can't be converted; use try_cast to get null instead",
    "CAST_OVERFLOW": "the value {value} does not fit into the type it is converted to; use try_cast to get null instead",
    "CANNOT_PARSE_TIMESTAMP": "the text {value!r} does not fit the datetime pattern; try_to_timestamp gives null instead",
    "ARITHMETIC_OVERFLOW": "the result {value} is out of the range of its type; convert the operands to a wider type",
    "NUMERIC_VALUE_OUT_OF_RANGE": "a decimal result has more digits than its type; convert the operands to fewer digits",
    "DATETIME_FIELD_OUT_OF_BOUNDS": "there is no such date",
    "INVALID_INDEX_OF_ZERO": "split_part counts parts from 1; 0 is none",
}
"""What went wrong, by Spark's name of the error."""


def translate(error: pl.exceptions.PolarsError) -> DataCoolieError:
    """Return the framework's error for one that Polars raised while evaluating; raise it `from` the original.

    `details["condition"]` is Spark's name of the error, such as `DIVIDE_BY_ZERO`, where an expression failed.
    """
    text = str(error)
    condition, value = _condition(text)
    if condition is None:
        message = f"Polars can't evaluate the plan: {text.splitlines()[0] if text else type(error).__name__}"
        return EngineError(message)
    reason = REASONS[condition].format(value=value)
    failed = TransformError(f"{condition}: {reason}", {"condition": condition, "value": value})
    return failed.classed(ErrorClass.DATA)


def _condition(text: str) -> tuple[str | None, str | None]:
    """Return Spark's name of the error and an example value, as far as the message tells."""
    if (marked := _MARKED.search(text)) and marked[1] in REASONS:
        return marked[1], marked[2]
    if conversion := _CONVERSION.search(text):
        return "ARITHMETIC_OVERFLOW", conversion[3]
    return None, None
