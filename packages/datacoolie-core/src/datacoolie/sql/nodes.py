"""The tree of an expression: small frozen nodes that are equal when they mean the same text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeAlias
from typing import Literal as OneOf

from datacoolie.core.types import (
    DataType,
    DateType,
    StringType,
    TimestampNtzType,
    TimestampType,
)
from datacoolie.sql.text import identifier, literal_text, string_text

if TYPE_CHECKING:
    from datacoolie.sql.errors import Position
    from datacoolie.sql.text import Value


class Expr(ABC):
    """A scalar expression: one value per row."""

    __slots__ = ()

    @property
    @abstractmethod
    def operands(self) -> tuple[Expr, ...]:
        """The expressions that this one is made of, left to right."""

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns that are used, as written."""
        return frozenset[str]().union(*(operand.columns for operand in self.operands))

    @abstractmethod
    def sql(self) -> str:
        """Return the expression as Spark SQL; `parse` gives an equal expression back."""

    def __str__(self) -> str:
        """Return the Spark SQL text."""
        return self.sql()


@dataclass(frozen=True, slots=True)
class Column(Expr):
    """A column of the frame, found by name in any case."""

    name: str
    at: Position | None = field(default=None, compare=False, repr=False)

    @property
    def operands(self) -> tuple[Expr, ...]:
        """None: a column stands for itself."""
        return ()

    @property
    def columns(self) -> frozenset[str]:
        """The name of this column."""
        return frozenset({self.name})

    def sql(self) -> str:
        """Return the name, in backticks where Spark needs them."""
        return identifier(self.name)


@dataclass(frozen=True, slots=True)
class Literal(Expr):
    """A constant. `value` is the Python value of `type`; use `lit` to make one from a value."""

    value: Value
    type: DataType
    at: Position | None = field(default=None, compare=False, repr=False)

    @property
    def operands(self) -> tuple[Expr, ...]:
        """None: a constant stands for itself."""
        return ()

    def sql(self) -> str:
        """Return the constant with whatever marks its type."""
        return literal_text(self.value, self.type)


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A function or an operator of the catalogue, under its first name (`substring`, `+`, `and`)."""

    function: str
    arguments: tuple[Expr, ...]
    at: Position | None = field(default=None, compare=False, repr=False)

    INFIX: ClassVar[frozenset[str]] = frozenset(
        {"+", "-", "*", "/", "%", "div", "=", "!=", "<", "<=", ">", ">=", "<=>", "and", "or"}
    )

    @property
    def operands(self) -> tuple[Expr, ...]:
        """The arguments."""
        return self.arguments

    def sql(self) -> str:
        """Return `f(x, y)` or the operator between its operands, in parentheses."""
        texts = [argument.sql() for argument in self.arguments]
        match self.function, texts:
            case ("not" | "negative") as name, [one]:
                return f"(NOT {one})" if name == "not" else f"(- {one})"
            case "in", [first, *others]:
                return f"({first} IN ({', '.join(others)}))"
            case name, [left, right] if name in self.INFIX:
                return f"({left} {name.upper()} {right})"
            case name, _:
                return f"{name}({', '.join(texts)})"


@dataclass(frozen=True, slots=True)
class Cast(Expr):
    """A conversion to `type`.

    Attributes:
        operand: what is converted.
        type: the type that it gets.
        safe: null instead of an error for a value that has no counterpart.
        format: Spark's datetime pattern, between text and dates or timestamps.
    """

    operand: Expr
    type: DataType
    safe: bool = False
    format: str | None = None
    at: Position | None = field(default=None, compare=False, repr=False)

    @property
    def operands(self) -> tuple[Expr, ...]:
        """The operand."""
        return (self.operand,)

    def sql(self) -> str:
        """Return `CAST`, `TRY_CAST`, or the function that takes a datetime pattern."""
        operand = self.operand.sql()
        if self.format is None:
            return f"{'TRY_CAST' if self.safe else 'CAST'}({operand} AS {self.type})"
        prefix = "try_" if self.safe else ""
        return f"{prefix}{FORMATTING[type(self.type)]}({operand}, {string_text(self.format)})"


FORMATTING: dict[type[DataType], str] = {
    StringType: "date_format",
    DateType: "to_date",
    TimestampType: "to_timestamp",
    TimestampNtzType: "to_timestamp_ntz",
}
"""The functions that convert by a pattern, by the type they give."""


@dataclass(frozen=True, slots=True)
class Case(Expr):
    """The value of the first branch whose condition is true, else `default`; without one, null."""

    branches: tuple[tuple[Expr, Expr], ...]
    default: Expr | None = None
    at: Position | None = field(default=None, compare=False, repr=False)

    @property
    def operands(self) -> tuple[Expr, ...]:
        """Condition and value of each branch in turn, then the default if there is one."""
        flat = tuple(part for branch in self.branches for part in branch)
        return flat if self.default is None else (*flat, self.default)

    def sql(self) -> str:
        """Return `CASE WHEN ... END`."""
        branches = " ".join(f"WHEN {condition.sql()} THEN {value.sql()}" for condition, value in self.branches)
        default = "" if self.default is None else f" ELSE {self.default.sql()}"
        return f"CASE {branches}{default} END"


AggregateFunction: TypeAlias = OneOf["collect", "count", "count_if", "max", "min", "sum"]
"""The aggregates that the framework itself needs; `collect` lists the values that are not null, in no order."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One value over all rows; without an operand, `count` counts rows."""

    function: AggregateFunction
    operand: Expr | None = None

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns that are used, as written."""
        return frozenset() if self.operand is None else self.operand.columns

    def sql(self) -> str:
        """Return the aggregate as Spark SQL."""
        return f"{self.function}({'*' if self.operand is None else self.operand.sql()})"
