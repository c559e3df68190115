"""Which source file broke a query, and what is wrong with it.

Spark names the file, as a URI, and says what its reader stumbled over. Faults that queries look for themselves are said
by `raise_error`. Files that this thread scanned are looked at again, for a reason that helps.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import unquote

from datacoolie.core.exceptions import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MARK = "datacoolie.fault:"
_END = "\u0001"
_MARKED = re.compile(f"{re.escape(_MARK)}([^{_END}]*){_END}([^{_END}]*){_END}")
_READING = re.compile(r"FAILED_READ_FILE|PATH_NOT_FOUND|Could not read file|FileNotFoundException")
_REMEMBERED = 8
"""How many scans of a thread are looked at again."""


class _Scans(threading.local):
    """The newest scans of each thread. A load scans and writes in one thread."""

    def __init__(self) -> None:
        self.newest: deque[tuple[Sequence[str], Callable[[str], str | None]]] = deque(maxlen=_REMEMBERED)


_SCANS = _Scans()


def remember(paths: Sequence[str], explain: Callable[[str], str | None]) -> None:
    """Remember files that are scanned, and what looks at one again and says what is wrong with it, or `None`."""
    _SCANS.newest.append((paths, explain))


def raised(path: str, fault: str) -> str:
    """Return the SQL that raises a fault, from the SQL of the file's path and of what is wrong with it."""
    return f"raise_error(concat('{_MARK}', {path}, '{_END}', {fault}, '{_END}'))"


def blamed(text: str, why: str) -> SourceError | None:
    """Return the error for a file that Spark could not read; `None` when it says nothing of one.

    Args:
        text: all that Spark says.
        why: what it says in one line.
    """
    marked = _MARKED.search(text)
    if marked:
        return _fault(marked[1], marked[2])
    if not _READING.search(text):
        return None
    plain = unquote(text)
    named = [path for paths, _ in _SCANS.newest for path in paths if _below_scheme(path) in plain]
    return _fault(max(named, key=len), why) if named else None


def _fault(path: str, why: str) -> SourceError:
    explains = (explain for paths, explain in reversed(_SCANS.newest) if path in paths)
    explain = next(explains, None)
    return SourceError(f"{path}: {(explain and explain(path)) or why}", {"path": path})


def _below_scheme(path: str) -> str:
    return path.partition("://")[2] or path
