"""Golden vectors: what a real Spark 4 in ANSI mode and UTC answers. Every engine's tests run them.

The files are written by `python -m tools.vectors`. Values of columns are texts that Spark casts to the column's type
(bytes in hexadecimal digits). Results are JSON values: decimals and floats as text, bytes in hexadecimal digits, dates
as days and timestamps as microseconds since 1970, `{"error": name}` where evaluating that row fails.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, TypeAlias

from datacoolie.core.types import (
    INTEGRAL,
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    TimestampNtzType,
    TimestampType,
    parse_type,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacoolie.core.types import Schema
    from datacoolie.sql.text import Value

Result: TypeAlias = "str | int | bool | list[Result] | dict[str, str | None] | None"
"""A value of a row as JSON, or `{"error": name}`; the name is null when Spark's error has none."""

THEMES = ("aggregates", "casts", "conditional", "dates", "hashing", "maths", "operators", "patterns", "strings")
"""The files of vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One expression over some rows.

    Attributes:
        name: expression and types, unique; for reports and for lists of known differences.
        theme: the file that it is from.
        expression: Spark SQL text; for the theme `aggregates`, one aggregate.
        schema: columns and their types.
        rows: values of the columns.
        type: the type that Spark gives it, `None` when Spark refuses it.
        results: a value per row; one in all for an aggregate.
    """

    name: str
    theme: str
    expression: str
    schema: Schema
    rows: tuple[tuple[Value, ...], ...]
    type: DataType | None
    results: tuple[Result, ...]


def vectors(*themes: str) -> Iterator[Vector]:
    """Return the vectors of some themes, of all when none is named."""
    seen: Counter[str] = Counter()
    for theme in themes or THEMES:
        for case_set in json.loads((files(__package__) / f"{theme}.json").read_text("utf-8")):
            schema = {name: parse_type(kind) for name, kind in case_set["schema"].items()}
            rows = tuple(tuple(map(value_of, row, schema.values())) for row in case_set["rows"])
            kinds = ",".join(map(str, schema.values()))
            for case in case_set["cases"]:
                name = f"{theme}: {case['expression']} ({kinds})"
                seen[name] += 1
                yield Vector(
                    name=f"{name} #{seen[name]}" if seen[name] > 1 else name,
                    theme=theme,
                    expression=case["expression"],
                    schema=schema,
                    rows=rows,
                    type=parse_type(case["type"]) if "type" in case else None,
                    results=tuple(case.get("results", ())),
                )


def value_of(text: str | None, kind: DataType) -> Value:  # noqa: PLR0911 - one case per type
    """Return the Python value of a column's value."""
    if text is None:
        return None
    match kind:
        case BooleanType():
            return text == "true"
        case FloatType() | DoubleType():
            return float(text)
        case DecimalType():
            return Decimal(text)
        case BinaryType():
            return bytes.fromhex(text)
        case DateType():
            return date.fromisoformat(text)
        case TimestampType():
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        case TimestampNtzType():
            return datetime.fromisoformat(text)
        case _:
            return int(text) if isinstance(kind, INTEGRAL) else text
