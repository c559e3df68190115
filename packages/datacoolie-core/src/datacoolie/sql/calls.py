"""Calls as they are written become nodes: names are looked up, conversions become casts, constants are checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.types import DateType, StringType, TimestampNtzType, TimestampType, parse_type
from datacoolie.sql.analysis import bind
from datacoolie.sql.datetimes import parse_pattern
from datacoolie.sql.errors import ExpressionError
from datacoolie.sql.functions import check_arity, find
from datacoolie.sql.nodes import Call, Cast, Expr, Literal
from datacoolie.sql.patterns import check_constants

if TYPE_CHECKING:
    from datacoolie.core.types import DataType
from datacoolie.sql.errors import Position

_CONVERSIONS: dict[str, DataType] = {
    "to_date": DateType(),
    "to_timestamp": TimestampType(),
    "to_timestamp_ntz": TimestampNtzType(),
    "date_format": StringType(),
}
_TYPE_FUNCTIONS = frozenset(
    {
        "boolean",
        "tinyint",
        "smallint",
        "int",
        "bigint",
        "float",
        "double",
        "decimal",
        "string",
        "binary",
        "date",
        "timestamp",
    }
)
_MOVING = frozenset(
    {
        "current_date",
        "current_timestamp",
        "now",
        "curdate",
        "localtimestamp",
        "rand",
        "random",
        "randn",
        "uuid",
        "monotonically_increasing_id",
        "spark_partition_id",
        "input_file_name",
        "current_user",
        "user",
        "shuffle",
    }
)
_AGGREGATES = frozenset(
    {
        "count",
        "sum",
        "avg",
        "mean",
        "min",
        "max",
        "count_if",
        "first",
        "last",
        "any_value",
        "collect_list",
        "collect_set",
        "stddev",
        "variance",
        "median",
        "mode",
        "approx_count_distinct",
        "bool_and",
        "bool_or",
        "every",
        "some",
        "any",
        "percentile",
        "max_by",
        "min_by",
        "row_number",
        "rank",
        "dense_rank",
        "lag",
        "lead",
        "ntile",
    }
)


def make_call(name: str, arguments: tuple[Expr, ...], at: Position) -> Expr:
    """Return the node for a call of `name` (in lower case).

    Raises:
        ExpressionError: there is no such function, or the number or the constants of its arguments don't fit.
    """
    if name in _AGGREGATES:
        message = f"Aggregates and window functions are not supported yet ({name!r})"
        raise ExpressionError(message, at)
    if name in _MOVING:
        message = f"{name!r} gives another value each time, so that a load could not be repeated; it is not supported"
        raise ExpressionError(message, at)
    node = _conversion(name, arguments, at) or _function(name, arguments, at)
    if not node.columns:
        # Without columns all types are known now: report faults with the text at hand.
        bind(node, {})
    return node


def _function(name: str, arguments: tuple[Expr, ...], at: Position) -> Call:
    if name == "log":
        name = "ln" if len(arguments) == 1 else name
    function = find(name, at)
    check_arity(function, len(arguments), at)
    check_constants(function, arguments, at)
    return Call(function.name, arguments, at)


def _conversion(name: str, arguments: tuple[Expr, ...], at: Position) -> Cast | None:
    """Return the cast that a function stands for, if it does."""
    if name in _TYPE_FUNCTIONS and len(arguments) == 1:
        return Cast(arguments[0], parse_type(name), at=at)
    target = _CONVERSIONS.get(name.removeprefix("try_"))
    if target is None or (name.startswith("try_") and name == "try_date_format"):
        return None
    least = 2 if name == "date_format" else 1
    if not least <= len(arguments) <= 2:  # noqa: PLR2004 - the value and the pattern
        asked = "2 arguments" if least > 1 else "1 or 2 arguments"
        message = f"{name} takes {asked}, not {len(arguments)}"
        raise ExpressionError(message, at)
    pattern = _pattern(name, arguments[1], at) if len(arguments) > 1 else None
    if pattern is not None:
        parse_pattern(pattern, reading=name != "date_format", at=at)
    return Cast(arguments[0], target, name.startswith("try_"), pattern, at)


def _pattern(name: str, argument: Expr, at: Position) -> str:
    if not isinstance(argument, Literal) or not isinstance(argument.value, str):
        message = f"The pattern of {name} must be a constant text"
        raise ExpressionError(message, at)
    return argument.value
