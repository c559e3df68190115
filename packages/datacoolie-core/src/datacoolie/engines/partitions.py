"""Partition columns of Delta tables and folders: which there can be, and which a table has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import listed
from datacoolie.core.types import (
    INTEGRAL,
    BooleanType,
    DateType,
    DecimalType,
    Schema,
    StringType,
    TimestampNtzType,
    TimestampType,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_POSSIBLE = (StringType, BooleanType, DateType, TimestampType, TimestampNtzType, DecimalType, *INTEGRAL)


def check_keys(schema: Schema, names: Sequence[str], where: str) -> None:
    """Make sure that a frame can be partitioned by these columns.

    Raises:
        DestinationError: a column is missing, has a type without a text, or no column is left for the files.
    """
    for name in names:
        if name not in schema:
            message = f"{where}: there is no partition column {name!r}. Columns: {listed(schema)}"
            raise DestinationError(message, {"column": name})
        if not isinstance(schema[name], _POSSIBLE):
            message = (
                f"{where}: can't partition by {name!r}, which is {schema[name]}; possible are text, whole numbers, "
                "decimals, booleans, dates and timestamps"
            )
            raise DestinationError(message, {"column": name})
    if names and len(set(names)) == len(schema):
        message = (
            f"{where}: all columns are partition columns ({listed(names)}); at least one has to be left for the files"
        )
        raise DestinationError(message)


def check_asked(asked: Sequence[str], actual: Sequence[str], where: str) -> None:
    """Make sure that a Delta table is partitioned as was asked for, if anything was.

    Raises:
        DestinationError: it is not.
    """
    if asked and tuple(actual) != tuple(asked):
        message = (
            f"{where}: the table is partitioned by {listed(actual)}, not by {listed(asked)}. "
            "Ask for the table's partition columns, or load into a new table"
        )
        raise DestinationError(message, {"path": where}).classed(ErrorClass.CONFIGURATION)
