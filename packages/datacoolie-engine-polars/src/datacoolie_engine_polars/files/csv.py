"""CSV files, under the names and defaults of Spark's options except `header`, which is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import polars as pl

from datacoolie.engines.diagnosis import csv_fault
from datacoolie.engines.reading import CSV_SAMPLE, csv_reading
from datacoolie_engine_polars.files.readers import PATH, Reader, opened
from datacoolie_engine_polars.options import parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RESERVED = frozenset({
    "source", "schema", "has_header", "separator", "quote_char", "comment_prefix", "null_values", "encoding",
    "eol_char", "infer_schema", "infer_schema_length", "infer_schema_files", "include_file_paths", "storage_options",
    "glob",
    "raise_if_empty", "extra_columns", "missing_columns", "n_rows", "row_index_name", "row_index_offset",
    "new_columns", "with_column_names", "truncate_ragged_lines", "ignore_errors", "schema_overrides",
})  # fmt: skip


class CsvReader(Reader):
    """Reads CSV, gzip'd or not. Without `inferSchema` every column is text.

    A row with more fields than the header is an error; one with fewer has nulls at its end, as in Spark.
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

    def schema(self, path: str) -> pl.Schema:
        """Return the columns of the header, or `_c0`, `_c1`, ... without one; inferred types if asked for."""
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
        if self._header:
            return schema
        return pl.Schema({f"_c{index}": kind for index, kind in enumerate(schema.values())})

    def scan(self, paths: Sequence[str], schema: pl.Schema, *, with_path: bool) -> pl.LazyFrame:
        """Scan files of one header."""
        if not schema:
            return pl.LazyFrame()
        frame = pl.scan_csv(
            list(paths),
            schema=schema,
            glob=False,
            include_file_paths=PATH if with_path else None,
            raise_if_empty=False,
            **self.access.arguments,
            **self._arguments,  # type: ignore[arg-type] # translated above, or checked against the signature
        )
        # Polars shares the work of plans above a projection, but reads a bare scan again for each of them.
        return frame.select(pl.all())

    def explain(self, path: str, error: BaseException) -> str:
        """Find the row with too many fields, the usual fault."""
        text = super().explain(path, error)
        if "more fields" in text:
            with opened(self.access.source(path), path) as file:
                return csv_fault(file, separator=self._separator, quote=self._quote) or text
        if "could not parse" in text and self._infer:
            text += (
                f". Types were inferred from the first {CSV_SAMPLE:,} rows of a file; set read_options.samplingRatio "
                "to 1.0 to look at all of them, or inferSchema to false and use schema_hints"
            )
        return text
