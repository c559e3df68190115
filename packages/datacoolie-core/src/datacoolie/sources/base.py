"""The source contract: find out cheaply what is new, then scan exactly that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.models import Connection, DataFlow
    from datacoolie.engines import BaseEngine, Observation, Observed
    from datacoolie.platforms import BasePlatform, FileInfo
    from datacoolie.state import Mark

Frame = TypeVar("Frame")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The frozen input of one load: scanning it twice gives the same rows, or an error.

    Attributes:
        low: the mark above which rows are new; `None` on a first load.
        files: the files to read, when the source has files.
        version: the table version to read, when the source is a table.
        position: what the source wants to find again beside the next mark.
    """

    low: Mark | None = None
    files: tuple[FileInfo, ...] = ()
    version: str | None = None
    position: Mapping[str, object] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the files, as listed."""
        return sum(file.size for file in self.files)


class BaseSource(ABC, Generic[Frame]):
    """The source of one dataflow.

    Registered under the entry-point group `datacoolie.sources` by connection type:

        [project.entry-points."datacoolie.sources"]
        file = "datacoolie.sources.files:FileSource"
    """

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

    @property
    def row_watermarks(self) -> list[str]:
        """The watermark columns by which rows are new or not."""
        return self.flow.source.watermark_columns

    @abstractmethod
    def window(self, mark: Mark | None) -> Window | None:
        """Resolve what is new since `mark` without reading data; `None` when nothing is.

        Raises:
            SourceError: there is no such source, or it is empty before anything was ever loaded.
            WatermarkError: the mark doesn't fit the source.
        """

    @abstractmethod
    def scan(self, window: Window) -> Frame:
        """Return the rows of the window, lazily.

        Raises:
            SourceError: the source can't be read.
            WatermarkError: a watermark column is missing or its type is not the mark's.
        """

    @abstractmethod
    def observe(self, frame: Frame) -> Mapping[str, Observation[Frame]]:
        """Return what has to be observed on the scanned frame in order to know the next mark."""

    @abstractmethod
    def mark(self, window: Window, observed: Observed) -> Mark:
        """Return the mark after a load of this window; without watermark columns only a position."""

    @abstractmethod
    def verify(self, window: Window) -> None:
        """Make sure that the window still is what was frozen; called after reading, before the commit.

        Raises:
            SourceError: a file changed or went away while it was read.
        """
