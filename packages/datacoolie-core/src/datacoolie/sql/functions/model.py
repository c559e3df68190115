"""What the catalogue says of a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from datacoolie.core.types import (
    INTEGRAL,
    NUMERIC,
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    NullType,
    StringType,
    TimestampType,
)
from datacoolie.sql.coercion import TEMPORAL, implicit, widest
from datacoolie.sql.nodes import Expr, Literal

Result: TypeAlias = DataType | Callable[[Sequence[DataType]], DataType]
"""The type of a function's value: fixed, or made of its arguments' types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An argument as it is given: its type, and the expression, where the type of the result hangs on a constant."""

    type: DataType
    node: Expr

    @property
    def integer(self) -> int | None:
        """The value, when it is a constant of an integral type."""
        constant = isinstance(self.node, Literal) and isinstance(self.type, INTEGRAL)
        return self.node.value if constant and isinstance(self.node.value, int) else None  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The types that arguments are brought to, and the type of the result."""

    arguments: tuple[DataType, ...]
    result: DataType


class Signature(Protocol):
    """How the types of arguments decide the type of the result."""

    @property
    def arity(self) -> tuple[int, int | None]:
        """The least and the greatest number of arguments; `None` when there is no limit."""

    def usage(self, name: str) -> str:
        """Return how a call is written, for messages and the reference."""

    def resolve(self, arguments: Sequence[Argument]) -> Resolved | None:
        """Return what the arguments become, or `None` when their types don't fit."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What may be given for one argument.

    Attributes:
        name: what it is, for messages: `text`, `number`, `days`.
        accept: returns the type that an argument is brought to, `None` when it doesn't fit.
        constant: only a constant may be given, because the meaning of the call hangs on it.
    """

    name: str
    accept: Callable[[DataType], DataType | None]
    constant: bool = False

    def __call__(self, name: str) -> Parameter:
        """Return the same kind of parameter under another name."""
        return Parameter(name, self.accept, self.constant)

    @property
    def fixed(self) -> Parameter:
        """The same kind of parameter, for which only a constant may be given."""
        return Parameter(self.name, self.accept, constant=True)


def _to(target: DataType) -> Callable[[DataType], DataType | None]:
    return lambda kind: implicit(kind, target)


def _number(kind: DataType) -> DataType | None:
    if isinstance(kind, (StringType, NullType)):
        return DoubleType()
    return kind if isinstance(kind, NUMERIC) else None


def _days(kind: DataType) -> DataType | None:
    return None if isinstance(kind, (LongType, DecimalType, DoubleType)) else implicit(kind, IntegerType())


def _text(kind: DataType) -> DataType | None:
    # Bytes are not silently taken for UTF-8.
    return None if isinstance(kind, BinaryType) else implicit(kind, StringType())


TEXT = Parameter("text", _text)
BINARY = Parameter("binary", _to(BinaryType()))
TEXT_OR_BINARY = Parameter("text or binary", lambda kind: kind if isinstance(kind, BinaryType) else _text(kind))
BOOLEAN = Parameter("condition", _to(BooleanType()))
INT = Parameter("int", _to(IntegerType()))
LONG = Parameter("bigint", _to(LongType()))
DAYS = Parameter("days", _days)
DOUBLE = Parameter("number", _to(DoubleType()))
NUMBER = Parameter("number", _number)
DATE = Parameter("date", _to(DateType()))
TIMESTAMP = Parameter("timestamp", _to(TimestampType()))
DAY = Parameter("date", lambda kind: DateType() if isinstance(kind, (DateType, NullType)) else None)
POINT = Parameter("timestamp", lambda kind: TimestampType() if isinstance(kind, (TimestampType, NullType)) else None)
MOMENT = Parameter(
    "date or timestamp", lambda kind: TimestampType() if isinstance(kind, (NullType, *TEMPORAL)) else None
)
ANY = Parameter("value", lambda kind: kind)


def _listed(names: Sequence[str], optional: int, *, repeated: bool) -> str:
    """Write a list of arguments, those that may be left out in brackets."""
    least = len(names) - optional
    return ", ".join([*names[:least], *(f"[{name}]" for name in names[least:]), *["..."] * repeated])


