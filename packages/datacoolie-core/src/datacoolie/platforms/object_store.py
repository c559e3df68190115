"""What all object stores have in common: no folders, no rename, and requests that can run side by side."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacoolie.platforms.base import BasePlatform, PathNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from datacoolie.platforms.base import FileInfo

AT_A_TIME = 16
"""Requests that run at the same time."""


_REQUEST = re.compile(r"Error performing (?P<verb>[A-Z]+) (?P<url>\S+)")
_STATUS = re.compile(r"\b(?P<status>[45]\d\d) [A-Z]")
_SAID = re.compile(r"<(?:Code|Message)>(?P<text>.*?)</")


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRequest:
    """What the Rust library object_store, by which several libraries read and write, says of a request that failed.

    Attributes:
        verb: of HTTP.
        url: without its query, which may be a signature.
        status: of the answer; 0 when there was none.
        said: the store's own words, if it had any.
    """

    verb: str
    url: str
    status: int
    said: str

    @classmethod
    def of(cls, error: BaseException) -> FailedRequest | None:
        """Return what an exception says of a request; `None` when it does not come from one."""
        text = str(error)
        request, status = _REQUEST.search(text), _STATUS.search(text)
        if request is None:
            return None
        said = ": ".join(found["text"] for found in _SAID.finditer(text.partition("Debug source")[0])).rstrip(".")
        url = request["url"].partition("?")[0]
        return cls(verb=request["verb"], url=url, status=int(status["status"]) if status else 0, said=said)


class ObjectStore(BasePlatform):
    """Files that are objects, each under a key; safe to use from several threads."""

    def write_if_absent(self, path: str, data: bytes) -> str | None:
        """Create an object, or return `None` when there is one."""
        return self.write_if_match(path, data, None)

    def stat_files(self, paths: Iterable[str]) -> Sequence[FileInfo | None]:
        """Describe objects, several at a time."""
        with ThreadPoolExecutor(AT_A_TIME) as requests:
            return [*requests.map(self.stat, paths)]

    def exists(self, path: str) -> bool:
        """Whether an object is there, or any below it; a folder takes one request."""
        return next(iter(self.list(path)), None) is not None or self.stat(path) is not None

    def move(self, source: str, target: str) -> None:
        """Copy an object, then delete it: for a moment both are there."""
        self.copy(source, target)
        if not self._same(source, target):
            self.delete_files([source])

    def move_files(self, moves: Iterable[tuple[str, str]]) -> None:
        """Copy objects, several at a time, then delete all that were copied."""
        with ThreadPoolExecutor(AT_A_TIME) as requests:
            copied = [*requests.map(self._copied, moves)]
        self.delete_files(path for path in copied if path is not None)

    def _copied(self, move: tuple[str, str]) -> str | None:
        """Copy an object; return its path if it can be deleted then."""
        source, target = move
        try:
            self.copy(source, target)
        except PathNotFoundError:
            if self.stat(target) is None:
                raise
            return None
        return None if self._same(source, target) else source

    def _same(self, one: str, other: str) -> bool:
        return self.resolve(one) == self.resolve(other)
