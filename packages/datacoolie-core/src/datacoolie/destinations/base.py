"""The destination contract: one atomic commit per load, recognisable by its token."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from datacoolie.engines.places import location_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from datacoolie.core.models import Connection, DataFlow
    from datacoolie.destinations.scd2_columns import HistoryColumns
    from datacoolie.engines import BaseEngine, Commit, Decide, Observation, PartitionField, Tidied, WriteResult
    from datacoolie.platforms import BasePlatform
    from datacoolie.sql import Expr

Frame = TypeVar("Frame")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest(Generic[Frame]):
    """How a load is committed.

    Attributes:
        run_id: the run; part of the names of staged files.
        stem: how names of data files begin, unique to this attempt.
        decide: turns what was observed into the commit's token and metadata, or raises.
        observe: evaluated in the writing pass.
        merge_keys: as the frame spells them.
        partition_by: columns as the frame spells them.
        history: which columns mean what, for `scd2`.
        replaced: the rows of the target of which the frame takes the place, where keys don't tell.
        stamps: values of the system columns in rows that a load makes of others.
        size: about how many bytes the rows take as Parquet; `None` when that is not known.
        renames: columns of the frame by the name that earlier loads may have given them.
    """

    run_id: str
    stem: str
    decide: Decide
    observe: Mapping[str, Observation[Frame]] = field(default_factory=dict)
    merge_keys: tuple[str, ...] = ()
    partition_by: tuple[PartitionField, ...] = ()
    history: HistoryColumns | None = None
    replaced: Expr | None = None
    stamps: Mapping[str, Expr] = field(default_factory=dict)
    size: int | None = None
    renames: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CareRequest:
    """What is to be done for the table or folder of a destination.

    Attributes:
        optimize: join small files.
        zorder_by: columns to order rows by.
        vacuum: remove files that nobody needs.
        keep: for how long versions that were replaced stay readable.
        live_runs: runs that are loading into it now.
        if_due: do only what is worth its time after a load.
    """

    optimize: bool
    zorder_by: tuple[str, ...] = ()
    vacuum: bool
    keep: timedelta
    live_runs: frozenset[str]
    if_due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cared:
    """What was done; `None` stands for nothing."""

    optimized: Tidied | None = None
    vacuumed: Tidied | None = None


class BaseDestination(ABC, Generic[Frame]):
    """The destination of one dataflow, for one attempt to load.

    Registered under the entry-point group `datacoolie.destinations` by connection type:

        [project.entry-points."datacoolie.destinations"]
        lakehouse = "datacoolie.destinations.lakehouse:TableDestination"
    """

    contract_version: ClassVar[int] = 1
    """Moves when plugins have to be changed; a plugin of another package states the one that it is built for."""

    def __init__(
        self, *, flow: DataFlow, connection: Connection, engine: BaseEngine[Frame], platform: BasePlatform
    ) -> None:
        """Keep what the destination is made of; nothing is read yet."""
        self.flow = flow
        self.connection = connection
        self.engine = engine
        self.platform = platform

    @property
    def location(self) -> str:
        """Where the rows go, in the same form as a source's location; for messages and dependencies."""
        return location_of(self.flow.destination, self.connection, self.platform)

    @property
    @abstractmethod
    def identity(self) -> str | None:
        """What tells the table that is there from another at the same place; `None` when none is there."""

    def recover(self) -> None:
        """Finish what a commit may have left unfinished; called under the flow's lease before anything else."""

    def follow(self) -> None:
        """Let what other engines read follow the newest commit; called under the lease after each, until it succeeds.

        Raises:
            DataCoolieError: that failed; the commit stays, and the next run tries again.
        """

    @abstractmethod
    def committed(self, *, after: int) -> Commit | None:
        """Return the flow's newest commit when its `seq` is above `after`; changes nothing.

        Raises:
            CommitForgottenError: there is such a commit, but what it says is gone.
            DestinationError: what is there can't be written by this flow.
        """

    @abstractmethod
    def load(self, frame: Frame, request: LoadRequest[Frame]) -> WriteResult:
        """Write the frame as the flow's load type says, in one commit.

        Raises:
            CommitConflictError: somebody else's commit came first; plan the load again.
            UnknownOutcomeError: ask `committed` of a new destination whether the commit landed.
            DestinationError: writing failed; the destination is as before.
        """

    @abstractmethod
    def clear(self, request: LoadRequest[Frame]) -> WriteResult:
        """Remove all rows, in one commit; a target that is not there stays so. Raises as `load`."""

    @abstractmethod
    def care(self, request: CareRequest) -> Cared:
        """Keep what is there small and fast, while others may load into it.

        Raises:
            CommitConflictError: somebody else's commit came in between; try again with a new destination.
            DestinationError: this kind of destination can't be cared for, or not in this way.
        """
