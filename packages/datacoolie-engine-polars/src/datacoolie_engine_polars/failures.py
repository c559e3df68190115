"""What a failed pass means: which side failed, why, and what to do."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from datacoolie.core.exceptions import (
    DataCoolieError,
    DestinationError,
    EngineError,
    ErrorClass,
    PlatformError,
    SourceError,
)
from datacoolie.platforms import FailedRequest
from datacoolie_engine_polars.expressions import translate
from datacoolie_engine_polars.types import from_polars

if TYPE_CHECKING:
    from collections.abc import Callable

Failure: TypeAlias = pl.exceptions.PolarsError | OSError
"""What Polars raises when a pass fails."""

FAILURES = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
"""The same for `except`."""

_OS_ERROR = re.compile(r"\(os error (\d+)\)(?:: (?P<path>.+))?")
_UNREADABLE = re.compile(
    r"^(parquet|csv|ndjson|json|avro|excel|gzip|zstd)\b.*:|could not parse|found more fields|invalid utf-?8"
    r"|error parsing line|out of specification|unexpected end of file|corrupt|decompress|deserializ|Syntax at character"
    r"|unexpected value while building|cannot parse '"
    r"|invalid gzip|not found in|schema names in file|column names specified in schema",
    re.IGNORECASE,
)
_REFUSED = {401, 403}
_MISSING = 404
_ENDED = (
    "The credentials ended in the middle: run again, by new ones. Where a load takes longer than they last, have them "
    "last longer, or load less at a time"
)
FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
"""What the operating system says of a disk without space."""


def of_pass(
    error: BaseException, *, target: str, written: int, find_broken: Callable[[], tuple[str, str] | None]
) -> DataCoolieError:
    """Return the typed error for a pass that failed while it wrote below `target`.

    Args:
        error: what Polars raised.
        target: the folder that was written to.
        written: bytes that had been written.
        find_broken: looks for a source file that can't be read; returns its path and what is wrong with it.
    """
    if found := of_store(error):
        return found
    number, path = _os_error(error)
    if number is not None and (_is_below(path, target) if path else number != errno.ENOENT):
        return of_writing(number, target, written)
    return of_reading(error, find_broken)


def of_reading(error: BaseException, find_broken: Callable[[], tuple[str, str] | None]) -> DataCoolieError:
    """Return the typed error for a pass that failed and wrote nothing.

    Args:
        error: what Polars raised.
        find_broken: as for `of_pass`.
    """
    if found := of_store(error):
        return found
    number, path = _os_error(error)
    if number is not None and path is not None:
        return of_file(error, path)
    if number is not None or _UNREADABLE.search(str(error)):
        where, why = find_broken() or ("Reading failed", first_line(error))
        return SourceError(f"{where}: {why}", {"path": where})
    return translate(error) if isinstance(error, pl.exceptions.PolarsError) else EngineError(first_line(error))


def of_writing(number: int, target: str, written: int) -> DestinationError:
    """Return the error for an operation of the file system that failed below `target`."""
    if number in FULL:
        after = (
            f" after {written:,} bytes were written; they are removed" if written else "; what was written is removed"
        )
        message = (
            f"{target}: no space left on the device{after} and the destination is as before. Make room, then run again"
        )
        return DestinationError(message, {"path": target, "written": written}).classed(ErrorClass.TRANSIENT)
    reason = os.strerror(number)
    if number in {errno.EACCES, errno.EPERM, errno.EROFS}:
        message = (
            f"{target}: no right to write here ({reason}). Give this user the right to create files, or choose "
            "another path"
        )
        return DestinationError(message, {"path": target}).classed(ErrorClass.CONFIGURATION)
    message = f"{target}: writing failed after {written:,} bytes: {reason}. What was written is removed"
    return DestinationError(message, {"path": target, "written": written})


def of_store(error: BaseException) -> SourceError | DestinationError | None:
    """Return the error for a request to an object store that failed; `None` when that is not what happened."""
    request = FailedRequest.of(error)
    if request is None:
        return None
    number = request.status
    said = request.said or (str(number) if number else first_line(error).rstrip("."))
    kind = SourceError if request.verb in {"GET", "HEAD"} else DestinationError
    what = f"{'reading' if kind is SourceError else 'writing'} {request.url} failed"
    if number in _REFUSED:
        message = f"{what}: {said}. Check the credentials of the platform, and give their user or role the right to it"
        return kind(message, {"status": number}).classed(ErrorClass.CONFIGURATION)
    if number == _MISSING:
        return kind(f"{what}: it is not there ({said})", {"status": number})
    advice = _ENDED if said.startswith("ExpiredToken") else "Run again later"
    return kind(f"{what}: {said}. {advice}", {"status": number}).classed(ErrorClass.TRANSIENT)


def of_file(error: BaseException, path: str) -> SourceError:
    """Return the error for a source file that can't be read."""
    if isinstance(error, PlatformError):
        return SourceError(error.message, {"path": path}).classed(error.error_class)
    if found := of_store(error):
        return SourceError(f"{path}: {found.message}", {"path": path}).classed(found.error_class)
    number, _ = _os_error(error)
    if number == errno.ENOENT:
        return SourceError(f"{path}: there is no such file", {"path": path})
    if number in {errno.EACCES, errno.EPERM}:
        return SourceError(f"{path}: no right to read this file", {"path": path}).classed(ErrorClass.CONFIGURATION)
    return SourceError(f"{path}: {first_line(error)}", {"path": path})


def first_line(error: BaseException) -> str:
    """Return what an exception says, without the hints for users of Polars that follow."""
    return str(error).strip().split("\n", 1)[0]


def type_name(kind: pl.DataType) -> str:
    """Return a type as users know it."""
    return str(from_polars(kind))


def os_number(error: BaseException) -> int | None:
    """Return the operating system's number of an error that one caused."""
    return _os_error(error)[0]


def _os_error(error: BaseException) -> tuple[int | None, str | None]:
    found = _OS_ERROR.search(str(error))
    if found:
        return int(found[1]), (found["path"] or "").strip() or None
    return (error.errno, error.filename) if isinstance(error, OSError) else (None, None)


def _is_below(path: str, folder: str) -> bool:
    return path.replace("\\", "/").startswith(folder.replace("\\", "/").rstrip("/"))
