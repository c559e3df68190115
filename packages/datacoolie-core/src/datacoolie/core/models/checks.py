"""Small checks that several models share. They raise `ValueError` with a sentence that continues a field's path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel

from datacoolie.core.suggest import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

AnyModel = TypeVar("AnyModel", bound=BaseModel)


class NotPossibleError(ValueError):
    """A value is none of those that are possible.

    Attributes:
        message: what is wrong, continuing a field's path.
        possible: what could stand there.
        meant: what was written, when that is not the whole value.
    """

    def __init__(self, message: str, possible: Sequence[str], *, meant: str | None = None) -> None:
        """Keep the parts of the message."""
        super().__init__(f"{message}; possible: {listed(possible)}")
        self.message = message
        self.possible = tuple(possible)
        self.meant = meant


DATE_PARTS = ("year", "month", "day", "hour")
"""What may stand in braces in `date_folder_partitions`."""


def require(model: AnyModel, names: Sequence[str], reason: str) -> AnyModel:
    """Return `model` when all of the fields `names` have a value.

    Raises:
        ValueError: some have none; `reason` says what needs them.
    """
    if missing := [name for name in names if not getattr(model, name)]:
        message = f"{reason} needs {' and '.join(missing)}"
        raise ValueError(message)
    return model


def check_zone(name: str) -> str:
    """Return `name` when it is a time zone.

    Raises:
        ValueError: there is no such zone.
    """
    if name == "UTC":
        return name
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = "is not a time zone; write UTC or a name such as Europe/Berlin"
        raise ValueError(message) from error
    return name


def check_date_folders(text: str) -> None:
    """Make sure that `{...}` in `text` are parts of a date, from the largest on.

    Raises:
        ValueError: a part is unknown, or there is none.
    """
    parts = re.findall(r"\{([^}]*)\}", text)
    if not parts or any(part not in DATE_PARTS for part in parts):
        message = "must hold parts of a date in braces, such as {year}/{month}/{day}"
        raise NotPossibleError(message, DATE_PARTS)
    if parts != list(DATE_PARTS[: len(parts)]):
        message = "must begin with {year} and go on without a gap: {year}/{month}/{day}/{hour}"
        raise ValueError(message)
