"""Functions about null, and choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.types import BooleanType, NullType, StringType
from datacoolie.sql.coercion import ATOMIC, wider
from datacoolie.sql.functions.model import ANY, BOOLEAN, NUMBER, Argument, Common, Function, Resolved, Rule, Takes

if TYPE_CHECKING:
    from collections.abc import Sequence


def _null_if(arguments: Sequence[Argument]) -> Resolved | None:
    left, right = arguments
    if not isinstance(wider(left.type, right.type), (NullType, *ATOMIC)):
        return None
    return Resolved(arguments=(left.type, right.type), result=left.type)


def _extreme(arguments: Sequence[Argument]) -> Resolved | None:
    """Bring all to one type; unlike elsewhere, text doesn't become the type of the others."""
    texts = [isinstance(argument.type, StringType) for argument in arguments if not isinstance(argument.type, NullType)]
    if any(texts) and not all(texts):
        return None
    return Common(least=2, accept=lambda kind: isinstance(kind, (NullType, *ATOMIC))).resolve(arguments)


CONDITIONAL: tuple[Function, ...] = (
    Function(name="coalesce", signature=Common(), doc="The first value that is not null."),
    Function(
        name="nvl",
        signature=Common(least=2, most=2),
        doc="The first value, or the second where the first is null.",
        aliases=("ifnull",),
    ),
    Function(
        name="nvl2",
        signature=Common(leading=(ANY,), least=3, most=3),
        doc="The second value where the first is not null, else the third.",
    ),
    Function(
        name="nullif", signature=Rule(("value", "other"), _null_if), doc="Null where both are equal, else the first."
    ),
    Function(
        name="if",
        signature=Common(leading=(BOOLEAN,), least=3, most=3),
        doc="The second value where the condition is true, else the third.",
    ),
    Function(name="isnull", signature=Takes((ANY,), BooleanType()), doc="Whether it is null."),
    Function(name="isnotnull", signature=Takes((ANY,), BooleanType()), doc="Whether it is not null."),
    Function(name="isnan", signature=Takes((NUMBER,), BooleanType()), doc="Whether it is NaN; false for null."),
    Function(
        name="greatest",
        signature=Rule(("value", "value"), _extreme, repeated=True),
        doc="The largest value, leaving out nulls; NaN is the largest number.",
    ),
    Function(
        name="least",
        signature=Rule(("value", "value"), _extreme, repeated=True),
        doc="The smallest value, leaving out nulls.",
    ),
)
