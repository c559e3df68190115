"""Partition columns of Delta tables and of `name=value` folders: which there can be, and what they hold."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import unquote

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import listed
from datacoolie.core.types import (
    INTEGRAL,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    IntegerType,
    LongType,
    Schema,
    StringType,
    TimestampNtzType,
    TimestampType,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NULL = "__HIVE_DEFAULT_PARTITION__"
"""The folder of rows whose partition value is null."""

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


def values_of_folders(path: str, root: str) -> dict[str, str | None]:
    """Return the values of the `name=value` folders between `root` and the file at `path`."""
    relative = path.replace("\\", "/").removeprefix(root.replace("\\", "/").rstrip("/"))
    parts = [part.partition("=") for part in relative.split("/")[:-1] if "=" in part]
    return {unquote(name): None if value == NULL else unquote(value) for name, _, value in parts}


def type_of_values(texts: Iterable[str | None]) -> DataType:
    """Return the type that all values of a column of folders have: int, bigint or date, else string."""
    values = [text for text in texts if text is not None]
    if values and all(re.fullmatch(r"0|-?[1-9]\d{0,17}", text) for text in values):
        return IntegerType() if all(-(2**31) <= int(text) < 2**31 for text in values) else LongType()
    if values and all(_is_date(text) for text in values):
        return DateType()
    return StringType()


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
