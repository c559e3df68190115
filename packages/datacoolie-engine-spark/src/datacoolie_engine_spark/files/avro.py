"""Avro files, which a jar reads that Spark does not have by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from datacoolie.engines.reading import avro_reading
from datacoolie_engine_spark.failures import translated
from datacoolie_engine_spark.files.readers import Reader, native

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.core.types import Schema
    from datacoolie.platforms import FileInfo


class AvroReader(Reader):
    """Reads Avro under the schema that each file was written with."""

    format: ClassVar[str] = "avro"
    spark_format: ClassVar[str] = "avro"

    def configure(self, given: Mapping[str, object]) -> None:
        """Check the options; Spark's defaults are the only possible values."""
        self.options = avro_reading(given, native(()))

    def explain(self, path: str) -> str | None:  # noqa: ARG002 - all that can be said
        """Say that the file is no whole Avro file."""
        return "this is not a readable Avro file"

    def groups(self, files: Sequence[FileInfo]) -> list[tuple[Schema, list[FileInfo]]]:
        """Look at the header of each file, for Spark looks at one of them only."""
        with translated():
            return self.each_schema(files)
