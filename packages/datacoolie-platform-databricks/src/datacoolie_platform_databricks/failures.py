"""What Databricks refuses, and what goes wrong on the way to it, as errors of the framework."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from databricks.sdk.errors import NotFound, PermissionDenied, Unauthenticated

from datacoolie.core.exceptions import DataCoolieError, ErrorClass, PlatformError
from datacoolie.core.redaction import redact
from datacoolie.platforms import AccessDeniedError, PathNotFoundError
from datacoolie_platform_databricks.client import FAILURES, is_brief, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

_RIGHTS = (
    "Give the user or service principal USE CATALOG, USE SCHEMA, and READ VOLUME or WRITE VOLUME on the volume that "
    "the path is in."
)


@contextmanager
def errors(action: str, path: str, rights: str = _RIGHTS) -> Iterator[None]:
    """Turn what databricks-sdk raises into the platform's errors, naming the action and the path.

    Args:
        action: what is tried.
        path: with what.
        rights: what to do when there is no right to it.
    """
    try:
        yield
    except FAILURES as error:
        if isinstance(error, DataCoolieError):
            raise
        what = f"Can't {action} {path!r}"
        raise _explained(what, error, path, rights) from error


def _explained(what: str, error: Exception, path: str, rights: str) -> PlatformError:
    details, said = {"path": path}, redact(sentence(error))
    if isinstance(error, NotFound):
        return PathNotFoundError(f"{what}: {said} Check the path.", details)
    if isinstance(error, PermissionDenied):
        return AccessDeniedError(f"{what}: no right to do so: {said} {rights}", details)
    if isinstance(error, Unauthenticated):
        message = f"{what}: the login failed: {said} Check the token, or sign in (databricks auth login)."
        return AccessDeniedError(message, details)
    if is_brief(error):
        message = f"{what}: {said} Check host and the network, or run again later."
        return PlatformError(message, details).classed(ErrorClass.TRANSIENT)
    return PlatformError(f"{what}: {said}", details)
