"""The platform contract: bytes and files, compare-and-swap, credentials for engines, a secret provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from datacoolie.core.exceptions import ErrorClass, PlatformError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from datacoolie.core.models import Format
    from datacoolie.core.secret_provider import BaseSecretProvider


class PathNotFoundError(PlatformError, FileNotFoundError):
    """Nothing is at a path."""

    default_class = ErrorClass.CONFIGURATION


class AccessDeniedError(PlatformError, PermissionError):
    """The platform refuses to read or write a path."""

    default_class = ErrorClass.CONFIGURATION


class StorageFullError(PlatformError):
    """The platform has no room left for what is written."""

    default_class = ErrorClass.TRANSIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo:
    """A file as a listing shows it; equal infos mean that the file did not change.

    Attributes:
        path: absolute path or URI.
        size: bytes.
        modified: last modification in UTC, microseconds.
        etag: changes whenever the content does; comparable with other infos of the same platform only.
    """

    path: str
    size: int
    modified: datetime
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The bytes of a file and the version they are of.

    Attributes:
        data: the whole content.
        version: what `write_if_match` compares with.
    """

    data: bytes
    version: str


class Dialect(StrEnum):
    """Whose names storage options have."""

    OBJECT_STORE = "object_store"
    """The Rust library object_store, by which Polars and delta-rs read and write."""
    ICEBERG = "iceberg"
    """File access of Iceberg's own libraries, pyiceberg's too."""
    HADOOP = "hadoop"
    """Hadoop's file systems, by which Spark reads and writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryCredentials:
    """Credentials that are good for a while.

    Attributes:
        options: storage options in the dialect `OBJECT_STORE`.
        expires: when to ask again, in UTC; `None`: never.
    """

    options: Mapping[str, str] = field(repr=False)
    expires: datetime | None


@runtime_checkable
class IssuesCredentials(Protocol):
    """A platform whose credentials change while a run lasts."""

    def credentials(self, uri: str) -> TemporaryCredentials:
        """Return credentials for `uri` that are good now; they are among the `storage_options` too.

        Raises:
            PlatformError: there are none.
        """


@runtime_checkable
class LimitsPlaces(Protocol):
    """A platform on which not everything can be read or written everywhere."""

    def why_not(self, uri: str, kind: Format, *, writes: bool) -> str | None:
        """Return why tables or files of a format can't be read from `uri`, or written to it; `None` where they can.

        Raises:
            PlatformError: the platform has no such paths.
        """


@runtime_checkable
class HasOwnWriters(Protocol):
    """A platform that commits to tables by means of its own too, which see nothing of what engines commit."""

    def unseen(self, uri: str | None, kind: Format) -> str:
        """Return what a flow can't promise that writes a table; nothing where all who write it see each other.

        Args:
            uri: where the table is; `None` for one that the platform's catalog has by name.
            kind: the format of the table.
        """


class BasePlatform(ABC):
    """Where files live. Paths are absolute paths or URIs of the platform.

    Every method raises `PathNotFoundError`, `AccessDeniedError`, `StorageFullError` or another `PlatformError`; no
    exception of an SDK or of the operating system crosses this boundary.
    """

    contract_version: ClassVar[int] = 1
    """Moves when plugins have to be changed; a plugin of another package states the one that it is built for."""

    name: ClassVar[str]

    schemes: ClassVar[frozenset[str]] = frozenset()
    """Of the URIs that it gives `storage_options` for, such as `s3`: an engine may need libraries for them."""

    def resolve(self, path: str) -> str:
        """Return a path in the form in which listings show it, without a `/` at its end."""
        return path.rstrip("/")

    @abstractmethod
    def read(self, path: str) -> Content:
        """Read a whole file.

        Raises:
            PathNotFoundError: there is none.
        """

    def read_range(self, path: str, start: int, length: int) -> bytes:
        """Read `length` bytes from `start` on, fewer at the end of the file; a negative `start` counts from its end.

        Raises:
            PathNotFoundError: there is no such file.
        """
        data = self.read(path).data
        start = max(start + len(data), 0) if start < 0 else start
        return data[start : start + length]

    @abstractmethod
    def write(self, path: str, data: bytes) -> str:
        """Create or replace a file at once (readers see the old or the new bytes) and return its version."""

    @abstractmethod
    def write_if_absent(self, path: str, data: bytes) -> str | None:
        """Create a file durably and return its version, or `None` when the path is taken.

        Of any number of writers, in any processes, exactly one gets a version.
        """

    @abstractmethod
    def write_if_match(self, path: str, data: bytes, version: str | None) -> str | None:
        """Write a file that is still at `version`, or still not there (`None`), and return the new version.

        Returns `None`, with nothing changed, when somebody else wrote in between. A power cut may undo the write.
        """

    @abstractmethod
    def stat(self, path: str) -> FileInfo | None:
        """Describe one file; `None` when there is none (a folder is none)."""

    def stat_files(self, paths: Iterable[str]) -> Sequence[FileInfo | None]:
        """Describe files, several at a time where the platform can; `None` for one that is not there."""
        return [self.stat(path) for path in paths]

    @abstractmethod
    def list(self, folder: str) -> Iterator[FileInfo]:
        """List all files below a folder, recursively, sorted by path; nothing when there is no such folder."""

    def exists(self, path: str) -> bool:
        """Whether a file is there, or a folder (on an object store: one with anything in it)."""
        return self.stat(path) is not None or next(iter(self.list(path)), None) is not None

    @abstractmethod
    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all that is in it; missing is fine."""

    def delete_files(self, paths: Iterable[str]) -> None:
        """Delete files, in as few requests as the platform can; missing ones are fine."""
        for path in paths:
            self.delete(path)

    @abstractmethod
    def copy(self, source: str, target: str) -> None:
        """Copy a file, replacing `target`."""

    @abstractmethod
    def move(self, source: str, target: str) -> None:
        """Move a file, replacing `target` (atomically where the platform can)."""

    def move_files(self, moves: Iterable[tuple[str, str]]) -> None:
        """Move files, each from a path to another, replacing what is there.

        One that is not there any more was moved before if there is a file where it goes.

        Raises:
            PathNotFoundError: a file is at neither path.
        """
        for source, target in moves:
            try:
                self.move(source, target)
            except PathNotFoundError:
                if self.stat(target) is None:
                    raise

    @abstractmethod
    def storage_options(self, uri: str, dialect: Dialect = Dialect.OBJECT_STORE) -> dict[str, str]:
        """Return what an engine's library needs to read and write `uri`: credentials, endpoint, region.

        Raises:
            PlatformError: there are no credentials.
        """

    @abstractmethod
    def secret_provider(self) -> BaseSecretProvider:
        """Return the platform's own secret provider."""
