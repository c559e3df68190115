"""Types of text: which one all values of a column have, and the values in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.types import StringType, parse_type
from datacoolie_engine_spark.columns import quoted
from datacoolie_engine_spark.failures import translated
from datacoolie_engine_spark.faults import raised
from datacoolie_engine_spark.files.paths import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from datacoolie.core.types import Schema

_WHOLE = "^[+-]?[0-9]+$"
_NUMBER = "^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?$|^NaN$|^-?Infinity$"
_CANDIDATES = (("bigint", _WHOLE), ("double", _NUMBER), ("boolean", "^([tT][rR][uU][eE]|[fF][aA][lL][sS][eE])$"))
"""Types, narrowest first, and what values of each look like."""


def inferred(frame: DataFrame, names: Sequence[str]) -> Schema:
    """Return for each text column the first type that all of its values have; text when there is none, or no value.

    Raises:
        SourceError: reading failed.
    """
    tests = [f"count({quoted(name)})" for name in names]
    for name in map(quoted, names):
        for kind, pattern in _CANDIDATES:
            fits = f"{name} RLIKE {text(pattern)} AND try_cast({name} AS {kind}) IS NOT NULL"
            tests.append(f"count_if({name} IS NOT NULL AND NOT ({fits}))")
    with translated():
        found = [column[0].as_py() for column in frame.selectExpr(*tests).toArrow().columns]
    values, misfits = found[: len(names)], found[len(names) :]
    schema = {}
    for at, name in enumerate(names):
        wrong = misfits[at * len(_CANDIDATES) : (at + 1) * len(_CANDIDATES)]
        fitting = [kind for (kind, _), count in zip(_CANDIDATES, wrong, strict=True) if not count]
        schema[name] = parse_type(fitting[0]) if fitting and values[at] else StringType()
    return schema


def typed(schema: Schema, path: str) -> list[str]:
    """Return the SQL of text columns in their types; a value that does not fit is a fault of the file at `path`."""
    return [
        quoted(name) if isinstance(kind, StringType) else f"{_cast(quoted(name), str(kind), path)} AS {quoted(name)}"
        for name, kind in schema.items()
    ]


def _cast(name: str, kind: str, path: str) -> str:
    fault = (
        f"concat('could not read ', {name}, ' as {kind}. Types were inferred from some rows; set read_options."
        "samplingRatio to 1.0 to look at all of them, or inferSchema to false and use schema_hints')"
    )
    return f"CASE WHEN {name} IS NOT NULL THEN coalesce(try_cast({name} AS {kind}), {raised(path, fault)}) END"
