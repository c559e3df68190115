"""CSV files, under the names and defaults of Spark's options except `header`, which is true."""

from __future__ import annotations

import csv
import zlib
from io import StringIO
from typing import TYPE_CHECKING, ClassVar, Literal

from datacoolie.core.exceptions import SourceError
from datacoolie.core.models.enums import Format
from datacoolie.core.models.options import READ_OPTIONS
from datacoolie.core.types import StringType
from datacoolie.engines.diagnosis import csv_fault
from datacoolie.engines.reading import CsvReading, csv_reading, header_names
from datacoolie_engine_spark.columns import quoted
from datacoolie_engine_spark.faults import raised
from datacoolie_engine_spark.files.inference import inferred, typed
from datacoolie_engine_spark.files.paths import listed_path, text
from datacoolie_engine_spark.files.readers import Reader, grouped, native
from datacoolie_engine_spark.files.texts import beginning_of, bytes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.sql import DataFrame

    from datacoolie.core.types import Schema
    from datacoolie.platforms import FileInfo

_OWN = ("maxColumns", "maxCharsPerColumn", "unescapedQuoteHandling")
_HEADER = 1 << 16
"""Bytes that mostly hold the header."""

_BROKEN = "__datacoolie_broken"
"""The column in which Spark keeps rows that have not as many fields as there are columns."""

_NO_NULL = "\u0001null"
"""A text that no file has: by default Spark takes empty text in quotes for null."""

_NOT_TEXT = "\ufffd"
"""What Spark reads in place of bytes that are no UTF-8."""


class CsvReader(Reader):
    """Reads CSV, compressed or not. Without `inferSchema` every column is text.

    A row with more fields than the header is an error; one with fewer has nulls at its end. A row without any value,
    such as a blank line, is none.
    """

    format: ClassVar[str] = "csv"
    spark_format: ClassVar[str] = "csv"

    def configure(self, given: Mapping[str, object]) -> None:
        """Translate options: nothing may depend on what Spark guesses."""
        found = self._reading = csv_reading(given, native(set(_OWN) & READ_OPTIONS[Format.CSV]))
        self.options = {
            "header": found.header,
            "sep": found.separator,
            "quote": found.quote,
            "escape": found.quote,
            "multiLine": found.multi_line,
            "mode": "PERMISSIVE",
            "columnNameOfCorruptRecord": _BROKEN,
            # Rows are only compared with the columns when all of them are read.
            "columnPruning": False,
            **({"comment": found.comment} if found.comment else {}),
            **({"lineSep": found.line_end} if found.line_end != "\n" else {}),
            "nullValue": found.null or _NO_NULL,
            **found.native,
        }

    def groups(self, files: Sequence[FileInfo]) -> list[tuple[Schema, list[FileInfo]]]:
        """Look at the header of each file, and where it is wanted at the values of some rows."""
        if not self._reading.infer:
            return grouped((dict.fromkeys(self._names(file), StringType()), file) for file in files)
        return grouped((self._inferred(file), file) for file in files)

    def explain(self, path: str) -> str | None:
        """Find the bytes that are no UTF-8, or the row with too many fields."""
        data = bytes_of(self.request.storage.platform, path)
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            return f"the byte {data[error.start]:#04x} at {error.start:,} is no UTF-8; save the file as UTF-8"
        reading = self._reading
        return csv_fault(StringIO(text, newline=""), separator=reading.separator, quote=reading.quote)

    def read(self, files: Sequence[FileInfo], schema: Schema) -> DataFrame:
        """Return the rows of files that have these columns, and then what `Reader.read` adds."""
        if not schema:
            return super().read(files, schema)
        rows = self._texts(files, list(schema))
        path = listed_path(self.request.root)
        checked = rows.filter(f"CASE WHEN {self._is_wrong(list(schema))} THEN {raised(path, self._fault(len(schema)))} "
                              "ELSE true END")  # fmt: skip
        some = checked.filter(f"coalesce({', '.join(map(quoted, schema))}) IS NOT NULL")
        return some.selectExpr(*typed(schema, path), *self.file_columns())

    def _texts(self, files: Sequence[FileInfo], names: Sequence[str]) -> DataFrame:
        return self.loaded(files, dict.fromkeys([*names, _BROKEN], StringType()))

    def _inferred(self, file: FileInfo) -> Schema:
        names = self._names(file)
        if not names:
            return {}
        rows = self._texts([file], names)
        return inferred(rows if self._reading.sample is None else rows.limit(self._reading.sample), names)

    def _is_wrong(self, names: Sequence[str]) -> str:
        """Return the SQL of whether a row has too many fields, or is no UTF-8; fewer fields are fine."""
        pattern = self._quoted_field()
        unquoted = f"regexp_replace({_BROKEN}, {text(pattern)}, '')" if pattern else _BROKEN
        separators = f"length({unquoted}) - length(replace({unquoted}, {text(self._reading.separator)}, ''))"
        garbled = " OR ".join(f"contains({quoted(name)}, {text(_NOT_TEXT)})" for name in names)
        return f"({_BROKEN} IS NOT NULL AND {separators} >= {len(names)}) OR {garbled}"

    def _quoted_field(self) -> str:
        """Return the regular expression of what stands in quotes."""
        if not self._reading.quote:
            return ""
        quote = f"\\x{ord(self._reading.quote):02x}"
        return f"{quote}[^{quote}]*{quote}"

    def _fault(self, columns: int) -> str:
        """Return the SQL of what is wrong with a row."""
        separator = self._reading.separator
        many = text(
            f" has more fields than the header, which has {columns}. Quote fields that contain {separator!r}, or set "
            "read_options.sep and quote as the file has them"
        )
        return (
            f"CASE WHEN {_BROKEN} IS NULL OR contains({_BROKEN}, {text(_NOT_TEXT)}) "
            f"THEN 'a row has bytes that are no UTF-8; save the file as UTF-8' "
            f"ELSE concat('the row ', substring({_BROKEN}, 1, 100), {many}) END"
        )

    def _names(self, file: FileInfo) -> list[str]:
        """Return the columns of a file; none when it is empty."""
        size = _HEADER
        while True:
            fields = self._first_row(file, size)
            if fields is not None:
                return header_names(fields) if self._reading.header else [f"_c{at}" for at in range(len(fields))]
            size *= 8

    def _first_row(self, file: FileInfo, size: int) -> list[str] | None:
        """Return the fields of the first row, or `None` where so many bytes don't hold it."""
        try:
            data = beginning_of(self.request.storage.platform, file.path, size)
        except zlib.error as error:
            message = f"{file.path}: this is not a readable gzip file: {error}"
            raise SourceError(message, {"path": file.path}) from error
        whole = size >= file.size
        lines = StringIO(data.decode("utf-8-sig", "replace"), newline="").readlines()
        rows = _rows(lines if whole else lines[:-1], self._reading)
        first = next(rows, None)
        if first is None:
            return [] if whole else None
        return first if whole or next(rows, None) is not None else None


def _rows(lines: list[str], reading: CsvReading) -> Iterator[list[str]]:
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if reading.quote else csv.QUOTE_NONE
    wanted = (line for line in lines if line.strip("\r\n") and not line.startswith(reading.comment or "\0"))
    return csv.reader(wanted, delimiter=reading.separator, quotechar=reading.quote or '"', quoting=quoting)
