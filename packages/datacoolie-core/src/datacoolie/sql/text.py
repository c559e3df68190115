"""How names and constants are written in Spark SQL."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

from datacoolie.core.types import (
    ByteType,
    DataType,
    DoubleType,
    FloatType,
    LongType,
    ShortType,
)

Value: TypeAlias = bool | int | float | Decimal | str | bytes | date | datetime | None
"""Python values of constants."""

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0", "\x1a": "\\Z"}
_SUFFIXES: dict[type[DataType], str] = {
    ByteType: "Y",
    ShortType: "S",
    LongType: "L",
    FloatType: "F",
    DoubleType: "D",
}

RESERVED = frozenset(
    {
        "and",
        "as",
        "between",
        "case",
        "distinct",
        "div",
        "else",
        "end",
        "escape",
        "false",
        "from",
        "ilike",
        "in",
        "is",
        "like",
        "not",
        "null",
        "or",
        "over",
        "regexp",
        "rlike",
        "select",
        "then",
        "true",
        "when",
    }
)
"""Words that are not the name of a column unless in backticks."""


def identifier(name: str) -> str:
    """Return a column's name, in backticks unless it is a plain word."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in RESERVED
    return name if plain else "`" + name.replace("`", "``") + "`"


def string_text(value: str) -> str:
    """Return text in quotes, with Spark's escapes."""
    return "'" + "".join(_ESCAPES.get(char, char) for char in value) + "'"


def literal_text(value: Value, kind: DataType) -> str:  # noqa: C901, PLR0911 - one case per type of value
    """Return a constant so that reading it gives the same value and type."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).upper()
        case int():
            return f"{value}{_SUFFIXES.get(type(kind), '')}"
        case float():
            return f"{value!r}{_SUFFIXES[type(kind)]}"
        case Decimal():
            return f"{value:f}BD"
        case str():
            return string_text(value)
        case bytes():
            return f"X'{value.hex().upper()}'"
        case datetime() if value.tzinfo:
            return f"TIMESTAMP '{value.astimezone(UTC).replace(tzinfo=None).isoformat(' ')}Z'"
        case datetime():
            return f"TIMESTAMP_NTZ '{value.isoformat(' ')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
