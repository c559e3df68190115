"""One streaming pass: data files are written unseen, and what is to be observed is observed on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from datacoolie.core.exceptions import PlatformError
from datacoolie.engines import Observation
from datacoolie_engine_polars import failures, partitions, schemas
from datacoolie_engine_polars.access import LOCAL, Access, Arguments
from datacoolie_engine_polars.expressions import compile_aggregate

if TYPE_CHECKING:
    from polars.io.partition import FileProviderArgs, SinkedPathsCallbackArgs

    from datacoolie_engine_polars.files.diagnosis import ScanLog
    from datacoolie_engine_polars.passes import Passes

Observations: TypeAlias = Mapping[str, Observation[pl.LazyFrame]]

Destination: TypeAlias = str | pl.PartitionBy
"""The path of the only file, or how rows are split into files."""

Sink: TypeAlias = (
    "Callable[[pl.LazyFrame, Destination, Callable[[SinkedPathsCallbackArgs], None], Arguments], pl.LazyFrame]"
)
"""Adds a lazy sink of one format to a plan. The callback is only called by formats that count rows."""

FILE_BYTES = 1 << 30
"""Bytes in memory after which a new Parquet file begins; compressed these are mostly 100 to 250 MB."""

ONE_FILE_BYTES = 1 << 29
"""Bytes of Parquet that are not split."""


def file_bytes(size: int | None) -> int | None:
    """Return the `Target.file_bytes` of Parquet, given about how many bytes there are; `None` when that is not known.

    A sink that splits holds 100 to 200 MB more than one that does not, whatever it has to write.
    """
    return None if size is not None and size <= ONE_FILE_BYTES else FILE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where and how files are written.

    Attributes:
        folder: absolute path, made when it isn't there, or URI.
        access: how to get at the folder.
        stem: how names begin; unique, so that a name belongs to this pass alone.
        extension: how names end, without the dot.
        keys: partition columns, which are left out of the files.
        flat: all files are in `folder` itself, not in a folder per partition.
        file_bytes: bytes in memory after which a new file begins; `None` for one file per partition.
        counts: the sink's callback reports rows; otherwise they are counted on the way.
        finish: what is done with each file after the pass.
    """

    folder: str
    stem: str
    extension: str
    keys: tuple[str, ...] = ()
    flat: bool = False
    file_bytes: int | None = FILE_BYTES
    counts: bool = True
    finish: Callable[[str], None] | None = None
    access: Access = LOCAL


