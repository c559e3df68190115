"""What the local platform does with the operating system: locks, renames, walks, and its errors in our words."""
# pathlib makes an object for every file of a listing and has neither scandir nor descriptors:
# ruff: noqa: PTH103, PTH104, PTH105, PTH108, PTH112, PTH114, PTH116, PTH120, PTH123

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
import time
import unicodedata
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie.platforms.base import AccessDeniedError, PathNotFoundError, StorageFullError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

OWN_PREFIX = ".datacoolie-"
"""Names of temporary and lock files begin like this."""

PATIENCE = 20.0
"""Seconds for which a lock is waited for."""

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
"""How file systems without hard links (FAT, some network mounts) refuse one."""

_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:  # what it says of a lock that is held
            return False
        return True

    def _name_if_free(temporary: str, target: str) -> None:
        os.rename(temporary, target)  # never replaces on Windows

    def _sync_folder(folder: str) -> None:
        """Do nothing: Windows has no such call, and its file systems keep a journal."""

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _name_if_free(temporary: str, target: str) -> None:
        try:
            os.link(temporary, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            with locked(target):
                if os.path.lexists(target):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from error
                os.rename(temporary, target)

    def _sync_folder(folder: str) -> None:
        """Force a folder's entries to disk, where its file system can."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP}:
                raise
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def errors(action: str, path: str, target: str | None = None) -> Iterator[None]:
    """Turn what the operating system raises into the platform's errors, naming the action and the path."""
    try:
        yield
    except OSError as error:
        if isinstance(error, PlatformError):
            raise
        what = f"Can't {action} {path!r}" + (f" to {target!r}" if target else "")
        raise _explained(what, error, target or path) from error


def _explained(what: str, error: OSError, path: str) -> PlatformError:
    details = {"path": path, "errno": error.errno}
    if isinstance(error, FileNotFoundError):
        return PathNotFoundError(f"{what}: there is no such file or folder. Check the path.", details)
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        hint = (
            f"Give the user of this process the right to do so in {os.path.dirname(path)!r}, or choose another place."
        )
        return AccessDeniedError(f"{what}: {error.strerror}. {hint}", details)
    if error.errno in _FULL:
        return StorageFullError(f"{what}: {error.strerror}. Free some space there and run again.", details)
    if isinstance(error, (IsADirectoryError, NotADirectoryError)):
        return PlatformError(
            f"{what}: {error.strerror}. A folder stands where a file must be, or the other way.", details
        )
    return PlatformError(f"{what}: {error.strerror or error}.", details)


def read(path: str) -> bytes:
    """Return the content of a file."""

    def attempt() -> bytes:
        with open(path, "rb") as file:
            return file.read()

    return _patiently(attempt)


def read_range(path: str, start: int, length: int) -> bytes:
    """Return a part of a file; a negative start counts from its end."""

    def attempt() -> bytes:
        with open(path, "rb") as file:
            file.seek(max(start + os.fstat(file.fileno()).st_size, 0) if start < 0 else start)
            return file.read(length)

    return _patiently(attempt)


def replace(source: str, target: str) -> None:
    """Rename a file over `target`."""
    _patiently(lambda: os.replace(source, target))


@contextlib.contextmanager
def beside(target: str) -> Iterator[str]:
    """Give a hidden name beside `target`, whose folder is made; what still has that name at the end is removed."""
    folder = os.path.dirname(target)
    os.makedirs(folder, exist_ok=True)
    temporary = f"{folder}/{OWN_PREFIX}{os.urandom(8).hex()}.tmp"
    try:
        yield temporary
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


@contextlib.contextmanager
def written_beside(target: str, data: bytes, *, private: bool, durable: bool = False) -> Iterator[str]:
    """Write a hidden file beside `target`, gone at the end unless it was renamed."""
    if private:
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
    with beside(target) as temporary:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with open(os.open(temporary, flags, 0o600 if private else 0o666), "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        yield temporary


def create(temporary: str, target: str, *, durable: bool) -> bool:
    """Give a finished file its name unless anything has that name; the system lets exactly one caller win."""
    try:
        _name_if_free(temporary, target)
    except FileExistsError:
        return False
    if durable:
        _sync_folder(os.path.dirname(target))
    return True


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold the lock of one file in an existing folder; closing the lock's own file, or dying, releases it.

    That file stays: whoever removed it would take it from under another's feet.

    Raises:
        PlatformError: another process, which may be stopped, does not release it.
    """
    descriptor = os.open(_lock_file(path), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _lock_file(path: str) -> str:
    """Return the name of a file's lock: the same however its name is spelled, on file systems that ignore case."""
    folder, name = os.path.split(path)
    spelled = unicodedata.normalize("NFC", name.casefold())
    return f"{folder}/{OWN_PREFIX}lock-{blake2b(spelled.encode(errors='surrogateescape'), digest_size=8).hexdigest()}"


def _lock(descriptor: int, path: str) -> None:
    end, pause = time.monotonic() + PATIENCE, 0.0005
    while not _try_lock(descriptor):
        if time.monotonic() > end:
            message = (
                f"Another process has held the lock of {path!r} for {PATIENCE:.0f} seconds. A lock is held for "
                "milliseconds, so that process may be stopped: let it go on, or end it, and run again."
            )
            raise PlatformError(message, {"path": path}).classed(ErrorClass.TRANSIENT)
        time.sleep(pause)
        pause = min(pause * 2, 0.02)


def walk(folder: str, *, follow_links: bool) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the regular files below a folder, in no order; what goes away meanwhile is left out.

    Raises:
        PlatformError: a link leads out of the folder, and links are not followed there.
    """
    pending, root = [folder], os.path.realpath(folder)
    while pending:
        current = pending.pop()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(current) as entries:
            for entry in entries:
                path = f"{current.rstrip('/')}/{entry.name}"
                if entry.is_symlink():
                    if not follow_links:
                        _check_stays_in(path, root)
                    if _is_folder_to_follow(path):
                        pending.append(path)
                        continue
                elif entry.is_dir():
                    pending.append(path)
                    continue
                if not entry.name.startswith(OWN_PREFIX) and (found := _file_stat(entry)):
                    yield path, found


def _check_stays_in(link: str, root: str) -> None:
    """Refuse a link out of a folder: who may write there could have any file of this machine loaded."""
    target = os.path.realpath(link)
    if os.access(target, os.F_OK) and os.path.commonpath([root, target]) != root:
        message = (
            f"The link {link!r} leads to {target!r}, out of the folder that is read. Remove it, or allow such links: "
            "platform: {name: local, follow_links: true}."
        )
        raise PlatformError(message, {"path": link}).classed(ErrorClass.CONFIGURATION)


def _file_stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Describe a regular file; `None` for anything else, for what went away and for links that lead nowhere."""
    try:
        # What a listing of Windows says of a file is incomplete, and may be older than the file.
        found = os.stat(entry) if sys.platform == "win32" else entry.stat()
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            raise
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _is_folder_to_follow(link: str) -> bool:
    return os.path.isdir(link) and not _leads_back(link)


def _leads_back(link: str) -> bool:
    """Whether a link points to a folder that it is itself in."""
    target = os.stat(link)
    parent = os.path.dirname(link)
    while not os.path.samestat(os.stat(parent), target):
        if parent == os.path.dirname(parent):
            return False
        parent = os.path.dirname(parent)
    return True


def delete(path: str) -> None:
    """Delete a file, a link or a whole folder; missing is fine, also when another deletes at the same time."""
    try:
        _patiently(lambda: os.unlink(path))
    except (FileNotFoundError, NotADirectoryError):
        return
    except (IsADirectoryError, PermissionError):  # macOS and Windows refuse to unlink a folder with the latter
        if not os.path.isdir(path) or os.path.islink(path):
            raise
        _delete_folder(path)


def _delete_folder(path: str) -> None:
    for _ in range(10):
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            if not os.path.lexists(path):
                return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:  # a file came in while the folder was emptied
                raise
        else:
            return
    raise OSError(errno.ENOTEMPTY, "others keep writing into it", path)


def move(source: str, target: str) -> None:
    """Rename a file over `target`, making its folder; across file systems copy, rename the copy, remove the source."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with beside(target) as temporary:
            shutil.copy2(source, temporary)
            replace(temporary, target)
        os.unlink(source)


def _patiently(action: Callable[[], T]) -> T:
    """Do it again, for about a second, while Windows refuses because another process has the file open."""
    if sys.platform == "win32":
        for attempt in range(10):
            try:
                return action()
            except PermissionError:
                time.sleep(0.001 * 2**attempt)
    return action()
