"""Functions of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.types import (
    DataType,
    DecimalType,
    DoubleType,
    LongType,
)
from datacoolie.sql.coercion import MAX_PRECISION
from datacoolie.sql.functions.model import DOUBLE, NUMBER, Argument, Function, Resolved, Rule, Takes, same
from datacoolie.sql.functions.operators import remainders

if TYPE_CHECKING:
    from collections.abc import Sequence


def _whole(kinds: Sequence[DataType]) -> DataType:
    """Return the type of a number without fraction."""
    kind = kinds[0]
    if isinstance(kind, DecimalType):
        return DecimalType(min(kind.precision - kind.scale + 1, MAX_PRECISION), 0)
    return LongType()


def _rounded(arguments: Sequence[Argument]) -> Resolved | None:
    """Return the type of a rounded number; a decimal keeps at most the digits that it is rounded to."""
    kind = NUMBER.accept(arguments[0].type)
    digits = arguments[1].integer if len(arguments) > 1 else 0
    if kind is None or digits is None:
        return None
    kinds = (kind, *(argument.type for argument in arguments[1:]))
    return Resolved(arguments=kinds, result=_rounded_decimal(kind, digits) if isinstance(kind, DecimalType) else kind)


def _rounded_decimal(kind: DecimalType, digits: int) -> DecimalType:
    whole = kind.precision - kind.scale + 1
    if digits < 0:
        return DecimalType(min(max(whole, 1 - digits), MAX_PRECISION), 0)
    scale = min(kind.scale, digits)
    return DecimalType(min(whole + scale, MAX_PRECISION), scale)


def _of_double(name: str, doc: str, *aliases: str) -> Function:
    return Function(name=name, signature=Takes((DOUBLE,), DoubleType()), doc=doc, aliases=aliases)


MATHS: tuple[Function, ...] = (
    Function(name="abs", signature=Takes((NUMBER,), same()), doc="The number without its sign."),
    Function(name="ceil", signature=Takes((NUMBER,), _whole), doc="The next whole number up.", aliases=("ceiling",)),
    Function(name="floor", signature=Takes((NUMBER,), _whole), doc="The next whole number down."),
    Function(
        name="round",
        signature=Rule(("number", "constant digits"), _rounded, optional=1),
        doc="The number rounded to digits after the point (0), halves away from zero; negative digits are before it.",
    ),
    Function(
        name="bround",
        signature=Rule(("number", "constant digits"), _rounded, optional=1),
        doc="The number rounded to digits after the point (0), halves to the even neighbour.",
    ),
    _of_double("sign", "-1, 0 or 1, as double.", "signum"),
    _of_double("sqrt", "The square root; NaN for negative numbers."),
    _of_double("exp", "e to the power of the number."),
    _of_double("ln", "The natural logarithm; null for numbers up to 0."),
    _of_double("log10", "The logarithm to base 10; null for numbers up to 0."),
    _of_double("log2", "The logarithm to base 2; null for numbers up to 0."),
    Function(
        name="power",
        signature=Takes((DOUBLE("base"), DOUBLE("exponent")), DoubleType()),
        doc="The base to the power of the exponent.",
        aliases=("pow",),
    ),
    Function(
        name="pmod",
        signature=Rule(("number", "divisor"), remainders),
        doc="The remainder of integers or decimals, never negative for a positive divisor.",
    ),
)
