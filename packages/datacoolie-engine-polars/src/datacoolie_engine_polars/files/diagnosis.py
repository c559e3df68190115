"""Which file broke a pass: Polars doesn't say, so the files that this thread scanned are read again one by one."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_REMEMBERED = 8
"""How many scans of a thread are looked at again."""


class ScanLog(threading.local):
    """The newest scans of each thread. A load scans and stages in one thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._scans: deque[tuple[Sequence[str], Callable[[str], str | None]]] = deque(maxlen=_REMEMBERED)

    def remember(self, paths: Sequence[str], find_fault: Callable[[str], str | None]) -> None:
        """Remember files and the function that reads one again and says what is wrong with it, or `None`."""
        self._scans.append((paths, find_fault))

    def find_broken(self) -> tuple[str, str] | None:
        """Return the first file that can't be read, and what is wrong with it."""
        for paths, find_fault in reversed(self._scans):
            for path in paths:
                if fault := find_fault(path):
                    return path, fault
        return None
