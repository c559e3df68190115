"""Platforms that have paths of several kinds, such as those of an object store and those of this machine."""

from __future__ import annotations

from abc import abstractmethod
from copy import copy
from typing import TYPE_CHECKING

from datacoolie.core.models import is_uri
from datacoolie.platforms.base import BasePlatform, Dialect
from datacoolie.platforms.local import LocalPlatform

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self

    from datacoolie.core.secret_provider import BaseSecretProvider
    from datacoolie.platforms.base import Content, FileInfo


class RoutedPlatform(BasePlatform):
    """Files of several platforms, told apart by their paths."""

    @abstractmethod
    def platform_of(self, path: str) -> BasePlatform:
        """Return the platform that has a path; whether it is a good one is that platform's to say."""

    def resolve(self, path: str) -> str:
        """Return a path as its platform shows it."""
        return self.platform_of(path).resolve(path)

    def read(self, path: str) -> Content:
        """Read a whole file."""
        return self.platform_of(path).read(path)

    def read_range(self, path: str, start: int, length: int) -> bytes:
        """Read a part of a file."""
        return self.platform_of(path).read_range(path, start, length)

    def write(self, path: str, data: bytes) -> str:
        """Create or replace a file."""
        return self.platform_of(path).write(path, data)

    def write_if_absent(self, path: str, data: bytes) -> str | None:
        """Create a file, or return `None` when the path is taken."""
        return self.platform_of(path).write_if_absent(path, data)

    def write_if_match(self, path: str, data: bytes, version: str | None) -> str | None:
        """Write a file that is still at `version`, else return `None`."""
        return self.platform_of(path).write_if_match(path, data, version)

    def stat(self, path: str) -> FileInfo | None:
        """Describe one file."""
        return self.platform_of(path).stat(path)

    def stat_files(self, paths: Iterable[str]) -> Sequence[FileInfo | None]:
        """Describe files; those of one platform together."""
        asked = [*paths]
        only = self._only(asked)
        return super().stat_files(asked) if only is None else only.stat_files(asked)

    def list(self, folder: str) -> Iterator[FileInfo]:
        """List all files below a folder."""
        return self.platform_of(folder).list(folder)

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return self.platform_of(path).exists(path)

    def delete(self, path: str) -> None:
        """Delete a file or folder."""
        self.platform_of(path).delete(path)

    def delete_files(self, paths: Iterable[str]) -> None:
        """Delete files, those of each platform together."""
        routed: dict[int, tuple[BasePlatform, list[str]]] = {}
        for path in paths:
            platform = self.platform_of(path)
            routed.setdefault(id(platform), (platform, []))[1].append(path)
        for platform, some in routed.values():
            platform.delete_files(some)

    def copy(self, source: str, target: str) -> None:
        """Copy a file; from one platform to another through memory."""
        here, there = self.platform_of(source), self.platform_of(target)
        if here is there:
            here.copy(source, target)
        else:
            there.write(target, here.read(source).data)

    def move_files(self, moves: Iterable[tuple[str, str]]) -> None:
        """Move files; those of one platform together."""
        asked = [*moves]
        only = self._only(path for move in asked for path in move)
        if only is None:
            super().move_files(asked)
        else:
            only.move_files(asked)

    def move(self, source: str, target: str) -> None:
        """Move a file; from one platform to another by a copy."""
        here = self.platform_of(source)
        if here is self.platform_of(target):
            here.move(source, target)
        else:
            self.copy(source, target)
            here.delete_files([source])

    def _only(self, paths: Iterable[str]) -> BasePlatform | None:
        """Return the platform that has all of these paths, if one has."""
        platforms = {id(found): found for found in map(self.platform_of, paths)}
        return next(iter(platforms.values())) if len(platforms) == 1 else None


class RemotePlatform(RoutedPlatform):
    """Files of an object store by URI, and those of this machine by path.

    Args:
        remote: has all URIs but `file:`, says what engines need for them, and where secrets are.
    """

    def __init__(self, remote: BasePlatform) -> None:
        """Put the files of this machine beside it."""
        self._remote = remote
        self._local = LocalPlatform()

    def private(self) -> Self:
        """Return the same platform, of whose new files on this machine only the owner can read."""
        same = copy(self)
        same._local = self._local.private()  # noqa: SLF001 - its own copy
        return same

    def platform_of(self, path: str) -> BasePlatform:
        """Return the object store for any URI but those of this machine's files."""
        return self._local if not is_uri(path) or path.lower().startswith("file:") else self._remote

    def storage_options(self, uri: str, dialect: Dialect = Dialect.OBJECT_STORE) -> dict[str, str]:
        """Return what engines need for a path of the object store; nothing for one of this machine."""
        return self.platform_of(uri).storage_options(uri, dialect)

    def secret_provider(self) -> BaseSecretProvider:
        """Return that of the object store's cloud."""
        return self._remote.secret_provider()
