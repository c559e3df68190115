"""The engine contract: four small interfaces and the class that joins them.

An engine evaluates frames (`polars.LazyFrame`, `pyspark.sql.DataFrame`) and commits them. It knows nothing of
dataflows, windows or SCD2: strategies of the framework build a frame and call one `append`, `overwrite` or `merge`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, Protocol, TypeVar, runtime_checkable

from datacoolie.engines.model import Observation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import timedelta

    from datacoolie.core.models import Format, LoadType
    from datacoolie.core.types import Schema
    from datacoolie.engines.model import (
        Commit,
        EngineCapabilities,
        FileScan,
        FileWrite,
        MergePlan,
        QueryScan,
        Staged,
        TableRef,
        Tidied,
        WindowFunction,
        WriteRequest,
        WriteResult,
    )
    from datacoolie.sql import Aggregate, Expr

Frame = TypeVar("Frame")
"""What an engine evaluates lazily."""

AnyFrame = TypeVar("AnyFrame")


class FrameOps(ABC, Generic[Frame]):
    """Relational operations on lazy frames. Columns are named as in the schema; `aggregate` and `is_empty` evaluate."""

    @abstractmethod
    def schema(self, frame: Frame) -> Schema:
        """Return the columns in order with their types.

        Raises:
            EngineError: a column has a type outside of `datacoolie.core.types`.
        """

    @abstractmethod
    def select(self, frame: Frame, columns: Mapping[str, Expr]) -> Frame:
        """Return exactly these columns, in this order, each computed from `frame`."""

    @abstractmethod
    def with_columns(self, frame: Frame, columns: Mapping[str, Expr]) -> Frame:
        """Add or replace columns, each computed from `frame` as it was."""

    @abstractmethod
    def filter(self, frame: Frame, condition: Expr) -> Frame:
        """Keep the rows for which `condition` is true (not null, not false)."""

    @abstractmethod
    def rename(self, frame: Frame, names: Mapping[str, str]) -> Frame:
        """Rename columns, old name to new, all at once."""

    @abstractmethod
    def drop(self, frame: Frame, names: Sequence[str]) -> Frame:
        """Remove columns."""

    @abstractmethod
    def union(self, frames: Sequence[Frame]) -> Frame:
        """Append frames of the same columns, matched by name, duplicates kept."""

    @abstractmethod
    def join(
        self, left: Frame, right: Frame, *, keys: Sequence[str], how: Literal["inner", "left", "semi", "anti"]
    ) -> Frame:
        """Join on equally named keys; null equals null."""

    @abstractmethod
    def distinct(self, frame: Frame) -> Frame:
        """Remove duplicate rows; null equals null."""

    @abstractmethod
    def deduplicate(
        self, frame: Frame, *, keys: Sequence[str], order_by: Sequence[str], ties: Literal["one", "all"]
    ) -> Frame:
        """Keep, per key, the row that is largest by `order_by` (nulls lose); all the largest with `ties="all"`."""

    @abstractmethod
    def window(
        self,
        frame: Frame,
        columns: Mapping[str, WindowFunction],
        *,
        partition_by: Sequence[str],
        order_by: Sequence[str],
        ordered: bool = False,
    ) -> Frame:
        """Add columns that look at neighbouring rows: those of equal `partition_by` (null equals null), by `order_by`.

        Values of `order_by` ascend, nulls first. With `ordered` the frame comes from another `window` of the same
        partitions and order, and since then only lost rows and got columns: an engine need not sort it again.
        """

    @abstractmethod
    def nest(self, frame: Frame, *, keys: Sequence[str], columns: Sequence[str], into: str) -> Frame:
        """Return one row per key (null equals null): the keys, and `into`, a list of structs of its rows' `columns`.

        The structs ascend by `columns`, nulls first.
        """

    @abstractmethod
    def unnest(self, frame: Frame, column: str) -> Frame:
        """Return one row per struct in the lists of `column`, whose fields become columns in its place."""

    @abstractmethod
    def aggregate(self, frame: Frame, aggregates: Mapping[str, Aggregate]) -> dict[str, object]:
        """Evaluate aggregates over the frame and return Python values by name."""

    def observed(
        self, frame: Frame, aggregates: Mapping[str, Aggregate]
    ) -> tuple[Frame, dict[str, Observation[Frame]]]:
        """Return the same rows, from which a frame to write is made, and observations of them by name.

        An engine that has to know where it will be looked before it reads overrides this.
        """
        return frame, {name: Observation(frame=frame, aggregate=one) for name, one in aggregates.items()}

    def reused(self, frame: Frame) -> Frame:
        """Return the same rows, of which a `Rebuild` makes several frames that it puts together again.

        An engine that would evaluate `frame` for each of them overrides this and keeps the rows until the merge ends.
        """
        return frame

    @abstractmethod
    def is_empty(self, frame: Frame) -> bool:
        """Whether the frame has no row, found out by looking for one; raises as `aggregate`."""

    @abstractmethod
    def from_arrow(self, table: object) -> Frame:
        """Make a frame of anything with `__arrow_c_stream__`."""


class FileOps(ABC, Generic[Frame]):
    """Flat files in and out."""

    @abstractmethod
    def scan(self, request: FileScan) -> Frame:
        """Return the rows of exactly the files of `request`, lazily, with one schema taken from all of them.

        Raises:
            SourceError: a file is missing, corrupt, or its schema fits no other's; an option isn't known.
        """

    @abstractmethod
    def stage(self, frame: Frame, request: FileWrite[Frame]) -> Staged:
        """Write the frame in one pass into new files and evaluate `request.observe` in that pass.

        All files in `request.folder` and its folders are the rows, but those whose names begin with `_` or `.`. What a
        pass that failed leaves there is the caller's to remove.

        Raises:
            SourceError: reading failed.
            TransformError: an expression failed on the data.
            DestinationError: writing failed.
        """


class TableOps(ABC, Generic[Frame]):
    """One table of one format, as of the version that was current when this was made.

    The writing methods stage in one pass, evaluate `request.observe` in it, call `request.decide` and then make one
    commit that carries the returned token. What `decide` raises passes through: nothing becomes visible. After a write
    the object is used up. They raise:

    - `CommitConflictError` when the table moved on in a way that this write can't follow: plan again;
    - `UnknownOutcomeError` when it can't be said whether the commit landed: ask `committed`;
    - `SourceError`, `TransformError`, `DestinationError` as `FileOps.stage`.
    """

    @property
    @abstractmethod
    def exists(self) -> bool:
        """Whether there is a table."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Identity and version of the table's content: equal texts mean equal rows."""

    @abstractmethod
    def schema(self) -> Schema:
        """Return the table's columns."""

    @abstractmethod
    def scan(self) -> Frame:
        """Return the table's rows, lazily."""

    @abstractmethod
    def append(self, frame: Frame, request: WriteRequest[Frame]) -> WriteResult:
        """Add the rows; create the table when there is none."""

    @abstractmethod
    def overwrite(self, frame: Frame, request: WriteRequest[Frame], *, where: Expr | None = None) -> WriteResult:
        """Replace all rows, or those for which `where` is true; create the table when there is none."""

    @abstractmethod
    def merge(self, frame: Frame, plan: MergePlan[Frame], request: WriteRequest[Frame]) -> WriteResult:
        """Update, replace or delete matching rows and insert others, as `plan` says; create a table that is missing."""

    @abstractmethod
    def committed(self, dataflow_id: str, *, after: int = -1) -> Commit | None:
        """Return the newest commit of a dataflow when its `seq` is above `after`, else `None`.

        Raises:
            DestinationError: the commit is known to exist, but what it says is no longer in the table's log.
        """

    @abstractmethod
    def history(self, limit: int) -> Sequence[Mapping[str, object]]:
        """Return the newest commits, newest first, as the format records them."""


