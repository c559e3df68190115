"""Tables as sources: Delta (and other table formats) by path, at one version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie.core.exceptions import SourceError
from datacoolie.engines import TableRef
from datacoolie.sources import watermarks
from datacoolie.sources.base import BaseSource, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.engines import Observation, Observed
    from datacoolie.state import Mark

Frame = TypeVar("Frame")


class TableSource(BaseSource[Frame], Generic[Frame]):
    """Rows of a table as of the version that was current when the window was resolved."""

    @property
    def location(self) -> str:
        """The table's path."""
        source = self.flow.source
        return self.platform.resolve(self.connection.location(source.schema_name, source.table))

    def window(self, mark: Mark | None) -> Window | None:
        """Pin the table's version; nothing is new while it is the version of the mark."""
        table = self.engine.table(self._ref())
        if not table.exists:
            message = f"{self.location}: there is no {self.connection.format} table to read"
            raise SourceError(message, {"path": self.location})
        version = table.version
        if mark is not None and self.row_watermarks and mark.position.get("version") == version:
            return None
        return Window(low=mark, version=version, position={"version": version})

    def scan(self, window: Window) -> Frame:
        """Scan the pinned version, above the mark."""
        frame = self.engine.table(self._ref(window.version)).scan()
        return watermarks.above_mark(self.engine.frames, frame, self.row_watermarks, window.low, self.location)

    def observe(self, frame: Frame) -> Mapping[str, Observation[Frame]]:
        """Observe the largest watermark values."""
        return watermarks.observations(self.engine.frames, frame, self.row_watermarks, self.location)

    def mark(self, window: Window, observed: Observed) -> Mark:
        """Return the largest values seen, and the version."""
        return watermarks.next_mark(window.low, self.row_watermarks, observed, window.position)

    def verify(self, window: Window) -> None:
        """Do nothing: a version never changes."""

    def _ref(self, version: str | None = None) -> TableRef:
        return TableRef(
            format=self.connection.format,
            path=self.location,
            version=version,
            storage_options=self.platform.storage_options(self.location),
        )
