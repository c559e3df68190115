"""Data types: Spark SQL's names and meaning, independent of any engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from datacoolie.core.suggest import did_you_mean, listed


@dataclass(frozen=True, slots=True)
class DataType:
    """A type of a column. Two types are equal when all their parameters are."""

    def __str__(self) -> str:
        """Return Spark's `simpleString`, which `parse_type` reads back."""
        return _NAMES[type(self)]


@dataclass(frozen=True, slots=True)
class NullType(DataType):
    """The type of a bare `NULL`; it widens to any other."""


@dataclass(frozen=True, slots=True)
class BooleanType(DataType):
    """True, false or null."""


@dataclass(frozen=True, slots=True)
class ByteType(DataType):
    """Signed integer of 8 bits."""


@dataclass(frozen=True, slots=True)
class ShortType(DataType):
    """Signed integer of 16 bits."""


@dataclass(frozen=True, slots=True)
class IntegerType(DataType):
    """Signed integer of 32 bits."""


@dataclass(frozen=True, slots=True)
class LongType(DataType):
    """Signed integer of 64 bits."""


@dataclass(frozen=True, slots=True)
class FloatType(DataType):
    """IEEE 754 number of 32 bits."""


@dataclass(frozen=True, slots=True)
class DoubleType(DataType):
    """IEEE 754 number of 64 bits."""


@dataclass(frozen=True, slots=True)
class DecimalType(DataType):
    """Exact number of `precision` digits (1 to 38), `scale` of them after the point."""

    precision: int = 10
    scale: int = 0

    def __post_init__(self) -> None:
        """Refuse a precision or scale that no engine can hold."""
        if not 1 <= self.precision <= 38 or not 0 <= self.scale <= self.precision:  # noqa: PLR2004 - Spark's own bound
            message = f"decimal({self.precision},{self.scale}): precision is 1 to 38, scale 0 to precision"
            raise ValueError(message)

    def __str__(self) -> str:
        """Return `decimal(p,s)`."""
        return f"decimal({self.precision},{self.scale})"


@dataclass(frozen=True, slots=True)
class StringType(DataType):
    """Text in UTF-8."""


@dataclass(frozen=True, slots=True)
class BinaryType(DataType):
    """Bytes."""


@dataclass(frozen=True, slots=True)
class DateType(DataType):
    """A calendar day."""


@dataclass(frozen=True, slots=True)
class TimestampType(DataType):
    """A point in time, microseconds in UTC."""


@dataclass(frozen=True, slots=True)
class TimestampNtzType(DataType):
    """A wall-clock time without zone, microseconds."""


@dataclass(frozen=True, slots=True)
class ArrayType(DataType):
    """A list of one element type."""

    element: DataType

    def __str__(self) -> str:
        """Return `array<element>`."""
        return f"array<{self.element}>"


@dataclass(frozen=True, slots=True)
class MapType(DataType):
    """Keys and values."""

    key: DataType
    value: DataType

    def __str__(self) -> str:
        """Return `map<key,value>`."""
        return f"map<{self.key},{self.value}>"


@dataclass(frozen=True, slots=True)
class StructType(DataType):
    """Named fields, in order."""

    fields: tuple[tuple[str, DataType], ...]

    def __str__(self) -> str:
        """Return `struct<name:type,...>`."""
        return "struct<" + ",".join(f"{_quoted(name)}:{kind}" for name, kind in self.fields) + ">"


Schema: TypeAlias = Mapping[str, DataType]
"""Columns of a frame or table in order, by name."""

_NAMES: dict[type[DataType], str] = {
    NullType: "void",
    BooleanType: "boolean",
    ByteType: "tinyint",
    ShortType: "smallint",
    IntegerType: "int",
    LongType: "bigint",
    FloatType: "float",
    DoubleType: "double",
    StringType: "string",
    BinaryType: "binary",
    DateType: "date",
    TimestampType: "timestamp",
    TimestampNtzType: "timestamp_ntz",
}

