"""What Polars raises while it evaluates, as errors of the framework."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from datacoolie.core.exceptions import DataCoolieError, EngineError, ErrorClass, TransformError

if TYPE_CHECKING:
    import polars as pl

_CONVERSION = re.compile(
    r"conversion from `[^`]+` to `[^`]+` failed in column '[^']*' for \d+ out of \d+ values: \[(.*?)\](?:\n|$)",
    re.DOTALL,
)
_MARKED = re.compile(r'"\[([A-Z_]{4,})(?:\|([^]]*))?\](?: (.*?))?"(?:, "\[|, …|$)', re.DOTALL)

REASONS = {
    "DIVIDE_BY_ZERO": "division by zero; nullif(divisor, 0) gives null instead",
    "REMAINDER_BY_ZERO": "remainder of a division by zero; nullif(divisor, 0) gives null instead",
    "CAST_INVALID_INPUT": "the text {value!r} can't be converted; try_cast gives null instead",
    "CAST_OVERFLOW": "{value} does not fit into the type it is converted to; try_cast gives null instead",
    "CANNOT_PARSE_TIMESTAMP": "the text {value!r} does not fit the pattern; try_to_timestamp gives null instead",
    "ARITHMETIC_OVERFLOW": "the result {value} is out of range; convert the operands to a wider type",
    "NUMERIC_VALUE_OUT_OF_RANGE": "a decimal has too many digits: {value}; convert to a decimal with more",
    "DATETIME_FIELD_OUT_OF_BOUNDS": "there is no such date",
    "CONVERSION_INVALID_INPUT": "a text is not in base 64",
    "INVALID_INDEX_OF_ZERO": "split_part counts parts from 1; 0 is none",
}
"""What went wrong, by Spark's name of the error."""


def translate(error: pl.exceptions.PolarsError) -> DataCoolieError:
    """Return the framework's error for one that Polars raised while evaluating; raise it `from` the original.

    `details["condition"]` is Spark's name of the error, such as `DIVIDE_BY_ZERO`, where an expression failed.
    """
    text = str(error)
    condition, value, column = _condition(text)
    if condition is None:
        message = f"Polars can't evaluate the plan: {text.splitlines()[0] if text else type(error).__name__}"
        return EngineError(message)
    reason = REASONS[condition].format(value=value)
    where = f"column {column!r}: " if column else ""
    failed = TransformError(
        f"{where}{condition}: {reason}", {"condition": condition, "value": value, "column": column or None}
    )
    return failed.classed(ErrorClass.DATA)


def _condition(text: str) -> tuple[str | None, str | None, str]:
    """Return Spark's name of the error, an example value and the column computed, as far as the message tells."""
    if text.startswith("invalid `base64` encoding"):
        return "CONVERSION_INVALID_INPUT", None, ""
    conversion = _CONVERSION.search(text)
    if conversion is None:
        return None, None, ""
    marked = _MARKED.match(conversion[1])
    if marked and marked[1] in REASONS:
        return marked[1], marked[3], unquote(marked[2] or "")
    return "ARITHMETIC_OVERFLOW", conversion[1], ""
