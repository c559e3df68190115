"""Rows of Excel workbooks, which are the same for all engines; a workbook that would take all memory is not read."""

from __future__ import annotations

import logging
import re
import zipfile
import zlib
from functools import reduce
from io import BytesIO
from typing import IO, TYPE_CHECKING

from datacoolie.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    import pyarrow as pa
    from fastexcel import ExcelReader

    from datacoolie.engines.reading import ExcelReading

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
_BEYOND = 2.0**63
"""Whole numbers from here on are no integers of 8 bytes."""

_UNNAMED = re.compile(r"|__UNNAMED__\d+")


class WorkbookError(ValueError):
    """A workbook can't be read. The text says why, without its name."""


def read_sheet(source: str | bytes, reading: ExcelReading) -> pa.Table:
    """Return the rows of a sheet.

    A column's type is that of its cells: integers where all numbers are whole and 8 bytes hold them; dates are points
    in time, since a cell does not tell one from the other. A column of several types is text, one without a value has
    the type null. Cells with errors are null, rows without a value are left out, and columns without name and value
    too.

    Args:
        source: path of the file, or what is in it.
        reading: which sheet.

    Raises:
        WorkbookError: it can't be read, would take too much memory, or has no such sheet.
        OSError: there is no such file.
    """
    import fastexcel  # noqa: PLC0415 - an extra
    import pyarrow as pa  # noqa: PLC0415 - engines have it

    # It warns of each column that is empty, without saying of which file.
    logging.getLogger("fastexcel").setLevel(logging.ERROR)
    _check(source)
    try:
        workbook = fastexcel.read_excel(source)
        sheet = workbook.load_sheet_eager(
            _sheet_of(workbook, reading.sheet), header_row=0 if reading.header else None, schema_sample_rows=None
        )
    except fastexcel.FastExcelError as error:
        message = f"this is not a readable Excel file: {str(error).splitlines()[0]}"
        raise WorkbookError(message) from error
    table = _without_empty(pa.Table.from_batches([sheet]))
    names = table.column_names if reading.header else [f"_c{at}" for at in range(table.num_columns)]
    return pa.table([_refined(column) for column in table.columns], names=names)


def _sheet_of(workbook: ExcelReader, name: str | None) -> str:
    sheets = workbook.sheet_names
    if not sheets:
        message = "the workbook has no sheets"
        raise WorkbookError(message)
    if name is not None and name not in sheets:
        message = f"there is no sheet {name!r}. Sheets: {listed(sheets)}.{did_you_mean(name, sheets)}"
        raise WorkbookError(message)
    return sheets[0] if name is None else name


def _without_empty(table: pa.Table) -> pa.Table:
    import pyarrow.compute as pc  # noqa: PLC0415 - engines have it

    rows = table.num_rows
    table = table.drop_columns([
        name for name in table.column_names if _UNNAMED.fullmatch(name) and table[name].null_count == rows
    ])  # fmt: skip
    if not table.num_columns:
        return table
    return table.filter(reduce(pc.or_, (pc.is_valid(column) for column in table.columns)))


def _refined(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa  # noqa: PLC0415 - engines have it

    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column))])
    if pa.types.is_floating(column.type) and _are_integers(column):
        return column.cast(pa.int64())
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us"))
    return column


def _are_integers(numbers: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc  # noqa: PLC0415 - engines have it

    whole = pc.all(pc.equal(pc.floor(numbers), numbers)).as_py()
    return bool(whole and pc.max(pc.abs(numbers)).as_py() < _BEYOND)


def _check(source: str | bytes) -> None:
    """Make sure that reading a workbook will not take all memory; files of the older kind have few cells anyway.

    Raises:
        WorkbookError: it unpacks to too much, a stray cell makes a sheet enormous, or it is broken.
    """
    file = source if isinstance(source, str) else BytesIO(source)
    try:
        if not zipfile.is_zipfile(file):
            return
        with zipfile.ZipFile(file) as archive:
            if (size := sum(member.file_size for member in archive.infolist())) > MAX_BYTES:
                message = f"the workbook unpacks to {size:,} bytes; possible: {MAX_BYTES:,}"
                raise WorkbookError(message)
            for member in archive.infolist():
                # No member can be more than what it says: reading ends there, and looks at the checksum.
                with archive.open(member) as content:
                    _check_sheet(content, is_sheet=_SHEET.fullmatch(member.filename) is not None)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        message = f"this is not a readable Excel file: {error}"
        raise WorkbookError(message) from error


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
            f"a sheet has {cells:,} cells but reaches over {area:,}, for one stands far away from the others. "
            "Remove it in Excel: Ctrl+End goes there"
        )
        raise WorkbookError(message)


def _reach(numbers: set[int]) -> int:
    return max(numbers) - min(numbers) + 1 if numbers else 0


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
