"""Tables as sources: Delta and Iceberg, at one version."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie.core.exceptions import SourceError
from datacoolie.engines.places import location_of, table_ref
from datacoolie.sources.base import BaseSource, Reading, Window
from datacoolie.sources.columns import type_of
from datacoolie.sources.watermarks import Watermarks

if TYPE_CHECKING:
    from datacoolie.core.types import DataType
    from datacoolie.engines import Observed, TableOps, TableRef
    from datacoolie.sources.base import Bound
    from datacoolie.state import Mark

Frame = TypeVar("Frame")


class TableSource(BaseSource[Frame], Generic[Frame]):
    """Rows of a table as of the version that was current when the window was resolved."""

    @property
    def location(self) -> str:
        """The table's path, or its name."""
        return location_of(self.flow.source, self.connection, self.platform)

    def window(self, mark: Mark | None) -> Window | None:
        """Pin the table's version; nothing is new while it is the version of the mark."""
        table = self._current()
        version = table.version
        if mark is not None and self.flow.source.watermark_columns and mark.position.get("version") == version:
            return None
        low, high = self._watermarks.low(mark), None
        if self._watermarks.freezes:
            high = self._watermarks.high(table.scan(), mark)
            if self._watermarks.is_behind(high, mark):
                return None
        return Window(mark=mark, low=low, high=high, version=version, position={"version": version})

    def column_type(self, column: str) -> DataType:
        """Look at the table's schema."""
        return type_of(column, self._current().schema(), self.location)

    def span(self, low: Bound, high: Bound, mark: Mark | None) -> Window | None:
        """Pin the table's version."""
        return Window(mark=mark, low=low, high=high, replayed=True, version=self._current().version)

    def read(self, window: Window) -> Reading[Frame]:
        """Scan the rows of the window at the pinned version."""
        return self._watermarks.read(self.engine.table(self._ref(window.version)).scan(), window)

    def mark(self, window: Window, observed: Observed) -> Mark:
        """Return the largest values seen, and the version."""
        return self._watermarks.mark(window, observed)

    def verify(self, window: Window) -> None:
        """Do nothing: a version never changes."""

    @cached_property
    def _watermarks(self) -> Watermarks[Frame]:
        source = self.flow.source
        return Watermarks(
            self.engine.frames,
            source.watermark_columns,
            source.settings.watermark,
            backward=source.look_back(self.connection),
            where=self.location,
        )

    def _current(self) -> TableOps[Frame]:
        table = self.engine.table(self._ref())
        if table.exists:
            return table
        message = f"{self.location}: there is no {self.connection.format} table to read"
        raise SourceError(message, {"path": self.location})

    def _ref(self, version: str | None = None) -> TableRef:
        return table_ref(self.flow.source, self.connection, self.platform, version=version)
