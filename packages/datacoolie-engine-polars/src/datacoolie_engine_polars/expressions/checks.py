"""Errors inside of a lazy pass: a strict conversion of a text that says what is wrong.

Polars has no expression that raises. A strict cast of text to a number does, and repeats the text in its message, which
`errors.translate` reads.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import quote

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from datacoolie.core.types import DataType
    from datacoolie.sql import Typed


COMPUTED: ContextVar[str] = ContextVar("COMPUTED", default="")
"""The column whose expression is compiled; errors of the pass name it."""


class Operands:
    """What a lowering is given: lowered operands beside their types and expressions."""

    __slots__ = ("exprs", "typed")

    def __init__(self, typed: Typed, exprs: Sequence[pl.Expr]) -> None:
        """Keep the call and its lowered operands."""
        self.typed = typed
        self.exprs = tuple(exprs)

    @property
    def types(self) -> tuple[DataType, ...]:
        """The operands' types."""
        return tuple(operand.type for operand in self.typed.operands)

    @property
    def result(self) -> DataType:
        """The type of the result."""
        return self.typed.type

    def constant(self, at: int) -> object:
        """Return the value of an operand that is a constant, else `None`."""
        return getattr(self.typed.operands[at].node, "value", None) if at < len(self.exprs) else None


def fail_when(condition: pl.Expr, code: str, example: pl.Expr | None = None) -> pl.Expr:
    """Return a column of nulls; evaluating it where `condition` is true raises.

    Args:
        condition: which rows are wrong.
        code: Spark's name of the error.
        example: a value to show, as text.
    """
    mark = f"[{code}|{quote(column, safe='')}]" if (column := COMPUTED.get()) else f"[{code}]"
    text = pl.lit(mark)
    if example is not None:
        # Masked first, so that texts are joined for the wrong rows only.
        text = pl.lit(f"{mark} ") + pl.when(condition).then(example)
    return pl.when(condition).then(text).cast(pl.Int64)


def checked(result: pl.Expr, *failures: pl.Expr) -> pl.Expr:
    """Return `result`, evaluating what `fail_when` made with it."""
    return pl.when(*(failure.is_null() for failure in failures)).then(result)


def computed_once(then: Callable[[pl.Expr, pl.Expr], pl.Expr], first: pl.Expr, second: pl.Expr) -> pl.Expr:
    """Return `then(first, second)`, computing both just once however often `then` uses them.

    They become fields of a struct: Polars does not find equal parts of expressions by itself here.
    """
    both = pl.struct(first=first, second=second)
    return both.struct.with_fields(result=then(pl.field("first"), pl.field("second"))).struct.field("result")
