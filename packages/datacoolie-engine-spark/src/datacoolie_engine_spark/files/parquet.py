"""Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from datacoolie.core.models.enums import Format
from datacoolie.core.models.options import READ_OPTIONS
from datacoolie.engines.reading import parquet_reading
from datacoolie_engine_spark.failures import translated
from datacoolie_engine_spark.files.readers import Reader, native
from datacoolie_engine_spark.types import described

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.core.types import Schema
    from datacoolie.platforms import FileInfo

_RESERVED = ("mergeSchema", "pathGlobFilter", "recursiveFileLookup", "ignoreCorruptFiles", "ignoreMissingFiles",
             "modifiedBefore", "modifiedAfter")  # fmt: skip


class ParquetReader(Reader):
    """Reads Parquet; files of different schemas are always merged, as `mergeSchema` asks for."""

    format: ClassVar[str] = "parquet"
    spark_format: ClassVar[str] = "parquet"

    def configure(self, given: Mapping[str, object]) -> None:
        """Take `mergeSchema`, which is always on, and Spark's own options."""
        own = parquet_reading(given, native(READ_OPTIONS[Format.PARQUET], _RESERVED))
        self.options = {**own, "mergeSchema": "true"}

    def explain(self, path: str) -> str | None:  # noqa: ARG002 - all that can be said
        """Say that the file is no whole Parquet file."""
        return "this is not a readable Parquet file"

    def groups(self, files: Sequence[FileInfo]) -> list[tuple[Schema, list[FileInfo]]]:
        """Let Spark merge the schemas in all footers in one job, or look at each where it can't."""
        with translated():
            try:
                return [(described(self.loaded(files, None).schema), list(files))]
            except (PySparkException, Py4JError) as error:
                if "CANNOT_MERGE" not in str(error):
                    raise
            return self.each_schema(files)
