"""Operators: arithmetic, comparison, logic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.types import (
    INTEGRAL,
    NUMERIC,
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    StringType,
    StructType,
)
from datacoolie.sql.coercion import ATOMIC, MIN_ADJUSTED_SCALE, bounded, decimal_for, wider
from datacoolie.sql.functions.model import BOOLEAN, Argument, Common, Function, Resolved, Rule, Takes, same
from datacoolie.sql.functions.model import NUMBER as NUMBER_PARAMETER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def sum_digits(left: DecimalType, right: DecimalType) -> DecimalType:
    """Return the decimal that holds a sum or a difference."""
    scale = max(left.scale, right.scale)
    whole = max(left.precision - left.scale, right.precision - right.scale)
    return bounded(whole + scale + 1, scale)


def product_digits(left: DecimalType, right: DecimalType) -> DecimalType:
    """Return the decimal that holds a product."""
    return bounded(left.precision + right.precision + 1, left.scale + right.scale)


def quotient_digits(left: DecimalType, right: DecimalType) -> DecimalType:
    """Return the decimal that Spark gives a quotient."""
    scale = max(MIN_ADJUSTED_SCALE, left.scale + right.precision + 1)
    return bounded(left.precision - left.scale + right.scale + scale, scale)


def remainder_digits(left: DecimalType, right: DecimalType) -> DecimalType:
    """Return the decimal that holds a remainder."""
    scale = max(left.scale, right.scale)
    return bounded(min(left.precision - left.scale, right.precision - right.scale) + scale, scale)


def _decimal_operand(argument: Argument) -> DecimalType | None:
    """Return the decimal that an operand becomes: an integer constant needs just its own digits."""
    value = argument.integer
    return decimal_for(argument.type) if value is None else DecimalType(len(str(abs(value))), 0)


def arithmetic(
    digits: Callable[[DecimalType, DecimalType], DecimalType], integral: DataType | None = None
) -> Callable[[Sequence[Argument]], Resolved | None]:
    """Return the rule of an arithmetic operator.

    Args:
        digits: the decimal that two decimals give.
        integral: the type that integers are brought to first; their wider type when it is `None`.
    """

    def rule(arguments: Sequence[Argument]) -> Resolved | None:
        left, right = arguments
        common = wider(left.type, right.type)
        if isinstance(common, NullType):
            common = DoubleType()
        if isinstance(common, StringType) or not isinstance(common, NUMERIC):
            return None
        if isinstance(common, DecimalType):
            return _decimals(left, right, digits)
        if integral is not None and isinstance(common, INTEGRAL):
            common = integral
        return Resolved(arguments=(common, common), result=common)

    return rule


def _decimals(
    left: Argument, right: Argument, digits: Callable[[DecimalType, DecimalType], DecimalType]
) -> Resolved | None:
    one, other = _decimal_operand(left), _decimal_operand(right)
    one, other = one or other, other or one  # a bare NULL becomes the other's type
    if one is None or other is None:
        return None
    return Resolved(arguments=(one, other), result=digits(one, other))


def _plus_minus(arguments: Sequence[Argument]) -> Resolved | None:
    """Add days to a date, or numbers."""
    left, right = arguments
    if isinstance(left.type, DateType) and isinstance(right.type, INTEGRAL) and not isinstance(right.type, LongType):
        return Resolved(arguments=(left.type, IntegerType()), result=left.type)
    return arithmetic(sum_digits)(arguments)


def _division(arguments: Sequence[Argument]) -> Resolved | None:
    """Divide decimals as decimals, all other numbers as doubles."""
    resolved = arithmetic(quotient_digits)(arguments)
    if resolved is None or isinstance(resolved.result, DecimalType):
        return resolved
    return Resolved(arguments=(DoubleType(), DoubleType()), result=DoubleType())


def _whole_division(arguments: Sequence[Argument]) -> Resolved | None:
    """Divide integers. Decimals are refused: Spark wraps a quotient that is too large for bigint."""
    resolved = arithmetic(quotient_digits, LongType())(arguments)
    return resolved if resolved and isinstance(resolved.result, LongType) else None


def remainders(arguments: Sequence[Argument]) -> Resolved | None:
    """Divide integers or decimals and keep the rest. Floats are refused: not every engine has an exact remainder."""
    resolved = arithmetic(remainder_digits)(arguments)
    return resolved if resolved and isinstance(resolved.result, (*INTEGRAL, DecimalType)) else None


def _compared(arguments: Sequence[Argument]) -> Resolved | None:
    """Bring both sides to one type that has an order."""
    left, right = arguments
    common = wider(left.type, right.type)
    if isinstance(common, DecimalType):
        one, other = _decimal_operand(left), _decimal_operand(right)
        common = wider(one or left.type, other or right.type)
    if not isinstance(common, (NullType, *ATOMIC)):
        return None
    return Resolved(arguments=(common, common), result=BooleanType())


def _identical(arguments: Sequence[Argument]) -> Resolved | None:
    """Take lists and structs of one type as they are, all else as `_compared`; maps have no equality."""
    left, right = (argument.type for argument in arguments)
    if left == right and isinstance(left, (ArrayType, StructType)) and not _holds_map(left):
        return Resolved(arguments=(left, right), result=BooleanType())
    return _compared(arguments)


def _holds_map(kind: DataType) -> bool:
    match kind:
        case ArrayType():
            return _holds_map(kind.element)
        case StructType():
            return any(_holds_map(field) for _, field in kind.fields)
        case _:
            return isinstance(kind, MapType)


def _operator(name: str, rule: Callable[[Sequence[Argument]], Resolved | None], doc: str, alias: str = "") -> Function:
    aliases = (alias,) if alias else ()
    return Function(name=name, signature=Rule(("left", "right"), rule), doc=doc, aliases=aliases)


_LOGIC = Takes((BOOLEAN, BOOLEAN), BooleanType())

OPERATORS: tuple[Function, ...] = (
    _operator("+", _plus_minus, "The sum, or a date some days later. Overflow is an error."),
    _operator("-", _plus_minus, "The difference, or a date some days earlier. Overflow is an error."),
    _operator("*", arithmetic(product_digits), "The product. Overflow is an error."),
    _operator("/", _division, "The quotient, as double or decimal. Division by zero is an error."),
    _operator("div", _whole_division, "The whole part of the quotient of integers, as bigint."),
    _operator("%", remainders, "The remainder of integers or decimals, with the sign of the left side.", "mod"),
    Function(name="negative", signature=Takes((NUMBER_PARAMETER,), same()), doc="The number with the other sign."),
    _operator("=", _compared, "Whether both sides are equal; null when one is null.", "=="),
    _operator("!=", _compared, "Whether the sides differ; null when one is null.", "<>"),
    _operator("<", _compared, "Whether the left side is less; NaN is the largest number."),
    _operator("<=", _compared, "Whether the left side is less or equal."),
    _operator(">", _compared, "Whether the left side is greater; NaN is the largest number."),
    _operator(">=", _compared, "Whether the left side is greater or equal."),
    _operator("<=>", _identical, "Whether both sides are equal, null being equal to null."),
    Function(name="and", signature=_LOGIC, doc="Whether both are true."),
    Function(name="or", signature=_LOGIC, doc="Whether one is true."),
    Function(name="not", signature=Takes((BOOLEAN,), BooleanType()), doc="Whether it is false.", aliases=("!",)),
    Function(
        name="in",
        signature=Common(BooleanType(), least=2, accept=lambda kind: isinstance(kind, (NullType, *ATOMIC))),
        doc="Whether the first value is one of the others.",
    ),
)