@dataclass(frozen=True, slots=True)
class Takes:
    """Arguments that are each of one kind, whatever the others are.

    Attributes:
        parameters: the kinds, in order.
        result: the type of the value.
        optional: how many of the last parameters may be left out.
        repeated: the last parameter may be given any number of times.
    """

    parameters: tuple[Parameter, ...]
    result: Result
    optional: int = 0
    repeated: bool = False

    @property
    def arity(self) -> tuple[int, int | None]:
        """The least and the greatest number of arguments."""
        return len(self.parameters) - self.optional, None if self.repeated else len(self.parameters)

    def usage(self, name: str) -> str:
        """Return `name(text, int)`, optional parameters in brackets."""
        names = [("constant " if each.constant else "") + each.name for each in self.parameters]
        return f"{name}({_listed(names, self.optional, repeated=self.repeated)})"

    def resolve(self, arguments: Sequence[Argument]) -> Resolved | None:
        """Bring each argument to what its parameter asks for."""
        extra = len(arguments) - len(self.parameters)
        parameters = (*self.parameters, *self.parameters[-1:] * extra)
        kinds = []
        for parameter, argument in zip(parameters, arguments, strict=False):
            kind = parameter.accept(argument.type)
            if kind is None or (parameter.constant and not isinstance(argument.node, Literal)):
                return None
            kinds.append(kind)
        result = self.result(kinds) if callable(self.result) else self.result
        return Resolved(arguments=tuple(kinds), result=result)


@dataclass(frozen=True, slots=True)
class Common:
    """Leading arguments of fixed kinds, then arguments that are all brought to one common type.

    Attributes:
        result: the type of the value; the common type when it is `None`.
        leading: the kinds before.
        least: the least number of arguments.
        most: the greatest number of arguments, `None` when there is no limit.
        accept: whether values of the common type will do.
    """

    result: DataType | None = None
    leading: tuple[Parameter, ...] = ()
    least: int = 1
    most: int | None = None
    accept: Callable[[DataType], bool] = lambda _: True

    @property
    def arity(self) -> tuple[int, int | None]:
        """The least and the greatest number of arguments."""
        return self.least, self.most

    def usage(self, name: str) -> str:
        """Return `name(value, value, ...)`."""
        names = [*(each.name for each in self.leading), *["value"] * (self.least - len(self.leading))]
        return f"{name}({', '.join(names)}{', ...' if self.most is None else ''})"

    def resolve(self, arguments: Sequence[Argument]) -> Resolved | None:
        """Bring the arguments after the leading ones to what they have in common."""
        lead = [each.accept(argument.type) for each, argument in zip(self.leading, arguments, strict=False)]
        rest = [argument.type for argument in arguments[len(lead) :]]
        common = widest(rest)
        if None in lead or common is None or not self.accept(common):
            return None
        kinds = (*(kind for kind in lead if kind is not None), *[common] * len(rest))
        return Resolved(arguments=kinds, result=self.result or common)


@dataclass(frozen=True, slots=True)
class Rule:
    """A signature that is a rule of its own, such as the digits of a decimal product."""

    arguments: tuple[str, ...]
    rule: Callable[[Sequence[Argument]], Resolved | None]
    optional: int = 0
    repeated: bool = False

    @property
    def arity(self) -> tuple[int, int | None]:
        """The least and the greatest number of arguments."""
        return len(self.arguments) - self.optional, None if self.repeated else len(self.arguments)

    def usage(self, name: str) -> str:
        """Return `left + right` for an operator, `name(number, [digits])` for a function."""
        if not name.isidentifier() or name == "div":
            return f" {name} ".join(self.arguments)
        return f"{name}({_listed(self.arguments, self.optional, repeated=self.repeated)})"

    def resolve(self, arguments: Sequence[Argument]) -> Resolved | None:
        """Apply the rule."""
        return self.rule(arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function or operator.

    Attributes:
        name: as Spark calls it, in lower case.
        signature: what it takes and gives.
        doc: what it returns, in one line.
        aliases: its other names.
    """

    name: str
    signature: Signature
    doc: str
    aliases: tuple[str, ...] = ()

    @property
    def arity(self) -> tuple[int, int | None]:
        """The least and the greatest number of arguments; `None` when there is no limit."""
        return self.signature.arity

    @property
    def usage(self) -> str:
        """How a call is written."""
        return self.signature.usage(self.name)


def same(at: int = 0) -> Callable[[Sequence[DataType]], DataType]:
    """Return a result rule: the type of one of the arguments."""
    return lambda kinds: kinds[at]
