"""JSON files: one record a line, or one document that is an array of records or a single record."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import polars as pl
from polars.io.plugins import register_io_source

from datacoolie_engine_polars.files.readers import PATH, Reader
from datacoolie_engine_polars.options import Options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_POSSIBLE = ("encoding", "charset", "mode", "multiLine", "samplingRatio", "mergeSchema")
_ENCODINGS = dict.fromkeys(("utf-8", "utf8"), "utf8")
_RESERVED = frozenset({
    "source", "schema", "schema_overrides", "infer_schema_length", "n_rows", "row_index_name", "row_index_offset",
    "ignore_errors", "storage_options", "include_file_paths",
})  # fmt: skip
_BOM = b"\xef\xbb\xbf"


def _checked(options: Mapping[str, object], name: str, *, multi_line: bool) -> Options:
    found = Options(
        options,
        what="read_options",
        format=name,
        possible=_POSSIBLE,
        native=pl.read_json if multi_line else pl.scan_ndjson,
        reserved=_RESERVED,
    )
    found.choice("encoding", _ENCODINGS, str(found.text("charset") or "utf-8"))
    found.choice("mode", {"failfast": ""}, "FAILFAST")
    found.fixed("multiLine", multi_line)
    found.fixed("mergeSchema", "true")
    found.fixed("samplingRatio", "1.0", "1")
    return found


def _without_nulls(schema: pl.Schema) -> pl.Schema:
    """Make fields that are always null text, as Spark does, also inside of structs and lists."""
    return pl.Schema({name: _no_null(kind) for name, kind in schema.items()})


def _no_null(kind: pl.DataType) -> pl.DataType:
    match kind:
        case pl.Null():
            return pl.String()
        case pl.List():
            return pl.List(_no_null(pl.List(kind.inner).inner))  # type: ignore[arg-type] # inner is an instance here
        case pl.Struct():
            return pl.Struct({field.name: _no_null(field.dtype) for field in kind.fields})  # type: ignore[arg-type] # as above
        case _:
            return kind


class JsonLinesReader(Reader):
    """Reads one record a line. Types are inferred from all lines, since a field may appear late."""

    format: ClassVar[str] = "jsonl"

    def configure(self, options: Mapping[str, object]) -> None:
        """Check the options; Spark's defaults are the only possible values of most."""
        self._native = _checked(options, self.format, multi_line=False).native

    def schema(self, path: str) -> pl.Schema:
        """Infer the schema from all lines; an empty file has no columns."""
        try:
            frame = pl.scan_ndjson(
                path,
                infer_schema_length=None,
                storage_options=self.storage_options,
                **self._native,  # type: ignore[arg-type] # checked against the signature by Options
            )
            return frame.collect_schema()
        except pl.exceptions.NoDataError:
            return pl.Schema()

    def scan(self, paths: Sequence[str], schema: pl.Schema, *, with_path: bool) -> pl.LazyFrame:
        """Scan files of one schema."""
        if not schema:
            return pl.LazyFrame()
        frame = pl.scan_ndjson(
            list(paths),
            schema=_without_nulls(schema),
            include_file_paths=PATH if with_path else None,
            storage_options=self.storage_options,
            **self._native,  # type: ignore[arg-type] # checked against the signature by Options
        )
        # Polars shares the work of plans above a projection, but reads a bare scan again for each of them.
        return frame.select(pl.all())

    def explain(self, path: str, error: BaseException) -> str:
        """Name a byte-order mark, or the first line that is not JSON."""
        with open(path, "rb") as file:  # noqa: PTH123 - as the other readers
            if file.read(3) == _BOM:
                return "the file begins with a byte-order mark; JSON has none. Save it as UTF-8 without one"
        return super().explain(path, error)


class JsonReader(Reader):
    """Reads documents; each file is read as a whole when it is its turn."""

    format: ClassVar[str] = "json"

    def configure(self, options: Mapping[str, object]) -> None:
        """Check the options; Spark's defaults for `multiLine` are the only possible values of most."""
        self._native = _checked(options, self.format, multi_line=True).native

    def schema(self, path: str) -> pl.Schema:
        """Infer the schema from all records."""
        return pl.read_json(path, infer_schema_length=None).schema

    def scan(self, paths: Sequence[str], schema: pl.Schema, *, with_path: bool) -> pl.LazyFrame:
        """Read the files one after another while the pass runs."""
        if not schema:
            return pl.LazyFrame()
        kinds = _without_nulls(schema)

        def read(
            columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, batch: int | None
        ) -> Iterator[pl.DataFrame]:
            del rows, batch
            for path in paths:
                frame = pl.read_json(path, schema=kinds)
                if with_path:
                    frame = frame.with_columns(pl.lit(path).alias(PATH))
                if predicate is not None:
                    frame = frame.filter(predicate)
                yield frame if columns is None else frame.select(columns)

        return register_io_source(read, schema={**kinds, PATH: pl.String()} if with_path else dict(kinds))
