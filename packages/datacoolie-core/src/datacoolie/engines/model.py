"""What the framework and an engine say to each other: frozen records, no behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar

from datacoolie.core.exceptions import DestinationError, EngineError, ErrorClass
from datacoolie.platforms.storage import Storage

if TYPE_CHECKING:
    from datacoolie.core.models import LoadType, SchemaPolicy
    from datacoolie.platforms.base import FileInfo
    from datacoolie.sql import Aggregate

Frame = TypeVar("Frame")


class CommitConflictError(DestinationError):
    """Somebody else's commit came first; the load has to be planned again."""

    default_class = ErrorClass.CONFLICT


class CommitForgottenError(DestinationError):
    """A destination has a commit of a flow, but no longer says up to where it loaded.

    Attributes:
        seq: number of the commit.
    """

    default_class = ErrorClass.CONFIGURATION

    def __init__(self, where: str, seq: int, dataflow_id: str) -> None:
        """Say where, and which load of which flow."""
        super().__init__(
            f"{where}: load {seq} of dataflow {dataflow_id} is in the table, but the table no longer says up to where "
            "it loaded. Set the mark from which to go on (datacoolie state set), or load everything again (datacoolie "
            "state reset)",
            {"path": where, "seq": seq, "dataflow_id": dataflow_id},
        )
        self.seq = seq


class UnknownOutcomeError(DestinationError):
    """Whether a commit landed is unknown; ask the destination for its token."""

    default_class = ErrorClass.UNKNOWN_OUTCOME


class InterruptedPassError(EngineError):
    """A pass was ended by `BaseEngine.interrupt`; nothing of it is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCapabilities:
    """Facts about an engine that are needed before calling it.

    Attributes:
        reads: flat-file formats that `FileOps.scan` takes.
        writes: flat-file formats that `FileOps.stage` takes.
        tables: table formats, each with the load types the engine can commit on them.
        table_paths: table formats whose tables are addressed by path.
        table_names: table formats whose tables are addressed by their name in a catalog.
        observes: aggregates come from the writing pass itself; otherwise the engine evaluates them first.
        queries: SQL sources work.
        optimizes: table formats whose tables are a `CanOptimize`.
        vacuums: table formats whose tables are a `CanVacuum`.
    """

    reads: frozenset[str]
    writes: frozenset[str]
    tables: Mapping[str, frozenset[LoadType]]
    table_paths: frozenset[str] = frozenset()
    table_names: frozenset[str] = frozenset()
    observes: bool = True
    queries: bool = False
    optimizes: frozenset[str] = frozenset()
    vacuums: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Token:
    """What makes a commit recognisable. Tokens of one dataflow are ordered by `seq`, which never restarts.

    Attributes:
        seq: number of the load, counted over all epochs.
        epoch: raised by a reset of the state: commits of older epochs no longer give a mark.
        dataflow_id: whose commit it is.
    """

    seq: int
    epoch: int
    dataflow_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A token and what is stored with it: flow, run, window and mark, as JSON texts by name."""

    token: Token
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WindowFunction:
    """A column that looks at neighbouring rows.

    Attributes:
        function: `lag` and `lead` give the value of the row before or after, null at the ends; `same_as_lag` and
            `same_as_lead` whether there is such a row and has the same values, null being equal to null;
            `running_count` the number of rows so far, with this one, for which it is true.
        columns: whose values; one, boolean for `running_count`, or any number for `same_as_...`.
    """

    function: Literal["lag", "lead", "same_as_lag", "same_as_lead", "running_count"]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation(Generic[Frame]):
    """An aggregate over a frame on the way to what is written, evaluated in the writing pass."""

    frame: Frame
    aggregate: Aggregate


Observed: TypeAlias = Mapping[str, object]
"""Python values of observations by name."""

