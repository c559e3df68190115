"""What each format has to offer so that many files can be scanned as one frame."""

from __future__ import annotations

import gzip
from abc import ABC, abstractmethod
from contextlib import contextmanager
from io import BytesIO, StringIO
from typing import IO, TYPE_CHECKING, ClassVar

import polars as pl
from polars.io.plugins import register_io_source

from datacoolie.engines.schemas import spellings
from datacoolie_engine_polars import failures
from datacoolie_engine_polars.access import LOCAL
from datacoolie_engine_polars.types import instance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from datacoolie_engine_polars.access import Access

PATH = "__file_path"
"""The column that holds the path of the file that a row is from."""


class Reader(ABC):
    """Reads files of one format under the options of one scan."""

    format: ClassVar[str]

    def __init__(self, options: Mapping[str, object], access: Access = LOCAL) -> None:
        """Check the options.

        Raises:
            ConfigurationError: an option can't be honoured.
        """
        self.access = access
        self.configure(options)

    @abstractmethod
    def configure(self, options: Mapping[str, object]) -> None:
        """Check the options and keep what they mean.

        Raises:
            ConfigurationError: an option can't be honoured.
        """

    @abstractmethod
    def schema(self, path: str) -> pl.Schema:
        """Return the schema of one file.

        Raises:
            polars.exceptions.PolarsError, OSError: the file can't be read.
        """

    @abstractmethod
    def scan(self, paths: Sequence[str], schema: pl.Schema, *, with_path: bool) -> pl.LazyFrame:
        """Scan files which all have this schema; `with_path` adds the column `PATH`."""

    def types(self, schema: pl.Schema, merged: pl.Schema) -> pl.Schema:
        """Return the types under which files of `schema` are scanned, given the schema of all files.

        A format whose values have no type of their own can be read as the wider types at once.
        """
        del merged
        return schema

    def find_fault(self, path: str) -> str | None:
        """Read all of one file again and say what is wrong with it, or return `None`."""
        try:
            frame = self.scan([path], self.schema(path), with_path=False)
            frame.select(pl.all().null_count()).collect(engine="streaming")
        except failures.FAILURES as error:
            return self.explain(path, error)
        return None

    def explain(self, path: str, error: BaseException) -> str:  # noqa: ARG002 - formats that know more look at the file
        """Say what a failure to read a file means."""
        return failures.first_line(error)


def scan_each(
    paths: Sequence[str], schema: pl.Schema, read: Callable[[str], Iterator[pl.DataFrame]], *, with_path: bool
) -> pl.LazyFrame:
    """Return a scan that reads files one after another while the pass runs.

    Args:
        paths: the files.
        schema: what `read` gives of each of them.
        read: yields the rows of a file, in parts.
        with_path: add the column `PATH`.
    """

    def frames(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, batch: int | None
    ) -> Iterator[pl.DataFrame]:
        del rows, batch
        for path in paths:
            for part in read(path):
                frame = part.with_columns(pl.lit(path).alias(PATH)) if with_path else part
                frame = frame if predicate is None else frame.filter(predicate)
                yield frame if columns is None else frame.select(columns)

    return register_io_source(frames, schema={**schema, PATH: pl.String()} if with_path else schema)


def typed_by_all(schema: pl.Schema, merged: pl.Schema) -> pl.Schema:
    """Return the columns of `schema` with the types of all files; what is always null is text, as in Spark."""
    known = spellings(schema, merged)
    return pl.Schema({name: _no_null(merged[known[name]]) for name in schema})


def _no_null(kind: pl.DataType) -> pl.DataType:
    match kind:
        case pl.Null():
            return pl.String()
        case pl.List():
            return pl.List(_no_null(instance(kind.inner)))
        case pl.Struct():
            return pl.Struct({field.name: _no_null(instance(field.dtype)) for field in kind.fields})
        case _:
            return kind


@contextmanager
def opened(source: str | BytesIO, name: str) -> Iterator[IO[str]]:
    """Open a text file, gzip'd or not, to look for what is wrong in it."""
    opener = gzip.open if name.endswith(".gz") else open
    if isinstance(source, str):
        with opener(source, "rt", encoding="utf-8", errors="replace", newline="") as file:
            yield file
    else:
        data = gzip.decompress(source.read()) if name.endswith(".gz") else source.read()
        yield StringIO(data.decode("utf-8", "replace"), newline="")
