"""The local platform: files of this machine, and whatever is mounted into it."""
# Paths are text in the platform contract:
# ruff: noqa: PTH100, PTH116

from __future__ import annotations

import os
import re
import shutil
import stat
from datetime import UTC, datetime
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie.core.models import Model, settings_of
from datacoolie.platforms import _local_files as files
from datacoolie.platforms.base import BasePlatform, Content, Dialect, FileInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacoolie.core.secret_provider import BaseSecretProvider

_DRIVE = re.compile(r"/[A-Za-z]:")
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")


class _Settings(Model):
    """What the environment says as text."""

    follow_links: bool
    private: bool


class LocalPlatform(BasePlatform):
    """Files by path or `file://` URI. Paths that it returns are absolute, with `/` between parts on every system.

    A file is written under a hidden name beside its target and then renamed; neither a reader nor a crash ever sees
    part of it. Listings leave out these hidden files and the lock files of `write_if_match` (`.datacoolie-*`).

    Args:
        follow_links: links that lead out of the folder that is listed are followed; otherwise they are an error.
        private: only the owner may read what is written (mode 0600, new folders 0700, where the system has modes).

    Raises:
        ConfigurationError: one is neither true nor false.
    """

    name: ClassVar[str] = "local"

    def __init__(self, *, follow_links: bool | str = False, private: bool | str = False) -> None:
        """Remember which links are followed, and who may read what is written."""
        if isinstance(follow_links, str) or isinstance(private, str):
            given = {"follow_links": follow_links, "private": private}
            settings = settings_of("the platform 'local'", _Settings, given)
            follow_links, private = settings.follow_links, settings.private
        self._follow_links = follow_links
        self._private = private

    def private(self) -> LocalPlatform:
        """Return the same platform, of whose new files and folders only the owner can read."""
        return LocalPlatform(follow_links=self._follow_links, private=True)

    def resolve(self, path: str) -> str:
        """Return a path or `file://` URI as an absolute path, the way listings show it.

        Raises:
            PlatformError: it is empty, or a URI of another kind.
        """
        if not path or "\0" in path:
            message = f"{path!r} is not a path. Write the path of a file or folder, or a file:// URI."
            raise PlatformError(message, {"path": path}).classed(ErrorClass.CONFIGURATION)
        scheme = _URI.match(path)
        if scheme and scheme[1].lower() != "file":
            message = (
                f"{path!r} is not on platform 'local', which has paths and file:// URIs. "
                f"Choose a platform that knows {scheme[1]}://, or write a path."
            )
            raise PlatformError(message, {"path": path}).classed(ErrorClass.CONFIGURATION)
        local = _path_of_uri(path) if scheme else path
        return os.path.abspath(local).replace(os.sep, "/")

    def read(self, path: str) -> Content:
        """Read a whole file; its version is a hash of the content."""
        path = self.resolve(path)
        with files.errors("read", path):
            data = files.read(path)
        return Content(data=data, version=_version(data))

    def read_range(self, path: str, start: int, length: int) -> bytes:
        """Read a part of a file."""
        path = self.resolve(path)
        with files.errors("read", path):
            return files.read_range(path, start, length)

    def write(self, path: str, data: bytes) -> str:
        """Create or replace a file by renaming a finished one; not forced to disk."""
        path = self.resolve(path)
        with files.errors("write", path), files.written_beside(path, data, private=self._private) as temporary:
            files.replace(temporary, path)
        return _version(data)

    def write_if_absent(self, path: str, data: bytes) -> str | None:
        """Create a file, forced to disk with its folder's entry, or return `None` when anything is at the path."""
        return self._create(path, data, durable=True)

    def write_if_match(self, path: str, data: bytes, version: str | None) -> str | None:
        """Replace a file whose content is still that of `version`, or create it, else return `None`.

        Versions are hashes of the content: times are too coarse and inodes are used again. Writers in all processes
        pass one by one through a lock of the file that the system releases when its holder dies. The file is not
        forced to disk: after a power cut the old content may be back, or a new file empty, which is fine for what uses
        this, the load state, because the destination knows what was committed.
        """
        if version is None:
            return self._create(path, data, durable=False)
        path = self.resolve(path)
        with files.errors("write", path):
            try:
                with files.locked(path):
                    if _version(files.read(path)) != version:
                        return None
                    with files.written_beside(path, data, private=self._private) as temporary:
                        files.replace(temporary, path)
            except FileNotFoundError:
                return None
        return _version(data)

    def _create(self, path: str, data: bytes, *, durable: bool) -> str | None:
        path = self.resolve(path)
        with (
            files.errors("write", path),
            files.written_beside(path, data, private=self._private, durable=durable) as temporary,
        ):
            created = files.create(temporary, path, durable=durable)
        return _version(data) if created else None

    def stat(self, path: str) -> FileInfo | None:
        """Describe one regular file, following links."""
        path = self.resolve(path)
        with files.errors("read", path):
            try:
                found = os.stat(path)
            except (FileNotFoundError, NotADirectoryError):
                return None
        return _info(path, found) if stat.S_ISREG(found.st_mode) else None

    def list(self, folder: str) -> Iterator[FileInfo]:
        """List regular files below a folder; a link is never followed back into a folder above."""
        folder = self.resolve(folder)
        with files.errors("list", folder):
            found = [_info(path, found) for path, found in files.walk(folder, follow_links=self._follow_links)]
        found.sort(key=attrgetter("path"))
        return iter(found)

    def exists(self, path: str) -> bool:
        """Whether a file or a folder, even an empty one, is there."""
        path = self.resolve(path)
        with files.errors("read", path):
            try:
                os.stat(path)
            except (FileNotFoundError, NotADirectoryError):
                return False
        return True

    def delete(self, path: str) -> None:
        """Delete a file, a link (not what it points to), or a folder with all that is in it."""
        path = self.resolve(path)
        with files.errors("delete", path):
            files.delete(path)

    def copy(self, source: str, target: str) -> None:
        """Copy a file; `target` is replaced when the copy is complete."""
        source, target = self.resolve(source), self.resolve(target)
        with files.errors("copy", source, target), files.beside(target) as temporary:
            shutil.copyfile(source, temporary)
            files.replace(temporary, target)

    def move(self, source: str, target: str) -> None:
        """Move a file: at once on one file system, else by a copy that replaces `target` when complete."""
        source, target = self.resolve(source), self.resolve(target)
        with files.errors("move", source, target):
            files.move(source, target)

    def storage_options(self, uri: str, dialect: Dialect = Dialect.OBJECT_STORE) -> dict[str, str]:  # noqa: ARG002 - part of the contract
        """Return nothing: engines open paths as they are."""
        return {}

    def secret_provider(self) -> BaseSecretProvider:
        """Return the provider that reads environment variables."""
        from datacoolie.core.secret_provider import EnvSecretProvider  # noqa: PLC0415 - most runs need no secret

        return EnvSecretProvider()


def _path_of_uri(uri: str) -> str:
    """Return the path of a `file:` URI; a host is kept as the start of a UNC path."""
    parts = urlsplit(uri)
    host = "" if parts.netloc in {"", "localhost"} else f"//{parts.netloc}"
    path = unquote(parts.path)
    return host + (path[1:] if _DRIVE.match(path) and os.name == "nt" else path)


def _version(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _info(path: str, found: os.stat_result) -> FileInfo:
    microseconds = found.st_mtime_ns // 1000
    return FileInfo(
        path=path,
        size=found.st_size,
        modified=datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(microsecond=microseconds % 1_000_000),
        etag=f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}",
    )