_SIMPLE: dict[str, DataType] = {name: kind() for kind, name in _NAMES.items()} | {
    "bool": BooleanType(),
    "byte": ByteType(),
    "short": ShortType(),
    "integer": IntegerType(),
    "long": LongType(),
    "real": FloatType(),
    "str": StringType(),
    "varchar": StringType(),
    "char": StringType(),
    "datetime": TimestampType(),
    "timestamp_ltz": TimestampType(),
    "decimal": DecimalType(),
    "dec": DecimalType(),
    "numeric": DecimalType(),
}

TYPE_NAMES: tuple[str, ...] = (*sorted(_SIMPLE), "decimal(p,s)", "array<t>", "map<k,v>", "struct<name:t,...>")
"""The names that `parse_type` understands, for messages."""

INTEGRAL = (ByteType, ShortType, IntegerType, LongType)
"""Types of whole numbers, narrowest first."""

NUMERIC = (*INTEGRAL, DecimalType, FloatType, DoubleType)
"""Types that arithmetic takes."""

_DECIMAL = re.compile(r"(?:decimal|dec|numeric)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_TEXT = re.compile(r"(?:varchar|char)\s*\(\s*\d+\s*\)")
_NESTED = re.compile(r"(array|map|struct)\s*<(.*)>", re.IGNORECASE | re.DOTALL)
_FIELD = re.compile(r"\s*(?:`((?:[^`]|``)+)`|([^`:]*[^`:\s]))\s*:(.*)", re.DOTALL)


def parse_type(text: str) -> DataType:
    """Read a type as Spark writes it, in any case: `int`, `decimal(10,2)`, `array<struct<a:int>>`.

    Raises:
        ValueError: `text` names no type, or its parameters are out of range.
    """
    stripped = text.strip()
    lowered = stripped.lower()
    if lowered in _SIMPLE:
        return _SIMPLE[lowered]
    if match := _DECIMAL.fullmatch(lowered):
        return DecimalType(int(match[1]), int(match[2] or 0))
    if _TEXT.fullmatch(lowered):
        return StringType()
    nested = _NESTED.fullmatch(stripped)
    kind = _parse_nested(nested[1].lower(), nested[2]) if nested else None
    if kind is not None:
        return kind
    near = did_you_mean(re.split(r"[(<]", stripped)[0], _SIMPLE)
    message = f"{text!r} is not a data type; possible: {listed(TYPE_NAMES)}.{near}"
    raise ValueError(message)


def _parse_nested(name: str, inner: str) -> DataType | None:
    """Read what stands between `<` and `>`; None when its parts don't fit the name."""
    match name, _split(inner):
        case "array", _:
            return ArrayType(parse_type(inner))
        case "map", [key, value]:
            return MapType(parse_type(key), parse_type(value))
        case "struct", parts:
            return StructType(tuple(_parse_field(part) for part in parts if inner.strip()))
        case _:
            return None


def _parse_field(text: str) -> tuple[str, DataType]:
    """Read `name:type`, the name in backticks if it is unusual."""
    match = _FIELD.fullmatch(text)
    if match is None:
        message = f"{text!r} is not a field of a struct; write name:type"
        raise ValueError(message)
    quoted, bare, kind = match.groups()
    return quoted.replace("``", "`") if quoted else bare, parse_type(kind)


def _quoted(name: str) -> str:
    """Put a field's name in backticks where Spark needs them."""
    return name if re.fullmatch(r"\w+", name, re.ASCII) else "`" + name.replace("`", "``") + "`"


def _split(text: str) -> list[str]:
    """Split at commas outside of `<>`, `()` and backticks."""
    parts, depth, start, quoted = [], 0, 0, False
    for at, char in enumerate(text):
        if char == "`":
            quoted = not quoted
        elif quoted:
            continue
        elif char in "<(":
            depth += 1
        elif char in ">)":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]
