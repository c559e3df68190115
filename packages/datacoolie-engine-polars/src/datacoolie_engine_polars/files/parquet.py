"""Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import polars as pl

from datacoolie.engines.reading import parquet_reading
from datacoolie_engine_polars.files.readers import PATH, Reader
from datacoolie_engine_polars.options import parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RESERVED = frozenset({
    "source", "schema", "hive_schema", "hive_partitioning", "include_file_paths", "missing_columns", "extra_columns",
    "storage_options", "cast_options", "glob", "n_rows", "row_index_name", "row_index_offset", "hidden_file_prefix",
})  # fmt: skip


class ParquetReader(Reader):
    """Reads Parquet; files of different schemas are always merged, as `mergeSchema` asks for."""

    format: ClassVar[str] = "parquet"

    def configure(self, options: Mapping[str, object]) -> None:
        """Take `mergeSchema` (which is always on) and Polars' own options."""
        self._native = parquet_reading(options, parameters(pl.scan_parquet, _RESERVED))

    def schema(self, path: str) -> pl.Schema:
        """Return the schema in the file's footer."""
        return pl.scan_parquet(path, glob=False, **self.access.arguments).collect_schema()

    def scan(self, paths: Sequence[str], schema: pl.Schema, *, with_path: bool) -> pl.LazyFrame:
        """Scan files of one schema."""
        return pl.scan_parquet(
            list(paths),
            schema=schema,
            glob=False,
            hive_partitioning=False,
            include_file_paths=PATH if with_path else None,
            **self.access.arguments,
            **self._native,  # type: ignore[arg-type] # checked against the signature by Options
        )

    def explain(self, path: str, error: BaseException) -> str:
        """Say that the file is no whole Parquet file."""
        return f"this is not a readable Parquet file: {super().explain(path, error).removeprefix('parquet: ')}"
