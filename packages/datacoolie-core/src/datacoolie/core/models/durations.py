"""Spans of time as a document writes them: `1s`, `15m`, `1h 30m`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WHOLE = re.compile(r"(?:\s*\d+(?:\.\d+)?\s*(?:ms|s|m|h|d|w)(?![a-z]))+\s*")
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")


def parse_duration(text: str) -> timedelta:
    """Read a span: numbers, each with a unit of ms, s, m, h, d or w.

    Raises:
        ValueError: `text` is no such span.
    """
    if text.strip() == "0":
        return timedelta()
    if not _WHOLE.fullmatch(text):
        message = "is not a duration; write numbers with units (ms, s, m, h, d, w), such as 15m or 1h 30m"
        raise ValueError(message)
    return sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in _PART.findall(text)), timedelta())
