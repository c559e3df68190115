"""What each format has to offer so that many files can be read as one frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar

from datacoolie.engines.options import NativeOptions
from datacoolie_engine_spark.files.paths import listed_path, to_read
from datacoolie_engine_spark.types import described, struct_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from datacoolie.core.types import Schema
    from datacoolie.engines import FileScan
    from datacoolie.platforms import FileInfo

PATH = "__file_path"
"""The column that holds the path of the file that a row is from, as in the listing."""

MODIFIED = "__file_modification_time"
"""The column that holds when that file was modified, in milliseconds."""

_AT_ONCE = 8
"""How many files are looked at in parallel."""


class Reader(ABC):
    """Reads files of one format under the options of one scan."""

    format: ClassVar[str]
    spark_format: ClassVar[str]

    def __init__(self, request: FileScan, session: SparkSession) -> None:
        """Check the options.

        Raises:
            ConfigurationError: an option can't be honoured.
        """
        self.session = session
        self.request = request
        self.options: dict[str, object] = {}
        self.configure(request.options)

    @abstractmethod
    def configure(self, given: Mapping[str, object]) -> None:
        """Check the options and keep what they mean.

        Raises:
            ConfigurationError: an option can't be honoured.
        """

    @abstractmethod
    def groups(self, files: Sequence[FileInfo]) -> list[tuple[Schema, list[FileInfo]]]:
        """Return the files by the columns that they have.

        Raises:
            SourceError: a file can't be read.
        """

    def explain(self, path: str) -> str | None:  # noqa: ARG002 - formats that know more look at the file
        """Look at a file that could not be read, and say what is wrong with it; `None` where Spark's words do."""
        return None

    def fault(self, path: str) -> str | None:
        """Say what is wrong with a file, or that it is gone."""
        if self.request.storage.platform.stat(path) is None:
            return "there is no such file"
        return self.explain(path)

    def types(self, schema: Schema, merged: Schema) -> Schema:
        """Return the types under which files of `schema` are read, given the columns of all files."""
        del merged
        return schema

    def read(self, files: Sequence[FileInfo], schema: Schema) -> DataFrame:
        """Return the rows of files that have these columns, and then `PATH` and `MODIFIED`."""
        frame = self.loaded(files, schema)
        return frame.selectExpr("*", *self.file_columns())

    def loaded(self, files: Sequence[FileInfo], schema: Schema | None) -> DataFrame:
        """Let Spark read exactly these files; without `schema` it looks for it itself."""
        reader = self.session.read.format(self.spark_format).options(**self.options)  # type: ignore[arg-type] # Spark takes any value
        if schema is not None:
            reader = reader.schema(struct_of(schema))
        return reader.load([to_read(file.path) for file in files])

    def file_columns(self) -> tuple[str, str]:
        """Return the SQL of `PATH` and `MODIFIED`, on a frame that `loaded` gives."""
        return f"{listed_path(self.request.root)} AS {PATH}", f"_metadata.file_modification_time AS {MODIFIED}"

    def each_schema(self, files: Sequence[FileInfo]) -> list[tuple[Schema, list[FileInfo]]]:
        """Return the files by their columns, each looked at by itself."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            schemas = pool.map(lambda file: described(self.loaded([file], None).schema), files)
            return grouped(zip(schemas, files, strict=True))


def grouped(files: Iterable[tuple[Schema, FileInfo]]) -> list[tuple[Schema, list[FileInfo]]]:
    """Return files by their columns."""
    groups: dict[tuple[tuple[str, object], ...], tuple[Schema, list[FileInfo]]] = {}
    for schema, file in files:
        groups.setdefault(tuple(schema.items()), (schema, []))[1].append(file)
    return without_empty(list(groups.values()))


def without_empty(groups: list[tuple[Schema, list[FileInfo]]]) -> list[tuple[Schema, list[FileInfo]]]:
    """Leave out files without any column, where others have some."""
    return [group for group in groups if group[0]] or groups[:1]


def native(possible: Iterable[str], reserved: Iterable[str] = ()) -> NativeOptions:
    """Return Spark's own options of a format, but for those that the engine sets itself."""
    return NativeOptions(engine="spark", possible=tuple(sorted(set(possible) - set(reserved))))
