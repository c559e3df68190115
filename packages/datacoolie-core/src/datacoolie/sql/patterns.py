"""Constants that steer a function: regular expressions, units, widths. Only what every engine reads alike passes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.sql.errors import ExpressionError
from datacoolie.sql.functions.patterns import REGEX_FUNCTIONS
from datacoolie.sql.nodes import Expr, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie.sql.errors import Position
    from datacoolie.sql.functions.model import Function

DATE_UNITS = {
    **dict.fromkeys(("year", "yyyy", "yy"), "year"),
    "quarter": "quarter",
    **dict.fromkeys(("month", "mon", "mm"), "month"),
    "week": "week",
}
"""Units of `trunc` by all their names."""

TIME_UNITS = {
    **DATE_UNITS,
    **dict.fromkeys(("day", "dd"), "day"),
    **{unit: unit for unit in ("hour", "minute", "second", "millisecond", "microsecond")},
}
"""Units of `date_trunc` by all their names."""

SHA2_BITS = (0, 224, 256, 384, 512)

_OUTSIDE = (
    (re.compile(r"\(\?<?[=!]"), "look-around is"),
    (re.compile(r"\(\?(?!:)"), "groups that begin with (? are"),
    (re.compile(r"\\[1-9k]"), "back-references are"),
    (
        re.compile(r"\\[A-Za-eg-mo-qsu-z0-9]"),
        r"escaped letters but \n \r \t \f are (for \d \w \s write [0-9] [A-Za-z0-9_] [ \t])",
    ),
    (re.compile(r"[*+?}]\+"), "possessive quantifiers are"),
    (re.compile(r"\[\^?\]|&&|--|~~|\[[^\]\\]*\["), "brackets inside of [ ] are"),
)
"""What Java's and Rust's regular expressions read differently, or one of them does not know."""


def check_regex(pattern: str, at: Position | None = None) -> None:
    """Check that a regular expression means the same on every engine.

    Raises:
        ExpressionError: it is not valid, or uses what engines differ in.
    """
    bare = re.sub(r"\\\\", "  ", pattern)
    for outside, what in _OUTSIDE:
        if found := outside.search(bare):
            message = f"The regular expression {pattern!r} has {found[0]!r}: {what} not portable between engines"
            raise ExpressionError(message, at)
    try:
        re.compile(pattern)
    except re.error as error:
        message = f"The regular expression {pattern!r} is not valid: {error}"
        raise ExpressionError(message, at) from error


def check_constants(function: Function, arguments: Sequence[Expr], at: Position | None = None) -> None:
    """Check the constants that steer a call.

    Raises:
        ExpressionError: one is not a constant, or none of the possible ones.
    """
    match function.name:
        case name if name in REGEX_FUNCTIONS:
            pattern = _text(function, arguments[1], at)
            check_regex(pattern, at)
            if name != "rlike":
                _check_matches(function, pattern, arguments, at)
        case "trunc":
            _check_unit(function, arguments[1], DATE_UNITS, at)
        case "date_trunc":
            _check_unit(function, arguments[0], TIME_UNITS, at)
        case "sha2":
            _check_bits(arguments[1], at)
        case _:
            pass


def _check_matches(function: Function, pattern: str, arguments: Sequence[Expr], at: Position | None) -> None:
    """Check what matters where matches are used, not just looked for."""
    message = ""
    if re.search(pattern, "") or (function.name != "regexp_extract" and re.fullmatch(pattern, "")):
        message = "it fits the empty text, of which engines find different numbers"
    elif re.search(
        r"(?<!\\)\$(?=.)|(?<!\\)\$\Z" if function.name == "split" else r"(?<!\\)\$(?=.)", _outside_sets(pattern)
    ):
        message = "it has a '$' that is not at its end" if function.name != "split" else "it has a '$'"
    elif function.name == "regexp_extract":
        group = getattr(arguments[2], "value", None) if len(arguments) > 2 else 1  # noqa: PLR2004 - text, pattern, group
        count = re.compile(pattern).groups
        if isinstance(group, int) and not 0 <= group <= count:
            message = f"it has {count} groups, there is no group {group}"
    if message:
        message = f"{function.name} can't use the regular expression {pattern!r}: {message}"
        raise ExpressionError(message, at)


def _outside_sets(pattern: str) -> str:
    return re.sub(r"\[\^?\]?(?:\\.|[^\]\\])*\]", "x", pattern)


def _text(function: Function, argument: Expr, at: Position | None) -> str:
    if not isinstance(argument, Literal) or not isinstance(argument.value, str):
        message = f"{argument} must be a constant text: {function.usage}"
        raise ExpressionError(message, at)
    return argument.value


def _check_unit(function: Function, argument: Expr, units: dict[str, str], at: Position | None) -> None:
    unit = _text(function, argument, at)
    if unit.lower() not in units:
        near = did_you_mean(unit, units)
        message = f"{unit!r} is not a unit of {function.name}; possible: {listed(dict.fromkeys(units.values()))}.{near}"
        raise ExpressionError(message, at)


def _check_bits(argument: Expr, at: Position | None) -> None:
    if not isinstance(argument, Literal) or argument.value not in SHA2_BITS:
        message = f"sha2 makes {listed(map(str, SHA2_BITS))} bits (0 is 256), not {argument}"
        raise ExpressionError(message, at)
