"""Getting at files: those of this machine directly, all others by the platform and by options of the libraries."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

from datacoolie.core.exceptions import PlatformError
from datacoolie.platforms import IssuesCredentials
from datacoolie_engine_polars.durability import force_to_disk

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData

    from datacoolie.platforms import Storage

Arguments: TypeAlias = Mapping[str, Any]  # Any: each function of Polars takes its own
"""Arguments of Polars' scans and sinks."""

_TAIL = 1 << 16
"""Bytes at the end of a Parquet file in which its footer mostly is."""

_MAGIC = 8
"""Bytes behind the footer: its length and the format's mark."""

_AT_A_TIME = 16
"""Requests that run at the same time."""


class Access(ABC):
    """How the engine gets at the files of one place."""

    @property
    @abstractmethod
    def arguments(self) -> Arguments:
        """What Polars' scans and sinks need now, if anything.

        Raises:
            PlatformError: there are no credentials.
        """

    @property
    @abstractmethod
    def options(self) -> dict[str, str] | None:
        """What delta-rs needs now, if anything.

        Raises:
            PlatformError: there are no credentials.
        """

    @abstractmethod
    def source(self, path: str) -> str | BytesIO:
        """Return a file for a reader that wants a local path or an open file."""

    @abstractmethod
    def names(self, folder: str) -> Iterator[str]:
        """Yield the files below a folder, by their path below it."""

    @abstractmethod
    def sizes(self, paths: Iterable[str]) -> dict[str, int]:
        """Return the bytes of the files that are there, by path."""

    @abstractmethod
    def footers(self, paths: Iterable[str]) -> list[FileMetaData]:
        """Return the footers of Parquet files."""

    @abstractmethod
    def settle(self, paths: Iterable[str], finish: Callable[[str], None] | None) -> None:
        """Do what is left to do with each file that was written, and make all of them durable.

        Args:
            paths: the files.
            finish: changes a local file in its place.

        Raises:
            OSError: it fails.
        """

    @abstractmethod
    def remove(self, folder: str, relatives: Iterable[str]) -> None:
        """Remove files below a folder; what can't be removed must not hide why it is to be removed."""


class LocalAccess(Access):
    """Files of this machine."""

    @property
    def arguments(self) -> Arguments:
        """Nothing."""
        return {}

    @property
    def options(self) -> dict[str, str] | None:
        """Nothing: delta-rs opens paths as they are."""
        return None

    def source(self, path: str) -> str:
        """Return the path."""
        return path

    def names(self, folder: str) -> Iterator[str]:
        """Walk through the folder."""
        root = Path(folder)
        return (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())

    def sizes(self, paths: Iterable[str]) -> dict[str, int]:
        """Ask the operating system."""
        found = {}
        for path in paths:
            with suppress(FileNotFoundError, NotADirectoryError):
                found[path] = Path(path).stat().st_size
        return found

    def footers(self, paths: Iterable[str]) -> list[FileMetaData]:
        """Read them one after another."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - slow, and only commits need it

        return [pq.read_metadata(path) for path in paths]

    def settle(self, paths: Iterable[str], finish: Callable[[str], None] | None) -> None:
        """Finish each file, then force all of them to disk."""
        done = list(paths)
        if finish is not None:
            for path in done:
                finish(path)
        force_to_disk(done)

    def remove(self, folder: str, relatives: Iterable[str]) -> None:
        """Remove files, and the folders that are empty then, `folder` included."""
        root = Path(folder)
        parents: set[Path] = set()
        for relative in list(relatives):
            path = root / relative
            with suppress(OSError):
                path.unlink()
            parents.update(parent for parent in path.parents if parent == root or root in parent.parents)
        for parent in sorted(parents, key=lambda one: len(one.parts), reverse=True):
            with suppress(OSError):  # somebody's files are in it, or one that Polars opens although its pass has failed
                parent.rmdir()


LOCAL = LocalAccess()


class RemoteAccess(Access):
    """Files of a platform.

    Args:
        storage: the platform, and the connection's own options.
        root: URI of what is read or written.
    """

    def __init__(self, storage: Storage, root: str) -> None:
        """Ask for options once; nothing is read yet."""
        self._storage = storage
        self._platform = storage.platform
        self._root = root

    @property
    def options(self) -> dict[str, str]:
        """Options with credentials that are good now."""
        return self._storage.options(self._root)

    @property
    def issuer(self) -> Issuer | None:
        """Who gives credentials while a pass runs, unless they are the connection's own or never end."""
        platform = self._platform
        if not isinstance(platform, IssuesCredentials):
            return None
        issued = platform.credentials(self._root)
        if issued.expires is None or issued.options.keys() & self._storage.overrides.keys():
            return None
        return Issuer(platform, self._root)

    @property
    def arguments(self) -> Arguments:
        """Options, and who gives credentials."""
        issuer, options = self.issuer, self.options
        fixed = options if issuer is None else {k: v for k, v in options.items() if k not in issuer.names}
        return {"storage_options": fixed, "credential_provider": issuer}

    def source(self, path: str) -> BytesIO:
        """Read the whole file into memory."""
        return BytesIO(self._platform.read(path).data)

    def names(self, folder: str) -> Iterator[str]:
        """List the folder."""
        return (file.path[len(folder) + 1 :] for file in self._platform.list(folder))

    def sizes(self, paths: Iterable[str]) -> dict[str, int]:
        """Ask the platform."""
        return {file.path: file.size for file in self._platform.stat_files(paths) if file is not None}

    def footers(self, paths: Iterable[str]) -> list[FileMetaData]:
        """Read the end of each file, several at a time."""
        with ThreadPoolExecutor(_AT_A_TIME) as requests:
            return list(requests.map(self._footer, paths))

    def settle(self, paths: Iterable[str], finish: Callable[[str], None] | None) -> None:
        """Finish copies of the files on this machine; what the platform has is durable."""
        if finish is None:
            return
        with TemporaryDirectory(prefix="datacoolie-") as folder:
            copy = Path(folder, "file")
            for path in paths:
                copy.write_bytes(self._platform.read(path).data)
                finish(str(copy))
                self._platform.write(path, copy.read_bytes())

    def remove(self, folder: str, relatives: Iterable[str]) -> None:
        """Remove files by as few requests as the platform can."""
        with suppress(PlatformError):
            self._platform.delete_files([f"{folder}/{relative}" for relative in list(relatives)])

    def _footer(self, path: str) -> FileMetaData:
        import pyarrow.parquet as pq  # noqa: PLC0415 - slow, and only commits need it

        tail = self._platform.read_range(path, -_TAIL, _TAIL)
        length = int.from_bytes(tail[-_MAGIC : -_MAGIC // 2], "little") + _MAGIC
        if length > len(tail):
            tail = self._platform.read_range(path, -length, length)
        return pq.read_metadata(BytesIO(tail))


@dataclass(frozen=True, slots=True)
class Issuer:
    """Gives Polars credentials, as often as it asks."""

    platform: IssuesCredentials
    uri: str

    @property
    def names(self) -> frozenset[str]:
        """The options that it gives."""
        return frozenset(self.platform.credentials(self.uri).options)

    def __call__(self) -> tuple[dict[str, str], int | None]:
        """Return credentials, and when they end in seconds since 1970."""
        issued = self.platform.credentials(self.uri)
        return dict(issued.options), int(issued.expires.timestamp()) if issued.expires else None


def access_of(root: str, storage: Storage) -> Access:
    """Return how to get at the files below a path or URI."""
    return RemoteAccess(storage, root) if "://" in root else LOCAL
