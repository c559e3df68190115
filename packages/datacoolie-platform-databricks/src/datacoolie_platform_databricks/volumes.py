"""Files in volumes: by the Files API from outside of Databricks, as files of the machine on a cluster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from io import BytesIO
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from databricks.sdk.errors import NotFound

from datacoolie.core.exceptions import PlatformError
from datacoolie.platforms import BasePlatform, Content, Dialect, FileInfo, PathNotFoundError
from datacoolie_platform_databricks.addresses import parse, parse_file, refuse_swap
from datacoolie_platform_databricks.failures import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.files import DirectoryEntry

    from datacoolie.core.secret_provider import BaseSecretProvider
    from datacoolie_platform_databricks.client import Workspace

_FILES = "/api/2.0/fs/files"
_AT_A_TIME = 8
"""Requests that run at the same time; more than ten are refused."""

_SINCE = datetime(1970, 1, 1, tzinfo=UTC)


class VolumeFiles(BasePlatform):
    """Files by path, `/Volumes/catalog/schema/volume/...`, through the Files API.

    That has no compare-and-swap: its `overwrite=false` says that an existing file is an error, but nothing of two
    writers at once, and nothing replaces one version of a file. So `write_if_absent` and `write_if_match` are refused.

    Args:
        workspace: whose volumes.
        secrets: the platform's secret provider.
    """

    name: ClassVar[str] = "databricks"

    def __init__(self, workspace: Workspace, secrets: Callable[[], BaseSecretProvider]) -> None:
        """Ask nothing yet."""
        self._workspace = workspace
        self._secrets = secrets

    def resolve(self, path: str) -> str:
        """Return a path without `dbfs:` before it and without a slash at its end.

        Raises:
            PlatformError: it is no path of a volume, or has a part `..`.
        """
        return parse(path)

    def read(self, path: str) -> Content:
        """Read a whole file; its version is a hash of the content."""
        data = self._get(parse_file(path))
        return Content(data=data, version=_version(data))

    def read_range(self, path: str, start: int, length: int) -> bytes:
        """Read a part of a file, by one request."""
        path = parse_file(path)
        if length <= 0:
            return b""
        wanted = f"bytes={start}" if start < 0 else f"bytes={start}-{start + length - 1}"
        try:
            return self._get(path, Range=wanted)[:length]
        except PlatformError:
            if (found := self.stat(path)) is not None and start >= found.size:
                return b""
            raise

    def write(self, path: str, data: bytes) -> str:
        """Create or replace a file, and the folders that it is in; a large one is sent in parts."""
        path = parse_file(path)
        with errors("write", path):
            try:
                self._client.files.upload(path, BytesIO(data), overwrite=True)
            except NotFound:
                self._client.files.create_directory(path.rpartition("/")[0])
                self._client.files.upload(path, BytesIO(data), overwrite=True)
        return _version(data)

    def write_if_absent(self, path: str, data: bytes) -> str | None:  # noqa: ARG002 - part of the contract
        """Refuse: of two writers both may be told that the file was not there.

        Raises:
            PlatformError: always.
        """
        raise refuse_swap(path)

    def write_if_match(self, path: str, data: bytes, version: str | None) -> str | None:  # noqa: ARG002 - part of the contract
        """Refuse: the Files API replaces whatever is there.

        Raises:
            PlatformError: always.
        """
        raise refuse_swap(path)

    def stat(self, path: str) -> FileInfo | None:
        """Describe a file as the listing of its folder does: to the millisecond."""
        path = parse(path)
        with errors("read", path):
            return next(
                (_info(entry) for entry in self._entries(path.rpartition("/")[0]) if _is_file(entry, path)), None
            )

    def list(self, folder: str) -> Iterator[FileInfo]:
        """List the files below a folder, several folders at a time."""
        files, _ = self._walk(parse(folder))
        return iter(sorted(map(_info, files), key=attrgetter("path")))

    def exists(self, path: str) -> bool:
        """Whether a file or a folder, even an empty one, is there."""
        folder = parse(path)
        with errors("read", folder), suppress(NotFound):
            self._client.files.get_directory_metadata(folder)
            return True
        return self.stat(path) is not None

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all that is in it; a whole volume is refused."""
        path = parse_file(path)
        files, folders = self._walk(path)
        self.delete_files([str(file.path) for file in files] if folders else [path])
        with errors("delete", path):
            for folder in reversed(folders):
                with suppress(NotFound):
                    self._client.files.delete_directory(folder)

    def delete_files(self, paths: Iterable[str]) -> None:
        """Delete files, several at a time."""
        with ThreadPoolExecutor(_AT_A_TIME) as requests:
            for _ in requests.map(self._delete_file, paths):
                pass

    def copy(self, source: str, target: str) -> None:
        """Copy a file through the memory of this machine: the Files API has no copies."""
        self.write(target, self.read(source).data)

    def move(self, source: str, target: str) -> None:
        """Copy a file, then delete it: for a moment both are there."""
        self.copy(source, target)
        if parse_file(source) != parse_file(target):
            self._delete_file(source)

    def storage_options(self, uri: str, dialect: Dialect = Dialect.OBJECT_STORE) -> dict[str, str]:  # noqa: ARG002 - part of the contract
        """Return nothing: no library of an engine has the Files API."""
        return {}

    def secret_provider(self) -> BaseSecretProvider:
        """Return the provider of scopes."""
        return self._secrets()

    @property
    def _client(self) -> WorkspaceClient:
        return self._workspace.client

    def _get(self, path: str, **headers: str) -> bytes:
        """Return the body of a file, or of a part of it that is asked for by a header."""
        asked = {"Accept": "application/octet-stream", **headers}
        with errors("read", path):
            # The library's own download has no ranges, and asks twice for a small file.
            answer = self._client.api_client.do("GET", _FILES + quote(path), headers=asked, raw=True)
            with answer["contents"] as body:
                return b"".join(body)

    def _entries(self, folder: str) -> Iterator[DirectoryEntry]:
        """Return what is right in a folder, page by page; nothing when there is none."""
        with suppress(NotFound):
            yield from self._client.files.list_directory_contents(folder)

    def _walk(self, folder: str) -> tuple[Sequence[DirectoryEntry], Sequence[str]]:
        """Return all files below a folder, and the folders that were seen, those above first; none if it is none."""
        try:
            with errors("list", folder):
                level = [*self._client.files.list_directory_contents(folder)]
        except PathNotFoundError:
            return [], []
        files, folders = [entry for entry in level if not entry.is_directory], [folder]
        with errors("list", folder), ThreadPoolExecutor(_AT_A_TIME) as requests:
            while below := [str(entry.path) for entry in level if entry.is_directory]:
                folders += below
                level = [entry for some in requests.map(self._listed, below) for entry in some]
                files += [entry for entry in level if not entry.is_directory]
        return files, folders

    def _listed(self, folder: str) -> Sequence[DirectoryEntry]:
        return [*self._entries(folder)]

    def _delete_file(self, path: str) -> None:
        path = parse_file(path)
        with errors("delete", path), suppress(NotFound):
            self._client.files.delete(path)


def _version(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _is_file(entry: DirectoryEntry, path: str) -> bool:
    return not entry.is_directory and str(entry.path).rstrip("/") == path


def _info(entry: DirectoryEntry) -> FileInfo:
    size, milliseconds = entry.file_size or 0, entry.last_modified or 0
    modified = _SINCE + timedelta(milliseconds=milliseconds)
    return FileInfo(path=str(entry.path), size=size, modified=modified, etag=f"{milliseconds:x}-{size:x}")
