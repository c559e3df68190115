"""JSON files: one record a line, or one document that is an array of records or a single record."""

from __future__ import annotations

import glob
from typing import TYPE_CHECKING, ClassVar

import polars as pl

from datacoolie.engines.diagnosis import json_lines_fault
from datacoolie.engines.reading import json_reading
from datacoolie_engine_polars.files.readers import PATH, Reader, opened, scan_each, typed_by_all
from datacoolie_engine_polars.options import parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RESERVED = frozenset({
    "source", "schema", "schema_overrides", "infer_schema_length", "n_rows", "row_index_name", "row_index_offset",
    "ignore_errors", "storage_options", "include_file_paths",
})  # fmt: skip


def _checked(options: Mapping[str, object], name: str, *, multi_line: bool) -> dict[str, object]:
    native = parameters(pl.read_json if multi_line else pl.scan_ndjson, _RESERVED)
    return json_reading(options, native, format=name, multi_line=multi_line)


class JsonLinesReader(Reader):
    """Reads one record a line. Types are inferred from all lines, since a field may appear late."""

    format: ClassVar[str] = "jsonl"

    def configure(self, options: Mapping[str, object]) -> None:
        """Check the options; Spark's defaults are the only possible values of most."""
        self._native = _checked(options, self.format, multi_line=False)

    def schema(self, path: str) -> pl.Schema:
        """Infer the schema from all lines; a file without any has no columns."""
        try:
            frame = pl.scan_ndjson(
                glob.escape(path),  # for scan_ndjson any path is a pattern
                infer_schema_length=None,
                **self.access.arguments,
                **self._native,  # type: ignore[arg-type] # checked against the signature by Options
            )
            return frame.collect_schema()
        except pl.exceptions.ComputeError:
            with opened(self.access.source(path), path) as lines:
                if any(line.strip() for line in lines):
                    raise
            return pl.Schema()

    def scan(self, paths: Sequence[str], schema: pl.Schema, *, with_path: bool) -> pl.LazyFrame:
        """Scan files of one schema."""
        if not schema:
            return pl.LazyFrame()
        frame = pl.scan_ndjson(
            list(map(glob.escape, paths)),
            schema=schema,
            include_file_paths=PATH if with_path else None,
            **self.access.arguments,
            **self._native,  # type: ignore[arg-type] # checked against the signature by Options
        )
        # Polars shares the work of plans above a projection, but reads a bare scan again for each of them.
        return frame.select(pl.all())

    def types(self, schema: pl.Schema, merged: pl.Schema) -> pl.Schema:
        """Read values as the types of all files at once."""
        return typed_by_all(schema, merged)

    def explain(self, path: str, error: BaseException) -> str:
        """Name a byte-order mark, the first line that is not JSON, or else a field of more than one type."""
        with opened(self.access.source(path), path) as file:
            fault = json_lines_fault(file)
        return fault or f"a field has values of types that no type holds at once: {super().explain(path, error)}"


class JsonReader(Reader):
    """Reads documents; each file is read as a whole when it is its turn."""

    format: ClassVar[str] = "json"

    def configure(self, options: Mapping[str, object]) -> None:
        """Check the options; Spark's defaults for `multiLine` are the only possible values of most."""
        self._native = _checked(options, self.format, multi_line=True)

    def schema(self, path: str) -> pl.Schema:
        """Infer the schema from all records."""
        return pl.read_json(self.access.source(path), infer_schema_length=None).schema

    def types(self, schema: pl.Schema, merged: pl.Schema) -> pl.Schema:
        """Read values as the types of all files at once."""
        return typed_by_all(schema, merged)

    def scan(self, paths: Sequence[str], schema: pl.Schema, *, with_path: bool) -> pl.LazyFrame:
        """Read the files one after another while the pass runs."""
        if not schema:
            return pl.LazyFrame()

        return scan_each(
            paths,
            schema,
            lambda path: iter([pl.read_json(self.access.source(path), schema=schema)]),
            with_path=with_path,
        )
