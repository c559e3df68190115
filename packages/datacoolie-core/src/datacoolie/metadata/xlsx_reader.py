"""Excel workbooks as documents: one sheet a section, one row an entry or a hint."""

from __future__ import annotations

import warnings
import zlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from datacoolie.metadata.json_reader import read_json
from datacoolie.metadata.positions import Place, cell_name
from datacoolie.metadata.text import Parsed, Slip, UnreadableError
from datacoolie.metadata.xlsx_columns import columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from openpyxl.cell import Cell, MergedCell
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

    from datacoolie.metadata.positions import Path

MAX_BYTES = 50_000_000
"""Bytes to which a workbook may unpack: documents are far smaller, and a small file may unpack to any size."""

_MAX_ROWS = 1 << 20

_BROKEN = (
    BadZipFile, zlib.error, ParseError, EOFError, OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError,
    AttributeError,
)  # fmt: skip
"""What openpyxl raises when a file is no workbook: it does not check what it reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """A cell that is not empty."""

    row: int
    column: int
    value: object

    @property
    def position(self) -> tuple[int, int]:
        return self.row, self.column


def read_xlsx(content: bytes) -> Parsed:
    """Read a workbook.

    Sheets are sections, the first row of each names fields. Columns `source_*`, `destination_*`, `transform_*` and
    `configure_*` are fields inside of these; a text that is a JSON object or array is that. Empty cells are absent,
    dates are text in ISO form. Rows of hints of one table become one entry.

    Raises:
        UnreadableError: the content is no workbook, unpacks to too much, or openpyxl is not installed.
    """
    try:
        import openpyxl  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = "reading it needs openpyxl: pip install 'datacoolie-core[excel]'"
        raise UnreadableError(message) from error
    try:
        _check_size(content)
        with warnings.catch_warnings(action="ignore"):  # of what openpyxl leaves out: styles, validation, charts
            values = openpyxl.load_workbook(BytesIO(content), read_only=True, data_only=True)
            formulas = openpyxl.load_workbook(BytesIO(content), read_only=True)
            sheets = list(_sheets(values, formulas))
    except _BROKEN as error:
        message = f"this is no Excel workbook, or one with a password: {error}"
        raise UnreadableError(message) from error
    return _parsed(sheets)


def _check_size(content: bytes) -> None:
    """Refuse what unpacks to too much. No member can be more than what it says, for reading ends there."""
    with ZipFile(BytesIO(content)) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MAX_BYTES:
        message = f"the workbook unpacks to {size:,} bytes; possible: {MAX_BYTES:,}"
        raise UnreadableError(message)


def _sheets(values: Workbook, formulas: Workbook) -> Iterator[_Sheet]:
    for sheet, written in zip(values.worksheets, formulas.worksheets, strict=True):
        reader = _Sheet(sheet.title)
        reader.read(sheet, written)
        yield reader


def _parsed(sheets: Sequence[_Sheet]) -> Parsed:
    """Return all sheets as one document. A sheet without a cell says nothing, whatever it is called."""
    place = Place(start=(1, 1), sheet=sheets[0].title if sheets else None)
    data: dict[str, object] = {}
    for sheet in sheets:
        if sheet.names or sheet.columns is not None:
            data[sheet.title] = sheet.entries
            place.children[sheet.title] = (1, 1), sheet.place
    slips = tuple(slip for sheet in sheets for slip in sheet.slips)
    return Parsed(data=data or None, places=lambda: place, slips=slips, has_variables=True)


class _Sheet:
    """Turns the rows of one sheet into entries, and remembers in which cell everything stands."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.names: dict[int, str] = {}
        self.slips: list[Slip] = []
        self.entries: list[dict[str, object]] = []
        self.place = Place(start=(1, 1), sheet=title)
        self.columns = columns_of(title)
        self._tables: dict[str, int] = {}

    def read(self, sheet: ReadOnlyWorksheet, written: ReadOnlyWorksheet) -> None:
        """Read the cells; `written` is the same sheet, with formulas in the place of what they gave."""
        sheet.reset_dimensions()
        written.reset_dimensions()
        rows = zip(sheet.rows, written.rows, strict=True)
        for number, (cells, formulas) in enumerate(islice(rows, _MAX_ROWS), 1):
            found = list(self._cells(number, cells, formulas))
            if found and not self.names:
                self._read_names(found)
            elif found and self.columns is not None:
                self._read_entry(found)

    def _cells(
        self, row: int, cells: Sequence[Cell | MergedCell], written: Sequence[Cell | MergedCell]
    ) -> Iterator[_Cell]:
        for column, (cell, formula) in enumerate(zip(cells, written, strict=True), 1):
            value = cell.value
            if value is None and formula.data_type == "f":
                self._slip(row, column, "holds a formula without its value; open it in Excel and save it there")
            elif cell.data_type == "e":
                self._slip(row, column, f"holds the error {value}")
            elif isinstance(value, timedelta):
                self._slip(row, column, "holds a span of time; write it as text, such as 1h 30m")
            elif value is not None and (not isinstance(value, str) or value.strip()):
                yield _Cell(row=row, column=column, value=self._value(row, column, value))

    def _value(self, row: int, column: int, value: object) -> object:
        """Return what a document would hold in the place of a cell."""
        match value:
            case datetime():
                return (value.date() if value.time() == time.min else value).isoformat()
            case date() | time():
                return value.isoformat()
            case float():
                return int(value) if value.is_integer() else value
            case str() if value.lstrip()[:1] in ("{", "["):
                return self._json(row, column, value)
            case _:
                return value

    def _json(self, row: int, column: int, text: str) -> object:
        try:
            parsed = read_json(text)
        except UnreadableError:
            return text  # the field says what is wrong with it, where it does not take it as it is
        for slip in parsed.slips:
            self._slip(row, column, slip.message)
        return parsed.data

    def _read_names(self, cells: Sequence[_Cell]) -> None:
        """Read the row of the columns' names."""
        for cell in cells:
            name = str(cell.value).strip()
            if taken := name in self.names.values():
                self._slip(cell.row, cell.column, f"a column is called {name!r} already")
            elif self.columns is not None and self.columns.path(name) is None:
                self._slip(cell.row, cell.column, f"{name!r} is no column of {self.title}.{self.columns.near(name)}")
            self.names[cell.column] = "" if taken else name

    def _read_entry(self, cells: Sequence[_Cell]) -> None:
        entry: dict[str, object] = {}
        place = Place(start=cells[0].position, sheet=self.title)
        for path, cell in sorted(self._placed(cells), key=lambda each: len(each[0])):
            self._put(entry, place, path, cell)
        hint = entry.pop("hints", None)
        if hint is None:
            self._add(entry, place)
        else:
            self._add_hint(entry, hint, place)

    def _placed(self, cells: Sequence[_Cell]) -> Iterator[tuple[Path, _Cell]]:
        """Yield what a row holds by its field; columns of no known name were found before."""
        for cell in cells:
            if cell.column not in self.names:
                self._slip(cell.row, cell.column, "stands in a column without a name")
            elif self.columns and (path := self.columns.path(self.names[cell.column])):
                yield path, cell

    def _put(self, entry: dict[str, object], place: Place, path: Path, cell: _Cell) -> None:
        holder: object = entry
        for part in path[:-1]:
            holder = holder.setdefault(str(part), {}) if isinstance(holder, dict) else None
            place = place.children.setdefault(part, (cell.position, Place(start=cell.position, sheet=self.title)))[1]
        if not isinstance(holder, dict):
            beside = cell_name(*place.start)
            self._slip(cell.row, cell.column, f"belongs into {beside}, which is no JSON object")
        elif path[-1] in holder:
            self._slip(cell.row, cell.column, f"is said in {cell_name(*place.start)} already")
        else:
            holder[str(path[-1])] = cell.value
            place.children[path[-1]] = cell.position, Place(start=cell.position, sheet=self.title)

    def _add(self, entry: dict[str, object], place: Place) -> None:
        self.place.children[len(self.entries)] = place.start, place
        self.entries.append(entry)

    def _add_hint(self, table: dict[str, object], hint: object, place: Place) -> None:
        """Put a hint beside those of the same table."""
        at = self._tables.setdefault(repr(sorted(table.items())), len(self.entries))
        key, of_hint = place.children.pop("hints")
        if at == len(self.entries):
            hints: list[object] = []
            self._add({**table, "hints": hints}, place)
            place.children["hints"] = key, Place(start=key, sheet=self.title)
        else:
            hints = self.entries[at]["hints"]  # type: ignore[assignment] # set above
        of_all = self.place.children[at][1].children["hints"][1]
        of_all.children[len(hints)] = key, of_hint
        hints.append(hint)

    def _slip(self, row: int, column: int, message: str) -> None:
        self.slips.append(Slip(position=(row, column), sheet=self.title, message=message))