Decide: TypeAlias = Callable[[Observed], Commit]
"""Called once after staging, before the commit; raising leaves nothing visible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileScan:
    """Flat files to read.

    Attributes:
        format: `parquet`, `csv`, `json`, `jsonl`, ...
        root: the folder below which hive partitions are found (`root/year=2024/...`).
        files: exactly these; never empty.
        options: `read_options` under Spark's names, values possibly as text; engine-only ones below the engine's name.
        hive_partitioning: add columns from `name=value` folders below `root`.
        file_columns: which of `__file_name`, `__file_path`, `__file_modification_time` to add.
        storage: how to get at them.
    """

    format: str
    root: str
    files: tuple[FileInfo, ...]
    options: Mapping[str, object] = field(default_factory=dict)
    hive_partitioning: bool = False
    file_columns: frozenset[str] = frozenset()
    storage: Storage = field(default_factory=Storage)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWrite(Generic[Frame]):
    """Flat files to write.

    Attributes:
        format: `parquet`, `csv`, `jsonl`, `json`, `avro`.
        folder: an existing or new folder that holds nothing but what this write makes.
        stem: how names of files begin; without a dot.
        partition_by: columns that become `name=value` folders and are left out of the files.
        single_file: write one file, whatever its size.
        size: about how many bytes the rows take as Parquet; `None` when that is not known.
        options: `write_options` under Spark's names.
        observe: evaluated in the same pass.
        storage: how to get at the folder.
    """

    format: str
    folder: str
    stem: str
    partition_by: tuple[str, ...] = ()
    single_file: bool = False
    size: int | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    observe: Mapping[str, Observation[Frame]] = field(default_factory=dict)
    storage: Storage = field(default_factory=Storage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """What one pass wrote, unseen, and observed.

    Attributes:
        rows: rows of all files.
        extension: how names of the files are to end, from their first dot on: `parquet`, `csv.gz`.
        observed: values by the names of `FileWrite.observe`.
    """

    rows: int
    extension: str
    observed: Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRef:
    """Where a table is: by path, or by its name in a catalog.

    Attributes:
        format: `delta`, `iceberg`.
        path: absolute path or URI.
        name: `schema.table`, in `catalog`.
        catalog: what the catalog is called.
        catalog_options: how to reach it: `type`, `uri`, `warehouse`, ...
        version: read this version instead of the newest.
        writes: whether it may be written to.
        storage: how to get at its files.
    """

    format: str
    path: str | None = None
    name: str | None = None
    catalog: str = "default"
    catalog_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    version: str | None = None
    writes: bool = False
    storage: Storage = field(default_factory=Storage)

    def __str__(self) -> str:
        """Return `delta table 'PATH or NAME'`, for messages."""
        return f"{self.format} table {self.path or self.name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionField:
    """What a table is partitioned by.

    Attributes:
        column: whose values.
        transform: `identity` for the values as they are; else `years`, `months`, `days`, `hours`, `bucket` or
            `truncate`, where the format has hidden partitions.
        width: the number of buckets, or how much of a value stays.
        name: of a hidden partition.
    """

    column: str
    transform: str = "identity"
    width: int | None = None
    name: str | None = None

    def __str__(self) -> str:
        """Return it as users write it: `region`, `days(at)`, `bucket(16, id)`."""
        if self.transform == "identity":
            return self.column
        return f"{self.transform}({self.column if self.width is None else f'{self.width}, {self.column}'})"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest(Generic[Frame]):
    """How a table is written.

    Attributes:
        decide: turns what was observed into the commit's token and metadata.
        observe: evaluated in the writing pass.
        partition_by: how a table that is created is partitioned; an existing table keeps its own.
        schema_policy: what happens to columns and types that the table does not have.
        options: `write_options` under Spark's names.
        stem: how names of data files begin.
        size: about how many bytes the rows take as Parquet; `None` when that is not known.
        renames: columns of the rows by the name that the table may have them under, which it gives up when it may
            evolve.
    """

    decide: Decide
    observe: Mapping[str, Observation[Frame]] = field(default_factory=dict)
    partition_by: tuple[PartitionField, ...] = ()
    schema_policy: SchemaPolicy
    options: Mapping[str, object] = field(default_factory=dict)
    stem: str
    size: int | None = None
    renames: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild(Generic[Frame]):
    """Makes the rows of a merge from the batch and from what the table holds, in memory of the batch's size.

    Attributes:
        make: gets the batch and the table's rows of its keys (all columns; `None` when there is no table) and returns
            the rows to merge.
        keys: which rows of the table `make` gets: those that have these columns in common with the batch, null equal
            to null; `None` for all rows.
    """

    make: Callable[[Frame, Frame | None], Frame]
    keys: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePlan(Generic[Frame]):
    """How rows of a batch meet those of a table: they match when all keys are equal, null equals null.

    By default an upsert: a matched row is updated, any other is inserted, and no key may be in the batch twice, else
    the merge fails naming the keys.

    Attributes:
        keys: column names.
        keep: columns that a matched row keeps from the table.
        replace: instead of updating, remove all matched rows of the table and insert the whole batch, in which a key
            may be several times.
        delete: a boolean column of the batch that the table does not get: a row for which it is true removes the
            row that it matches, and is not inserted.
        rebuild: what the batch becomes before it is merged; `observe` still sees the frames as they were.
    """

    keys: tuple[str, ...]
    keep: tuple[str, ...] = ()
    replace: bool = False
    delete: str | None = None
    rebuild: Rebuild[Frame] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """What a commit did, from the commit itself.

    Attributes:
        version: the table's version after it; empty when the destination has none.
        identity: tells the table that this commit made from any other; `None` when it was there before.
        rows: rows written that come from the batch.
        size: bytes written.
        files: files added.
        removed_files: files removed or replaced.
        inserted: rows that were new, for a merge.
        updated: rows that matched, for a merge.
        deleted: rows of the table that are gone and that no row of the batch takes the place of, for a merge.
        schema_changes: how the table's schema changed, each for people: `n: int -> bigint`.
    """

    version: str
    rows: int
    size: int
    files: int
    removed_files: int = 0
    inserted: int | None = None
    updated: int | None = None
    deleted: int | None = None
    schema_changes: tuple[str, ...] = ()
    identity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """What care did to the files of a table or folder.

    Attributes:
        files: files added.
        size: their bytes.
        removed_files: files removed, or no longer part of the table's newest version.
        removed_size: their bytes, as far as they are known.
    """

    files: int = 0
    size: int = 0
    removed_files: int = 0
    removed_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryScan:
    """A SQL query to read.

    Attributes:
        url: where the database is, without credentials in messages.
        query: one SELECT statement.
    """

    url: str
    query: str
