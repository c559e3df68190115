"""The source contract: find out cheaply what is new, then scan exactly that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.models import Connection, DataFlow
    from datacoolie.core.types import DataType
    from datacoolie.engines import BaseEngine, Observation, Observed
    from datacoolie.platforms import BasePlatform, FileInfo
    from datacoolie.state import Mark

Frame = TypeVar("Frame")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One end of a window: values of watermark columns.

    Attributes:
        values: value by column, as the metadata names it; `None` in a low bound where no row has had a value yet, so
            that any value is above it, and in a high bound where every value is below it.
        inclusive: whether rows that have just this value are inside.
    """

    values: Mapping[str, object]
    inclusive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The frozen input of one load: reading it twice gives the same rows, or an error.

    A row is inside when any column of `low` is above it and no column of `high` is: `watermarks.inside`.

    Attributes:
        mark: the saved mark that the load goes on from; `None` on a first load.
        low: where the window begins; `None` for the beginning of all.
        high: where it ends; `None` for the end of what is there.
        replayed: the bounds come from a replay, not from the mark.
        files: the files to read, when the source has files.
        version: the table version to read, when the source is a table.
        position: what the source wants to find again beside the next mark.
    """

    mark: Mark | None = None
    low: Bound | None = None
    high: Bound | None = None
    replayed: bool = False
    files: tuple[FileInfo, ...] = ()
    version: str | None = None
    position: Mapping[str, object] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the files, as listed."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[Frame]):
    """The rows of a window, lazily.

    Attributes:
        frame: the rows to load.
        observe: what has to be observed in the pass in order to know the next mark.
    """

    frame: Frame
    observe: Mapping[str, Observation[Frame]]


class BaseSource(ABC, Generic[Frame]):
    """The source of one dataflow.

    Registered under the entry-point group `datacoolie.sources` by connection type:

        [project.entry-points."datacoolie.sources"]
        file = "datacoolie.sources.files:FileSource"
    """

    contract_version: ClassVar[int] = 1
    """Moves when plugins have to be changed; a plugin of another package states the one that it is built for."""

    def __init__(
        self, *, flow: DataFlow, connection: Connection, engine: BaseEngine[Frame], platform: BasePlatform
    ) -> None:
        """Keep what the source is made of; nothing is read yet."""
        self.flow = flow
        self.connection = connection
        self.engine = engine
        self.platform = platform

    @property
    @abstractmethod
    def location(self) -> str:
        """Where the rows are, in the same form as a destination's location; for messages and dependencies."""

    @abstractmethod
    def window(self, mark: Mark | None) -> Window | None:
        """Resolve what is new since `mark` without reading data; `None` when nothing is.

        Raises:
            SourceError: there is no such source, or it is empty before anything was ever loaded.
            WatermarkError: the mark doesn't fit the source.
        """

    @abstractmethod
    def column_type(self, column: str) -> DataType:
        """Return the type of a column by which rows can be chosen.

        Raises:
            SourceError: the source can't be read.
            WatermarkError: the column is missing, or rows can't be chosen by it.
        """

    @abstractmethod
    def span(self, low: Bound, high: Bound, mark: Mark | None) -> Window | None:
        """Return the window between two bounds of one column, for a replay; `None` when there is nothing to read.

        Args:
            low: inclusive.
            high: exclusive.
            mark: the saved mark, which `mark` of the window does not go back behind.
        """

    @abstractmethod
    def read(self, window: Window) -> Reading[Frame]:
        """Return the rows of the window, lazily, and what to observe on the way.

        Raises:
            SourceError: the source can't be read.
            WatermarkError: a watermark column is missing or its type is not the mark's.
        """

    def parquet_size(self, window: Window) -> int | None:  # noqa: ARG002 - for sources that know
        """Return about how many bytes the window's rows take as Parquet; `None` when that is not known."""
        return None

    @abstractmethod
    def mark(self, window: Window, observed: Observed) -> Mark:
        """Return the mark after a load of this window; without watermark columns only a position.

        Raises:
            WatermarkError: a column holds NaN, or rows without watermark are there and must not be.
        """

    @abstractmethod
    def verify(self, window: Window) -> None:
        """Make sure that the window still is what was frozen; called after reading, before the commit.

        Raises:
            SourceError: a file changed or went away while it was read.
        """
