"""Files as the unit of increment: which files of a listing no load has seen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from datacoolie.core.models import MODIFIED
from datacoolie.sources import lookback
from datacoolie.sources.base import Bound, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie.core.models import Backward
    from datacoolie.platforms import FileInfo
    from datacoolie.state import Mark

_REMEMBERED = 500
"""How many file names a mark holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Files below a folder, by their modification times.

    Attributes:
        root: the folder.
        backward: the look-back, if there is one.
        lag: how far the high bound stays behind the newest file.
    """

    root: str
    backward: Backward | None = None
    lag: timedelta | None = None

    def window(self, files: Sequence[FileInfo], mark: Mark | None) -> Window | None:
        """Return the window of the files that are new, and of those that a look-back reads again.

        `None` when no file is new.
        """
        low = cast("datetime | None", mark.values.get(MODIFIED)) if mark else None
        high = self._high(files, low)
        settled = [file for file in files if high is None or file.modified <= high]
        new = self._unseen(settled, mark, low)
        if not new:
            return None
        since = low
        if self.backward is not None and low is not None:
            since = cast("datetime", lookback.look_back(low, self.backward))
            paths = {file.path for file in new}
            new = tuple(file for file in settled if file.modified >= since or file.path in paths)
        return Window(
            mark=mark,
            low=None if since is None else Bound(values={MODIFIED: since}, inclusive=self.backward is not None),
            high=None if high is None else Bound(values={MODIFIED: high}, inclusive=True),
            files=new,
            position=self._position(settled),
        )

    def span(self, files: Sequence[FileInfo], low: Bound, high: Bound, mark: Mark | None) -> Window | None:
        """Return the window of the files between two modification times; `None` when there are none."""
        start, end = cast("datetime", low.values[MODIFIED]), cast("datetime", high.values[MODIFIED])
        until = [file for file in files if file.modified < end]
        inside = tuple(file for file in until if file.modified >= start)
        if not inside:
            return None
        position = self._position(until)
        return Window(mark=mark, low=low, high=high, replayed=True, files=inside, position=position)

    def mark(self, window: Window) -> datetime:
        """Return the modification time up to which files were loaded."""
        old = window.mark.values.get(MODIFIED) if window.mark else None
        if window.high is not None and not window.replayed:
            return cast("datetime", window.high.values[MODIFIED])
        times = [file.modified for file in window.files]
        return max([*times, old] if isinstance(old, datetime) else times)

    def _high(self, files: Sequence[FileInfo], low: datetime | None) -> datetime | None:
        if self.lag is None or not files:
            return None
        high = cast("datetime", lookback.before(max(file.modified for file in files), self.lag))
        return high if low is None else max(high, low)

    def _unseen(self, files: Sequence[FileInfo], mark: Mark | None, low: datetime | None) -> tuple[FileInfo, ...]:
        """Keep the files that no earlier load has seen: newer than the mark, or arrived late with an older time.

        A file that is moved into the folder keeps its old time, so time alone would lose it: names of the newest
        `_REMEMBERED` files are part of the mark's position, and only files older than all of these go by time alone.
        """
        if mark is None or low is None:
            return tuple(files)
        if "seen" not in mark.position:  # a mark that somebody set
            return tuple(file for file in files if file.modified > low)
        seen = set(cast("list[str]", mark.position["seen"]))
        floor = mark.position.get("floor")
        since = datetime.fromisoformat(str(floor)) if floor else None
        return tuple(
            file
            for file in files
            if file.modified > low or ((since is None or file.modified >= since) and self._key(file) not in seen)
        )

    def _position(self, files: Sequence[FileInfo]) -> dict[str, object]:
        known = sorted(files, key=lambda file: file.modified, reverse=True)
        position: dict[str, object] = {}
        if len(known) > _REMEMBERED:
            oldest = known[_REMEMBERED - 1].modified
            known = [file for file in known if file.modified >= oldest]
            position["floor"] = oldest.isoformat()
        position["seen"] = sorted(self._key(file) for file in known)
        return position

    def _key(self, file: FileInfo) -> str:
        """Return a short name of the file, the same wherever the folder is mounted."""
        relative = file.path.removeprefix(self.root).replace("\\", "/").lstrip("/")
        return hashlib.blake2b(relative.encode(), digest_size=6).hexdigest()
