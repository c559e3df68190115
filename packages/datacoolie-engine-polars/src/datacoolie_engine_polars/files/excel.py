"""Excel workbooks: the rows of one sheet of each file."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import polars as pl

from datacoolie.engines.reading import excel_reading
from datacoolie.engines.workbooks import WorkbookError, read_sheet
from datacoolie_engine_polars.files.readers import Reader, scan_each, typed_by_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ExcelReader(Reader):
    """Reads the first sheet, or the one that `sheet_name` names; each file as a whole when it is its turn.

    `datacoolie.engines.workbooks` says what cells mean. A column of no type is text.
    """

    format: ClassVar[str] = "excel"

    def configure(self, options: Mapping[str, object]) -> None:
        """Check the options.

        Raises:
            ConfigurationError: an option can't be honoured, or the library that reads workbooks is not installed.
        """
        self._reading = excel_reading(options, engine="polars")

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
        source = self.access.source(path)
        try:
            table = read_sheet(source if isinstance(source, str) else source.getvalue(), self._reading)
        except WorkbookError as error:
            message = f"excel: {error}"
            raise pl.exceptions.ComputeError(message) from error
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - so it is of a table
        return frame