@runtime_checkable
class CanOptimize(Protocol):
    """A table whose files can be joined while others load into it.

    What `TableOps.committed` returns for any dataflow stays the same.
    """

    def optimize(
        self, *, zorder_by: Sequence[str] = (), options: Mapping[str, object], if_due: bool = False
    ) -> Tidied | None:
        """Join small files in a commit that changes no row; return `None` when there was nothing to do.

        Args:
            zorder_by: columns, in any case: write all files again, with rows ordered so that each file holds small
                ranges of each of them.
            options: `write_options` under Spark's names.
            if_due: do nothing unless there are many small files.

        Raises:
            CommitConflictError: somebody else's commit removed files that were being joined.
            DestinationError: a column does not exist, or the table has a feature that the engine can't handle.
        """


@runtime_checkable
class CanVacuum(Protocol):
    """A table from which files that nobody needs can be removed while others load into it.

    What `TableOps.committed` returns for any dataflow stays the same.
    """

    def vacuum(self, *, keep: timedelta, leftovers: bool, if_due: bool = False) -> Tidied | None:
        """Remove files that no version of the last `keep` needs; return `None` when there was nothing to do.

        Args:
            keep: for how long a version that was replaced stays readable. A longer time that the table asks for wins.
            leftovers: remove also files of no version at all that nobody wrote to for a day: what dead loads staged.
                To be left alone while a load may have staged its files so long ago.
            if_due: do nothing when this was done within the last day.

        Raises:
            CommitConflictError: somebody else's commit came in between.
            DestinationError: the table has a feature that the engine can't handle, or the storage refuses.
        """


