"""What is wrong with a text file that an engine could not read: which line, and why."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable


def json_lines_fault(lines: Iterable[str]) -> str | None:
    """Name a byte-order mark, or the first line that is not a JSON record; `None` where there is none."""
    for number, line in enumerate(lines, 1):
        if number == 1 and line.startswith("\ufeff"):
            return "the file begins with a byte-order mark; JSON has none. Save it as UTF-8 without one"
        if line.strip() and (fault := _json_fault(line)):
            return f"line {number} is not a JSON record: {fault}"
    return None


def _json_fault(line: str) -> str | None:
    try:
        record = json.loads(line, parse_constant=_refuse)
    except ValueError as error:
        return str(error)
    return None if isinstance(record, dict) else "a record is an object: {...}"


def _refuse(constant: str) -> None:
    message = f"{constant} is no number of JSON; write null"
    raise ValueError(message)


def csv_fault(lines: Iterable[str], *, separator: str, quote: str) -> str | None:
    """Name the first row with more fields than the header, or with a misplaced quote; `None` where there is none."""
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    rows = csv.reader(lines, delimiter=separator, quotechar=quote or '"', quoting=quoting, strict=True)
    expected = line = 0
    try:
        for row in rows:
            expected, line = expected or len(row), rows.line_num
            if len(row) > expected:
                return (
                    f"line {line} has {len(row)} fields, but the header has {expected}. Quote fields that contain "
                    f"{separator!r}, or set read_options.sep and quote as the file has them"
                )
    except csv.Error as error:
        return (
            f"the row in line {line + 1} has a quote in the wrong place ({error}). Double quotes that stand in quotes, "
            "or set read_options.quote as the file has it"
        )
    return None