@dataclass(slots=True)
class _Files:
    """The files of one pass, filled while it runs: Polars asks for each name just before it creates the file."""

    target: Target
    values: dict[str, dict[str, str | None]] = field(default_factory=dict)
    keys: dict[str, tuple[object, ...]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def destination(self) -> Destination:
        """Return where a sink writes; the name of an only file is known before."""
        target = self.target
        if not target.keys and target.file_bytes is None:
            relative = self._first({})
            self.values[relative], self.keys[relative] = {}, ()
            return self.path(relative)
        return pl.PartitionBy(
            target.folder,
            key=list(target.keys) or None,
            include_key=False if target.keys else None,
            file_path_provider=self.name,
            approximate_bytes_per_file=target.file_bytes,
        )

    def name(self, args: FileProviderArgs) -> str:
        keys = args.partition_keys.row(0) if self.target.keys else ()
        values = {name: partitions.value_text(value) for name, value in zip(self.target.keys, keys, strict=True)}
        number = next(self.numbers) if self.target.flat else args.index_in_partition
        name = f"{self.target.stem}-{number:05d}.{self.target.extension}"
        relative = f"{partitions.folder(values)}/{name}" if values and not self.target.flat else name
        self.values[relative], self.keys[relative] = values, keys
        return relative

    def sinked(self, args: SinkedPathsCallbackArgs) -> None:
        for one in args.paths:
            self.rows[self._relative(one.path)] = one.num_rows
            if self.target.finish is None:
                self.sizes[self.path(self._relative(one.path))] = one.num_bytes

    def count(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Count rows per file of a format whose sink doesn't; there is one file per partition."""
        if not self.target.keys:
            self._add({}, batch.height)
            return batch
        for *keys, rows in batch.group_by(self.target.keys).len().iter_rows():
            self._add(dict(zip(self.target.keys, map(partitions.value_text, keys), strict=True)), rows)
        return batch

    def staged(self) -> tuple[StagedFile, ...]:
        paths = {name: self.path(name) for name in sorted(self.values)}
        sizes = self.sizes | self.target.access.sizes(path for path in paths.values() if path not in self.sizes)
        return tuple(
            StagedFile(path=path, relative=name, rows=self.rows.get(name, 0), size=sizes[path])
            for name, path in paths.items()
        )

    def path(self, relative: str) -> str:
        return f"{self.target.folder}/{relative}"

    def written(self) -> int:
        return sum(self.target.access.sizes(map(self.path, self.values)).values())

    def finish(self) -> None:
        """Do what is left to do with each file, and make all of them durable.

        Raises:
            DestinationError: it fails.
        """
        try:
            self.target.access.settle(map(self.path, self.values), self.target.finish)
        except PlatformError:
            raise
        except OSError as error:
            raise failures.of_writing(error.errno or 0, self.target.folder, self.written()) from error

    def remove(self) -> None:
        """Remove all files, and the folders that are empty then."""
        self.target.access.remove(self.target.folder, self.values)

    def _add(self, values: Mapping[str, str | None], rows: int) -> None:
        relative = self._first(values)
        self.rows[relative] = self.rows.get(relative, 0) + rows

    def _first(self, values: Mapping[str, str | None]) -> str:
        name = f"{self.target.stem}-00000.{self.target.extension}"
        return f"{partitions.folder(values)}/{name}" if values else name

    def _relative(self, path: str) -> str:
        return path.replace("\\", "/").removeprefix(self.target.folder.replace("\\", "/")).lstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFile:
    """A file that was written and that nobody sees yet.

    Attributes:
        path: absolute path or URI.
        relative: path below the folder of the write, `/` between parts.
        rows: rows in it.
        size: bytes.
    """

    path: str
    relative: str
    rows: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedData:
    """What a pass wrote.

    Attributes:
        files: the files.
        observed: values of observations by name.
        values: partition values, as text, of each file by its relative path.
        keys: the same as they are.
        folder: path or URI that the files are below.
        access: how to get at them.
    """

    files: tuple[StagedFile, ...]
    observed: Mapping[str, object]
    values: Mapping[str, Mapping[str, str | None]]
    keys: Mapping[str, tuple[object, ...]]
    folder: str
    access: Access

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def remove(self) -> None:
        """Remove all files, and the folders that are empty then."""
        self.access.remove(self.folder, self.values)

    def without_empty(self) -> StagedData:
        """Remove the files that have no row."""
        empty = [file.relative for file in self.files if not file.rows]
        if not empty:
            return self
        self.access.remove(self.folder, empty)
        return replace(self, files=tuple(file for file in self.files if file.rows))

    @contextmanager
    def withdrawn_on_failure(self) -> Iterator[None]:
        """Remove all files when what comes before their commit fails."""
        try:
            yield
        except BaseException:
            self.remove()
            raise


@dataclass(frozen=True, slots=True)
class Stager:
    """Writes frames for one engine."""

    passes: Passes
    scans: ScanLog

    def stage(self, frame: pl.LazyFrame, target: Target, sink: Sink, observe: Observations) -> StagedData:
        """Write a frame below `target.folder` and evaluate `observe`, in one pass.

        On any failure, an interrupt too, no file is left.

        Raises:
            SourceError: reading failed.
            TransformError: an expression failed on the data.
            DestinationError: writing failed.
            InterruptedPassError: the pass was ended.
        """
        files = _Files(target)
        try:
            try:
                return self._run(frame, target, sink, observe, files)
            except BaseException:
                files.remove()
                raise
        except KeyboardInterrupt:
            # An interrupt comes twice, from Polars and from Python, and the second one may have hit the removal.
            files.remove()
            raise

    def collect(
        self, frame: pl.LazyFrame, observe: Observations, target: str, *, streaming: bool = True
    ) -> tuple[pl.DataFrame, Mapping[str, object]]:
        """Evaluate a frame into memory, and what is to be observed, in one pass; raises as `stage`."""
        observers = Observers(observe)
        try:
            batch, *results = self.passes.run([frame, *observers.plans], streaming=streaming)
        except failures.FAILURES as error:
            raise failures.of_pass(error, target=target, written=0, find_broken=self.scans.find_broken) from error
        return batch, observers.values(results)

    def _run(self, frame: pl.LazyFrame, target: Target, sink: Sink, observe: Observations, files: _Files) -> StagedData:
        counted = frame if target.counts else frame.map_batches(files.count, streamable=True)
        observers = Observers(observe)
        written = sink(counted, files.destination(), files.sinked, target.access.arguments)
        try:
            _, *results = self.passes.run([written, *observers.plans], share=target.counts)
        except failures.FAILURES as error:
            raise failures.of_pass(
                error, target=target.folder, written=files.written(), find_broken=self.scans.find_broken
            ) from error
        files.finish()
        return StagedData(
            files=files.staged(),
            observed=observers.values(results),
            values=files.values,
            keys=files.keys,
            folder=target.folder,
            access=target.access,
        )


class Observers:
    """Observations as plans: one `select` per observed frame."""

    def __init__(self, observe: Observations) -> None:
        """Group observations by frame."""
        frames: dict[int, pl.LazyFrame] = {}
        selected: dict[int, list[pl.Expr]] = {}
        for name, one in observe.items():
            frames[id(one.frame)] = one.frame
            expression, _ = compile_aggregate(one.aggregate, schemas.described(one.frame))
            selected.setdefault(id(one.frame), []).append(expression.alias(name))
        self.plans = [frames[key].select(expressions) for key, expressions in selected.items()]

    @staticmethod
    def values(results: list[pl.DataFrame]) -> dict[str, object]:
        """Return the observed values by name."""
        return {name: python_value(value) for result in results for name, value in result.row(0, named=True).items()}


def python_value(value: object) -> object:
    """Return a value as the framework compares it: points in time in `datetime.UTC`."""
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value
