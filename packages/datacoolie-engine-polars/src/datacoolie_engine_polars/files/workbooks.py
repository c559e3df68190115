"""How large a workbook is once it is read, found out before it is."""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import IO

import polars as pl

MAX_BYTES = 4_000_000_000
"""Bytes to which a workbook may unpack."""

MAX_CELLS = 20_000_000
"""Cells that a sheet may reach over when most of them are empty: the library reserves memory for each, 32 bytes."""

_SPARSE = 20
"""A sheet reaches over so many times the cells that it has when one of them stands far away from the others."""

_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_COLUMN = re.compile(rb'<(?:\w+:)?c\b[^>]*?\sr="([A-Z]+)')
_ROW = re.compile(rb'<(?:\w+:)?c\b[^>]*?\sr="[A-Z]+(\d+)')
_CHUNK = 1 << 20


def check_workbook(path: str) -> None:
    """Make sure that reading a workbook will not take all memory; files of the older kind have few cells anyway.

    Raises:
        polars.exceptions.ComputeError: it unpacks to too much, a stray cell makes a sheet enormous, or it is broken.
    """
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            if (size := sum(member.file_size for member in archive.infolist())) > MAX_BYTES:
                message = f"excel: the workbook unpacks to {size:,} bytes; possible: {MAX_BYTES:,}"
                raise pl.exceptions.ComputeError(message)
            for member in archive.infolist():
                # No member can be more than what it says: reading ends there, and looks at the checksum.
                with archive.open(member) as file:
                    _check_sheet(file, is_sheet=_SHEET.fullmatch(member.filename) is not None)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        message = f"excel: this is not a readable Excel file: {error}"
        raise pl.exceptions.ComputeError(message) from error


def _check_sheet(file: IO[bytes], *, is_sheet: bool) -> None:
    """Read a member to its end; of a sheet compare the cells that it has with those that it reaches over."""
    rows: set[int] = set()
    columns: set[int] = set()
    cells, rest = 0, b""
    while chunk := file.read(_CHUNK):
        if not is_sheet:
            continue
        text = rest + chunk
        end = text.rfind(b"<") if len(chunk) == _CHUNK else len(text)
        text, rest = text[:end], text[end:]
        letters = _COLUMN.findall(text)
        cells += len(letters)
        columns |= {_column(each) for each in set(letters)}
        rows |= {int(number) for number in set(_ROW.findall(text))}
    area = _reach(rows) * _reach(columns)
    if area > MAX_CELLS and area > _SPARSE * cells:
        message = (
            f"excel: a sheet has {cells:,} cells but reaches over {area:,}, for one stands far away from the others. "
            "Remove it in Excel: Ctrl+End goes there"
        )
        raise pl.exceptions.ComputeError(message)


def _reach(numbers: set[int]) -> int:
    return max(numbers) - min(numbers) + 1 if numbers else 0


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
