"""The function catalogue: every function and operator of the language, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.suggest import did_you_mean
from datacoolie.sql.errors import ExpressionError
from datacoolie.sql.functions.conditional import CONDITIONAL
from datacoolie.sql.functions.dates import DATES
from datacoolie.sql.functions.hashing import HASHING
from datacoolie.sql.functions.maths import MATHS
from datacoolie.sql.functions.operators import OPERATORS
from datacoolie.sql.functions.patterns import PATTERNS
from datacoolie.sql.functions.strings import STRINGS

if TYPE_CHECKING:
    from datacoolie.sql.errors import Position
    from datacoolie.sql.functions.model import Function

CATALOGUE: tuple[Function, ...] = (*OPERATORS, *CONDITIONAL, *MATHS, *STRINGS, *PATTERNS, *DATES, *HASHING)
"""All functions and operators, by theme."""

BY_NAME: dict[str, Function] = {name: function for function in CATALOGUE for name in (function.name, *function.aliases)}
"""Functions by their names and aliases, in lower case."""

CONVERSIONS = ("to_date", "to_timestamp", "to_timestamp_ntz", "try_to_timestamp", "try_to_date", "date_format")
"""Functions that `parse` reads as a `Cast`."""


def find(name: str, at: Position | None = None) -> Function:
    """Return the function called `name`, in any case.

    Raises:
        ExpressionError: there is none; names the closest.
    """
    function = BY_NAME.get(name.lower())
    if function is None:
        near = did_you_mean(name, [*BY_NAME, *CONVERSIONS, "cast", "try_cast"])
        message = f"Function {name!r} is not one of the portable functions.{near}"
        raise ExpressionError(message, at)
    return function


def check_arity(function: Function, given: int, at: Position | None = None) -> None:
    """Check the number of arguments.

    Raises:
        ExpressionError: it is too low or too high.
    """
    least, most = function.arity
    if given < least or (most is not None and given > most):
        asked = f"{least}" if least == most else f"at least {least}" if most is None else f"{least} to {most}"
        message = f"{function.name} takes {asked} argument{'' if asked == '1' else 's'}, not {given}: {function.usage}"
        raise ExpressionError(message, at)
