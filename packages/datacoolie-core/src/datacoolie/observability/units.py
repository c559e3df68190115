"""Numbers, times and marks as people read them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIZES = ("kB", "MB", "GB", "TB", "PB")


def count(number: int) -> str:
    """Return a number with separators of thousands: `1,234,567`."""
    return f"{number:,}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 file`, `1,200 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(number: int) -> str:
    """Return bytes in decimal units with three digits: `999 B`, `1.23 MB`, `45.6 GB`."""
    if number < 1000:  # noqa: PLR2004 - the step from one unit to the next
        return f"{number} B"
    value, unit = number / 1000, 0
    # 999.5 would be written as 1000 with three digits.
    while value >= 999.5 and unit < len(_SIZES) - 1:  # noqa: PLR2004
        value, unit = value / 1000, unit + 1
    return f"{_three_digits(value)} {_SIZES[unit]}"


def duration(seconds: float) -> str:
    """Return a time in at most two units: `3 ms`, `1.23 s`, `45.6 s`, `2m 05s`, `3h 07m`."""
    if seconds < 0.9995:  # noqa: PLR2004 - from here on it rounds to a second
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 59.95:  # noqa: PLR2004 - from here on it rounds to a minute
        return f"{_three_digits(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes}m {rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02}m"


def mark(values: Mapping[str, object]) -> str:
    """Return the values of a mark: of one column the value alone, of several `a=1, b=2`, of none `""`."""
    if len(values) == 1:
        return _mark_value(next(iter(values.values())))
    return ", ".join(f"{name}={_mark_value(value)}" for name, value in values.items())


def _mark_value(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, datetime):
        text = value.isoformat(sep=" ")
        return f"{text.removesuffix('+00:00')}Z" if text.endswith("+00:00") else text
    return str(value)


def _three_digits(value: float) -> str:
    """Write a number from 1 to 999 with three digits: `1.23`, `45.6`, `789`."""
    return next(text for digits in (2, 1, 0) if len(text := f"{value:.{digits}f}") <= 4)  # noqa: PLR2004 - and a point
