"""A case set: a small table and expressions over it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Row: TypeAlias = tuple[str | None, ...]
"""One value per column, as text that Spark casts to the column's type; `None` is null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSet:
    """Expressions that are evaluated over the same rows.

    Attributes:
        schema: column names and Spark types.
        rows: the values.
        expressions: Spark SQL texts.
    """

    schema: dict[str, str]
    rows: tuple[Row, ...]
    expressions: tuple[str, ...]


def column(kind: str, values: Sequence[str | None], *expressions: str, name: str = "a") -> CaseSet:
    """Return expressions over one column."""
    return CaseSet(schema={name: kind}, rows=tuple((value,) for value in values), expressions=expressions)


def pairs(
    kinds: tuple[str, str], values: Sequence[str | None], others: Sequence[str | None], *expressions: str
) -> CaseSet:
    """Return expressions over columns `a` and `b` that hold every pair of values."""
    return CaseSet(schema={"a": kinds[0], "b": kinds[1]}, rows=tuple(product(values, others)), expressions=expressions)
