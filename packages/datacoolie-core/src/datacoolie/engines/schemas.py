"""Schemas of files and tables: which columns are the same, and which type holds the values of two."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from datacoolie.core.exceptions import SourceError
from datacoolie.core.types import (
    INTEGRAL,
    NUMERIC,
    ArrayType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    MapType,
    NullType,
    StructType,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

Kind = TypeVar("Kind")

MAX_PRECISION = 38

_DIGITS = dict(zip(INTEGRAL, (3, 5, 10, 19), strict=True))


def widest(left: DataType, right: DataType) -> DataType | None:
    """Return the narrowest type that holds the values of both, or `None` where there is none.

    Integers widen to larger ones, to decimals and to double; decimals to larger ones and to double, nothing to text.
    """
    match left, right:
        case _ if left == right:
            return left
        case (NullType(), other) | (other, NullType()):
            return other
        case ArrayType(), ArrayType():
            inner = widest(left.element, right.element)
            return None if inner is None else ArrayType(inner)
        case StructType(), StructType():
            return _widest_struct(left, right)
        case _ if isinstance(left, NUMERIC) and isinstance(right, NUMERIC):
            return _widest_number(left, right)
        case _:
            return None


def _widest_number(left: DataType, right: DataType) -> DataType | None:
    if isinstance(left, INTEGRAL) and isinstance(right, INTEGRAL):
        return max(left, right, key=lambda kind: INTEGRAL.index(type(kind)))
    if isinstance(left, (FloatType, DoubleType)) or isinstance(right, (FloatType, DoubleType)):
        return DoubleType()
    a, b = _as_decimal(left), _as_decimal(right)
    scale = max(a.scale, b.scale)
    precision = max(a.precision - a.scale, b.precision - b.scale) + scale
    return DecimalType(precision, scale) if precision <= MAX_PRECISION else None


def _as_decimal(kind: DataType) -> DecimalType:
    """Return the decimal that holds every value of an integer."""
    return kind if isinstance(kind, DecimalType) else DecimalType(_DIGITS[type(kind)], 0)


def _widest_struct(left: StructType, right: StructType) -> StructType | None:
    fields, others = dict(left.fields), dict(right.fields)
    for name, known in spellings(others, fields).items():
        merged = widest(fields.get(known, NullType()), others[name])
        if merged is None:
            return None
        fields[known] = merged
    return StructType(tuple(fields.items()))


def spellings(names: Collection[str], known: Iterable[str]) -> dict[str, str]:
    """Map each of `names` to the one of `known` of the same name, in any case; to itself when there is none."""
    exact = set(known)
    folded: dict[str, list[str]] = {}
    for name in exact:
        folded.setdefault(name.lower(), []).append(name)
    ambiguous = len({name.lower() for name in names}) < len(names)
    return {name: name if name in exact or ambiguous else _only(folded.get(name.lower()), name) for name in names}


def _only(names: list[str] | None, default: str) -> str:
    return names[0] if names and len(names) == 1 else default


def union(
    schemas: Iterable[tuple[str, Mapping[str, Kind]]],
    *,
    widest: Callable[[Kind, Kind], Kind | None],
    text: Callable[[Kind], str],
) -> dict[str, Kind]:
    """Return all columns of files in order of appearance, each with the widest of its types.

    Names match in any case where that is unambiguous; the first spelling stays.

    Args:
        schemas: columns of each file by its path.
        widest: returns the type that holds the values of two, or `None`.
        text: a type for messages.

    Raises:
        SourceError: two types of a column don't fit.
    """
    merged: dict[str, Kind] = {}
    seen_in: dict[str, str] = {}
    for path, schema in schemas:
        for name, target in spellings(schema, merged).items():
            before = merged.setdefault(target, schema[name])
            first = seen_in.setdefault(target, path)
            kind = widest(before, schema[name])
            if kind is None:
                message = (
                    f"{path}: column {target!r} is {text(schema[name])}, but {text(before)} in {first}; no type holds "
                    "both. Load these files by flows of their own, or write them again with one type"
                )
                raise SourceError(message, {"column": target, "files": [first, path]})
            if kind != before:
                merged[target], seen_in[target] = kind, path
    return merged


def parts_of(kind: DataType) -> Iterator[DataType]:
    """Yield a type and all types inside of it."""
    yield kind
    match kind:
        case ArrayType():
            yield from parts_of(kind.element)
        case MapType():
            yield from parts_of(kind.key)
            yield from parts_of(kind.value)
        case StructType():
            for _, inner in kind.fields:
                yield from parts_of(inner)
        case _:
            return
