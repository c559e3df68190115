"""Excel workbooks: the rows of one sheet of each file."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

import polars as pl

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.engines.reading import excel_reading
from datacoolie_engine_polars import failures
from datacoolie_engine_polars.files.readers import Reader, scan_each, typed_by_all
from datacoolie_engine_polars.files.workbooks import check_workbook
from datacoolie_engine_polars.options import parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from io import BytesIO

_RESERVED = frozenset({
    "sheet_id", "sheet_name", "table_name", "engine", "columns", "schema_overrides", "infer_schema_length",
    "has_header", "include_file_paths", "drop_empty_rows", "drop_empty_cols", "raise_if_empty",
})  # fmt: skip


class ExcelReader(Reader):
    """Reads the first sheet, or the one that `sheet_name` names; each file as a whole when it is its turn.

    A column's type is that of its cells. Dates are timestamps: a cell does not tell one from the other. Empty rows and
    cells with errors are null. A column of several types, or of none, is text.
    """

    format: ClassVar[str] = "excel"

    def configure(self, options: Mapping[str, object]) -> None:
        """Check the options.

        Raises:
            ConfigurationError: an option can't be honoured, or the library that reads workbooks is not installed.
        """
        found = excel_reading(options, parameters(pl.read_excel, _RESERVED))
        self._sheet, self._header, self._native = found.sheet, found.header, found.native
        if find_spec("fastexcel") is None:
            message = "Reading Excel files needs fastexcel: pip install 'datacoolie-engine-polars[excel]'"
            raise ConfigurationError(message)
        # It warns of each column that is empty, without saying of which file.
        logging.getLogger("fastexcel").setLevel(logging.ERROR)

    def schema(self, path: str) -> pl.Schema:
        """Return the columns of the sheet; no columns when it is empty."""
        return self._read(path).schema

    def types(self, schema: pl.Schema, merged: pl.Schema) -> pl.Schema:
        """Read values as the types of all files at once."""
        return typed_by_all(schema, merged)

    def scan(self, paths: Sequence[str], schema: pl.Schema, *, with_path: bool) -> pl.LazyFrame:
        """Read the files one after another while the pass runs."""
        if not schema:
            return pl.LazyFrame()
        return scan_each(paths, schema, lambda path: iter([self._read(path).cast(schema)]), with_path=with_path)

    def explain(self, path: str, error: BaseException) -> str:
        """Leave out what the error begins with."""
        return super().explain(path, error).removeprefix("excel: ")

    def _read(self, path: str) -> pl.DataFrame:
        """Return the rows of a file; a column without a value has the type null.

        Raises:
            polars.exceptions.ComputeError: it can't be read, or has no such sheet.
        """
        from fastexcel import FastExcelError  # noqa: PLC0415 - an extra

        check_workbook(path)
        try:
            frame: pl.DataFrame = pl.read_excel(
                self.access.source(path),
                sheet_name=self._sheet,
                has_header=self._header,
                infer_schema_length=None,
                raise_if_empty=False,
                **self._native,  # type: ignore[call-overload] # checked against the signature by Options
            )
        except FastExcelError as error:
            message = f"excel: this is not a readable Excel file: {failures.first_line(error)}"
            raise pl.exceptions.ComputeError(message) from error
        except (ValueError, IndexError) as error:  # no such sheet, or none at all
            raise self._without_sheet(path, error) from error
        times = {
            name: pl.Datetime("us") for name, kind in frame.schema.items() if isinstance(kind, pl.Date | pl.Datetime)
        }
        nothing = {name: pl.Null() for name in frame.columns if frame[name].null_count() == frame.height}
        frame = frame.cast(pl.Schema({**times, **nothing}))
        return frame if self._header else frame.rename({name: f"_c{at}" for at, name in enumerate(frame.columns)})

    def _without_sheet(self, path: str, error: Exception) -> pl.exceptions.ComputeError:
        from fastexcel import read_excel  # noqa: PLC0415 - an extra

        sheets = read_excel(_plain(self.access.source(path))).sheet_names
        if not sheets:
            return pl.exceptions.ComputeError("excel: the workbook has no sheets")
        if self._sheet is None or self._sheet in sheets:
            return pl.exceptions.ComputeError(f"excel: {failures.first_line(error)}")
        near = did_you_mean(self._sheet, sheets)
        return pl.exceptions.ComputeError(f"excel: there is no sheet {self._sheet!r}. Sheets: {listed(sheets)}.{near}")


def _plain(source: str | BytesIO) -> str | bytes:
    """Return what fastexcel takes for a file."""
    return source if isinstance(source, str) else source.read()
