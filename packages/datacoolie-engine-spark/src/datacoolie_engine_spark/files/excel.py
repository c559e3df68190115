"""Excel workbooks: the rows of one sheet of each file, read where the session is, not by Spark's workers."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, ClassVar

from datacoolie.core.exceptions import SourceError
from datacoolie.core.types import NullType, StringType
from datacoolie.engines.reading import excel_reading
from datacoolie.engines.schemas import spellings
from datacoolie.engines.workbooks import WorkbookError, read_sheet
from datacoolie_engine_spark.files.paths import text
from datacoolie_engine_spark.files.readers import MODIFIED, PATH, Reader, grouped
from datacoolie_engine_spark.types import from_arrow, struct_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from datacoolie.core.types import Schema
    from datacoolie.platforms import FileInfo


class ExcelReader(Reader):
    """Reads the first sheet, or the one that `sheet_name` names, and gives its rows to Spark.

    `datacoolie.engines.workbooks` says what cells mean. A column without a value is text.
    """

    format: ClassVar[str] = "excel"

    def configure(self, given: Mapping[str, object]) -> None:
        """Check the options.

        Raises:
            ConfigurationError: an option can't be honoured, or the library that reads workbooks is not installed.
        """
        self._reading = excel_reading(given, engine="spark")
        self._sheets: dict[str, pa.Table] = {}

    def groups(self, files: Sequence[FileInfo]) -> list[tuple[Schema, list[FileInfo]]]:
        """Read the files.

        Raises:
            SourceError: one can't be read.
            EngineError: cells have a type that the framework does not know.
        """
        for file in files:
            self._sheets[file.path] = self._sheet(file.path)
        return grouped((_schema(self._sheets[file.path]), file) for file in files)

    def types(self, schema: Schema, merged: Schema) -> Schema:
        """Read values as the types of all files at once."""
        known = spellings(schema, merged)
        kinds = ((name, merged[known[name]]) for name in schema)
        return {name: StringType() if kind == NullType() else kind for name, kind in kinds}

    def read(self, files: Sequence[FileInfo], schema: Schema) -> DataFrame:
        """Return the rows of files that have these columns, and then `PATH` and `MODIFIED`."""
        frames = [self._frame(file, schema) for file in files]
        return reduce(lambda one, other: one.unionAll(other), frames)

    def _frame(self, file: FileInfo, schema: Schema) -> DataFrame:
        modified = int(file.modified.timestamp() * 1000)
        return self.session.createDataFrame(self._sheets[file.path], struct_of(schema)).selectExpr(
            "*", f"{text(file.path)} AS {PATH}", f"timestamp_millis({modified}) AS {MODIFIED}"
        )

    def _sheet(self, path: str) -> pa.Table:
        try:
            return read_sheet(self.request.storage.platform.read(path).data, self._reading)
        except WorkbookError as error:
            message = f"{path}: {error}"
            raise SourceError(message, {"path": path}) from error


def _schema(sheet: pa.Table) -> Schema:
    return {field.name: from_arrow(field.type, column=field.name) for field in sheet.schema}
