"""CSV files, under the names and defaults of Spark's options except `header`, which is true."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

import polars as pl

from datacoolie.core.exceptions import SourceError
from datacoolie.engines.diagnosis import csv_fault
from datacoolie.engines.reading import CSV_SAMPLE, csv_reading, header_names
from datacoolie_engine_polars.files.readers import PATH, Reader, opened
from datacoolie_engine_polars.options import parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_RESERVED = frozenset({
    "source", "schema", "has_header", "separator", "quote_char", "comment_prefix", "null_values", "encoding",
    "eol_char", "infer_schema", "infer_schema_length", "infer_schema_files", "include_file_paths", "storage_options",
    "glob",
    "raise_if_empty", "extra_columns", "missing_columns", "n_rows", "row_index_name", "row_index_offset",
    "new_columns", "with_column_names", "truncate_ragged_lines", "ignore_errors", "schema_overrides",
})  # fmt: skip

_AGAIN = re.compile(r"(.*)_duplicated_\d+", re.DOTALL)
"""What Polars calls a column whose name an earlier one has."""


class CsvReader(Reader):
    """Reads CSV, gzip'd or not. Without `inferSchema` every column is text.

    A row with more fields than the header is an error; one with fewer has nulls at its end, as in Spark. A row without
    any value, such as a blank line, is none.
    """

    format: ClassVar[str] = "csv"

    def configure(self, options: Mapping[str, object]) -> None:
        """Translate Spark's options."""
        found = csv_reading(options, parameters(pl.scan_csv, _RESERVED))
        self._infer, self._sample, self._header = found.infer, found.sample, found.header
        self._separator, self._quote = found.separator, found.quote
        self._arguments: dict[str, object] = {
            "has_header": found.header,
            "separator": found.separator,
            "quote_char": found.quote or None,
            "comment_prefix": found.comment,
            "eol_char": found.line_end,
            "null_values": found.null,
            **found.native,
        }
        self._headers: dict[str, list[str]] = {}

    def schema(self, path: str) -> pl.Schema:
        """Return the columns of the header, or `_c0`, `_c1`, ... without one; inferred types if asked for.

        Raises:
            SourceError: what ends lines in the file is not what the options say.
        """
        frame = pl.scan_csv(
            path,
            glob=False,
            infer_schema=self._infer,
            infer_schema_length=self._sample,
            raise_if_empty=False,
            truncate_ragged_lines=True,
            **self.access.arguments,
            **self._arguments,  # type: ignore[arg-type] # translated above, or checked against the signature
        )
        schema = frame.collect_schema()
        if any(re.search("\r(?!\n)", name) for name in schema):
            message = f'{path}: its lines end in a carriage return alone. Set read_options.lineSep to "\\r"'
            raise SourceError(message, {"path": path})
        names = header_names(_fields(schema)) if self._header else [f"_c{at}" for at in range(len(schema))]
        self._headers[path] = list(schema) if self._header else names
        return pl.Schema(zip(names, schema.values(), strict=True))

    def scan(self, paths: Sequence[str], schema: pl.Schema, *, with_path: bool) -> pl.LazyFrame:
        """Scan files of one schema."""
        if not schema:
            return pl.LazyFrame()
        headers: dict[tuple[str, ...], list[str]] = {}
        for path in paths:
            headers.setdefault(tuple(self._headers[path]), []).append(path)
        frames = [self._scan(some, header, schema, with_path=with_path) for header, some in headers.items()]
        return frames[0] if len(frames) == 1 else pl.concat(frames)

    def _scan(self, paths: Sequence[str], header: Sequence[str], schema: pl.Schema, *, with_path: bool) -> pl.LazyFrame:
        """Scan files of one header, by which Polars knows their columns."""
        frame = pl.scan_csv(
            list(paths),
            schema=pl.Schema(zip(header, schema.values(), strict=True)),
            glob=False,
            include_file_paths=PATH if with_path else None,
            raise_if_empty=False,
            **self.access.arguments,
            **self._arguments,  # type: ignore[arg-type] # translated above, or checked against the signature
        )
        if list(header) != schema.names():
            frame = frame.rename(dict(zip(header, schema, strict=True)))
        # Polars shares the work of plans above a projection, but reads a bare scan again for each of them.
        return frame.select(pl.all()).filter(pl.any_horizontal(pl.col(schema.names()).is_not_null()))

    def explain(self, path: str, error: BaseException) -> str:
        """Find the row with too many fields or a quote that nothing closes, the usual faults."""
        text = super().explain(path, error)
        if "utf-8" in text.lower():
            return f"{text}; save the file as UTF-8"
        if "more fields" in text or "could not parse" in text:
            with opened(self.access.source(path), path) as file:
                found = csv_fault(file, separator=self._separator, quote=self._quote)
            if found:
                return found
        if "could not parse" in text and self._infer:
            text += (
                f". Types were inferred from the first {CSV_SAMPLE:,} rows of a file; set read_options.samplingRatio "
                "to 1.0 to look at all of them, or inferSchema to false and use schema_hints"
            )
        return text


def _fields(names: Iterable[str]) -> list[str]:
    """Return the fields of a header as they stand in the file, of the different names that Polars makes of them."""
    fields: list[str] = []
    for name in names:
        again = _AGAIN.fullmatch(name)
        fields.append(again[1] if again and again[1] in fields else name)
    return fields