@runtime_checkable
class ListsFiles(Protocol):
    """A table that can say which files it is made of, for readers that don't know its format."""

    def files_by_partition(self) -> Mapping[str, Sequence[str]]:
        """Return paths or URIs of the newest version's data files by the folder of their partition (`a=1/b=2`).

        A table without partitions has the one folder `""`.
        """


@runtime_checkable
class CountsRows(Protocol):
    """Frame operations that can count the rows of a pass while it runs."""

    def counted(self, frame: AnyFrame, count: Callable[[int], None]) -> AnyFrame:
        """Return the same rows; `count` is called, in any thread, with the number of rows of each piece that passes."""


@runtime_checkable
class NamesWork(Protocol):
    """An engine whose own tools show what it runs."""

    def naming(self, name: str) -> AbstractContextManager[None]:
        """Show what this thread evaluates inside under a name: that of a dataflow."""


@runtime_checkable
class EndsWork(Protocol):
    """An engine that can end what it evaluates for one dataflow, and go on with the others."""

    def end_work(self, name: str) -> None:
        """End what is evaluated inside `NamesWork.naming(name)`, in any thread: it raises `InterruptedPassError`.

        Returns at once; what is evaluated there until `naming` is left ends too.
        """


@runtime_checkable
class PromisesLess(Protocol):
    """An engine some of whose loads into tables can't promise all that is promised of their load type."""

    def unpromised(self, uri: str | None, kind: Format, load_type: LoadType) -> str:
        """Return what a load can't promise; mostly nothing. Nothing is started to find out.

        Args:
            uri: where the table is; `None` for one that a catalog has by name.
            kind: the format of the table.
            load_type: of the load.
        """


class QueryOps(ABC, Generic[Frame]):
    """Rows of SQL databases."""

    @abstractmethod
    def scan(self, request: QueryScan) -> Frame:
        """Return the rows of a query, pushed down and fetched in batches.

        Raises:
            SourceError: the database refuses, or the engine has no SQL sources.
        """


class BaseEngine(ABC, Generic[Frame]):
    """An engine: `frames`, `files` and `queries` are stateless, `table` opens one table.

    Registered under the entry-point group `datacoolie.engines`:

        [project.entry-points."datacoolie.engines"]
        polars = "datacoolie_engine_polars:PolarsEngine"
    """

    contract_version: ClassVar[int] = 1
    """Moves when plugins have to be changed; a plugin of another package states the one that it is built for."""

    name: ClassVar[str]
    capabilities: ClassVar[EngineCapabilities]
    frames: FrameOps[Frame]
    files: FileOps[Frame]
    queries: QueryOps[Frame]

    @abstractmethod
    def table(self, ref: TableRef) -> TableOps[Frame]:
        """Open a table at its current version, or at `ref.version`.

        Raises:
            EngineError: the engine has no such table format.
            DestinationError: what is there is no table of this format, or has a feature the engine can't handle.
        """

    @abstractmethod
    def interrupt(self) -> None:
        """End every pass that is running, in any thread: it raises `InterruptedPassError` and leaves no file."""
