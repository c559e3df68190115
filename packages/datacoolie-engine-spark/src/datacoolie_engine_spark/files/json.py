"""JSON files: one record a line, or one document that is an array of records or a single record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from datacoolie.core.exceptions import SourceError, TransformError
from datacoolie.core.models.enums import Format
from datacoolie.core.models.options import READ_OPTIONS
from datacoolie.core.types import ArrayType, StructType, parse_type
from datacoolie.engines.diagnosis import json_lines_fault
from datacoolie.engines.reading import json_reading
from datacoolie.engines.schemas import spellings
from datacoolie_engine_spark.failures import translated
from datacoolie_engine_spark.files.paths import is_odd, text
from datacoolie_engine_spark.files.readers import Reader, native, without_empty
from datacoolie_engine_spark.files.texts import text_of
from datacoolie_engine_spark.types import described

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.core.types import Schema
    from datacoolie.platforms import FileInfo

_RESERVED = ("pathGlobFilter", "recursiveFileLookup", "ignoreCorruptFiles", "ignoreMissingFiles", "modifiedBefore",
             "modifiedAfter", "encoding", "multiLine", "mode", "columnNameOfCorruptRecord",
             "samplingRatio")  # fmt: skip


class JsonLinesReader(Reader):
    """Reads one record a line. Types are inferred from all lines, since a field may appear late."""

    format: ClassVar[str] = "jsonl"
    spark_format: ClassVar[str] = "json"
    multi_line: ClassVar[bool] = False

    def configure(self, given: Mapping[str, object]) -> None:
        """Check the options; Spark's defaults are the only possible values of most."""
        own = native(READ_OPTIONS[Format.JSON], _RESERVED)
        own_options = json_reading(given, own, format=self.format, multi_line=self.multi_line)
        self.options = {**own_options, "multiLine": self.multi_line, "mode": "FAILFAST"}

    def groups(self, files: Sequence[FileInfo]) -> list[tuple[Schema, list[FileInfo]]]:
        """Let Spark infer one schema of all files in one job."""
        return [(self._inferred(files), list(files))]

    def explain(self, path: str) -> str | None:
        """Say which line of a file is no record."""
        return json_lines_fault(text_of(self.request.storage.platform, path))

    def _inferred(self, files: Sequence[FileInfo]) -> Schema:
        try:
            with translated():
                return described(self.loaded(files, None).schema)
        except TransformError as error:  # Spark doesn't say of which file
            raise self._broken(files, error) from error

    def _broken(self, files: Sequence[FileInfo], error: TransformError) -> SourceError:
        for file in files:
            if fault := self.explain(file.path):
                return SourceError(f"{file.path}: {fault}", {"path": file.path})
        return SourceError(f"{self.request.root}: {error.message}", {"path": self.request.root})


class JsonReader(JsonLinesReader):
    """Reads documents; each file is read as a whole."""

    format: ClassVar[str] = "json"
    multi_line: ClassVar[bool] = True

    def groups(self, files: Sequence[FileInfo]) -> list[tuple[Schema, list[FileInfo]]]:
        """Let Spark infer one schema of all files that it finds by their names, and of each other file."""
        odd = [file for file in files if is_odd(file.path)]
        plain = [file for file in files if not is_odd(file.path)]
        return without_empty(
            [*(super().groups(plain) if plain else []), *((self._of_content(one), [one]) for one in odd)]
        )

    def types(self, schema: Schema, merged: Schema) -> Schema:
        """Read values as the types of all files at once."""
        known = spellings(schema, merged)
        return {name: merged[known[name]] for name in schema}

    def explain(self, path: str) -> str | None:
        """Say what is wrong with a document."""
        try:
            json.loads(text_of(self.request.storage.platform, path).read())
        except ValueError as error:
            return str(error)
        return None

    def _of_content(self, file: FileInfo) -> Schema:
        """Return the columns of one document."""
        document = text_of(self.request.storage.platform, file.path).read()
        query = f"SELECT schema_of_json({text(document)}, map('mode', 'FAILFAST')) AS kind"
        try:
            with translated():
                (row,) = self.session.sql(query).collect()
        except TransformError as error:
            raise self._broken([file], error) from error
        kind = parse_type(row["kind"])
        record = kind.element if isinstance(kind, ArrayType) else kind
        return dict(record.fields) if isinstance(record, StructType) else {}
