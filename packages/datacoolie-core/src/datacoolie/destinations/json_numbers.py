"""Numbers that JSON does not have: one engine would write null for them, another one text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.models import Format
from datacoolie.core.types import DoubleType, FloatType
from datacoolie.observability.units import counted
from datacoolie.sql import agg, call, col, lit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.types import Schema
    from datacoolie.engines import Observed
    from datacoolie.sql import Aggregate

_NUMBERS = "json.no_numbers."


def observations(format: Format, schema: Schema) -> dict[str, Aggregate]:  # noqa: A002 - the word users know
    """Return how many values of each column are NaN or infinity; nothing of formats that have these."""
    if format not in {Format.JSON, Format.JSONL}:
        return {}
    floats = [name for name, kind in schema.items() if isinstance(kind, (FloatType, DoubleType))]
    # NaN is the largest number.
    return {
        _NUMBERS + name: agg("count_if", call(">", call("abs", col(name)), lit(sys.float_info.max))) for name in floats
    }


def check(names: Mapping[str, Aggregate], observed: Observed, where: str) -> None:
    """Make sure that what was observed are numbers of JSON.

    Raises:
        DestinationError: a column has others.
    """
    for name in names:
        rows, column = cast("int", observed[name] or 0), name.removeprefix(_NUMBERS)
        if rows:
            message = (
                f"{where}: JSON has no NaN and no infinity, which column {column!r} holds in {counted(rows, 'row')}. "
                f"Make them null (case when abs({column}) < 1e308 then {column} end), or write parquet or avro"
            )
            raise DestinationError(message, {"column": column, "rows": rows}).classed(ErrorClass.DATA)
