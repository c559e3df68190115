"""Watermark columns of text that hold numbers: as text, 10 is below 9, and no row above 9 would ever be new."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from datacoolie.core.exceptions import ErrorClass, WatermarkError
from datacoolie.core.types import StringType
from datacoolie.sql import agg, call, case, col, lit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from datacoolie.core.types import Schema
    from datacoolie.engines import Observed
    from datacoolie.sql import Aggregate
    from datacoolie.state import Mark

_SHORT, _LONG = "watermark.fewest_digits.", "watermark.most_digits."


def observations(names: Mapping[str, str], schema: Schema) -> dict[str, Aggregate]:
    """Return how long the numbers are in columns of text, by watermark column; nothing of other columns."""
    found: dict[str, Aggregate] = {}
    for name, actual in names.items():
        if isinstance(schema[actual], StringType):
            digits = case((call("rlike", col(actual), lit("^[0-9]+$")), call("length", col(actual))))
            found |= {_SHORT + name: agg("min", digits), _LONG + name: agg("max", digits)}
    return found


def check(columns: Iterable[str], mark: Mark | None, observed: Observed, where: str) -> None:
    """Make sure that no column of text has numbers of different lengths.

    Raises:
        WatermarkError: one has, together with the mark.
    """
    for name in columns:
        before = mark.values.get(name) if mark else None
        lengths = [observed.get(_SHORT + name), observed.get(_LONG + name)]
        known = [cast("int", length) for length in lengths if length is not None]
        if known and isinstance(before, str) and before.isdecimal():
            known.append(len(before))
        if known and min(known) != max(known):
            message = (
                f"{where}: watermark column {name!r} is text and holds numbers of {min(known)} to {max(known)} digits. "
                "As text 10 is below 9, and rows would be passed over. Have it read as a number (of CSV files: "
                "read_options.inferSchema), or choose another column"
            )
            raise WatermarkError(message, {"column": name}).classed(ErrorClass.CONFIGURATION)
