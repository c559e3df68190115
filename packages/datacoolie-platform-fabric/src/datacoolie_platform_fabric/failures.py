"""What Azure Storage refuses, and what goes wrong on the way to it, as errors of the framework."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie.core.redaction import redact
from datacoolie.platforms import AccessDeniedError, PathNotFoundError, StorageFullError

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANGED = frozenset({"BlobAlreadyExists", "ConditionNotMet", "PathAlreadyExists", "TargetConditionNotMet"})
"""Codes that say that a condition does not hold."""

MISSING = frozenset({"BlobNotFound", "PathNotFound"})
"""Codes that say that there is no such blob."""

_NO_CONTAINER = frozenset({"ContainerNotFound", "FilesystemNotFound", "WorkspaceNotFound"})

NOT_THERE = MISSING | _NO_CONTAINER | {"ResourceNotFound", "404"}
"""Codes that say that nothing is at a path; an answer to HEAD may have none, but its status."""

NO_SOURCE = "CannotVerifyCopySource"
"""The code that says that Azure can't get at what it is to copy, whether it is there or not."""

ATTEMPTS = "attempts"
"""What responses have that says how often the request was sent."""

NO_SUCH_RANGE = 416
"""The HTTP status that says that a range begins behind the end."""

_DENIED = frozenset({401, 403})
_NO_RIGHT = "Give who asks the role Storage Blob Data Contributor, or in Fabric the role Contributor of the workspace"
_ADVICE = {
    "AuthenticationFailed": "The account key, the shared access signature or the token is wrong or has ended, or this "
    "machine's clock is wrong. Check them",
    "InvalidAuthenticationInfo": "The token has ended, or is for another service. Sign in again (az login)",
    "NoAuthenticationInformation": "Nothing says who asks. Give account_key or sas_token, or sign in (az login)",
    "AuthorizationPermissionMismatch": _NO_RIGHT,
    "AuthorizationFailure": f"A firewall of the account refuses this machine, or the right is missing. {_NO_RIGHT}",
    "AccountIsDisabled": "The account is turned off",
    "KeyBasedAuthenticationNotPermitted": "The account takes no keys. Leave out account_key and sign in (az login)",
}
"""What to do about a refusal, by Azure's code."""

_FULL = frozenset({"AccountQuotaExceeded", "StorageQuotaExceeded"})
_NOT_FOUND, _TIMEOUT, _TOO_MANY, _SERVER = 404, 408, 429, 500
_QUERY = re.compile(r"\?\S*")


@contextmanager
def errors(action: str, path: str, target: str | None = None) -> Iterator[None]:
    """Turn what Azure's libraries raise into the platform's errors, naming the action and the path."""
    what = f"Can't {action} {path!r}" + (f" to {target!r}" if target else "")
    try:
        yield
    except HttpResponseError as error:
        if isinstance(error, ClientAuthenticationError) and error.response is None:
            raise _of_login(what, error, path) from error
        raise _of_response(what, error, path) from error
    except AzureError as error:
        raise _of_client(what, error, path) from _without_query(error)


def code_of(error: HttpResponseError) -> str:
    """Return Azure's code of a refusal; the HTTP status where there is none."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or error.status_code)


def attempts_of(error: HttpResponseError) -> int:
    """Return how often the request was sent."""
    return int(getattr(error.response, ATTEMPTS, 1))


def _of_response(what: str, error: HttpResponseError, path: str) -> PlatformError:
    code, status = code_of(error), error.status_code or 0
    said = _first_line(error)
    details = {"path": path, "code": code, "status": status}
    if status == _NOT_FOUND and code in NOT_THERE:
        kind = (
            "container or workspace. Check its name and the account"
            if code in _NO_CONTAINER
            else "file. Check the path"
        )
        return PathNotFoundError(f"{what}: there is no such {kind}.", details)
    if code in _FULL:
        return StorageFullError(f"{what}: {said} ({code}). Make room and run again.", details)
    if code in _ADVICE or status in _DENIED:
        return AccessDeniedError(f"{what}: {said} ({code}). {_ADVICE.get(code, _NO_RIGHT)}.", details)
    if status in {_TOO_MANY, _TIMEOUT} or status >= _SERVER:
        message = f"{what}: {said} ({code}), also at attempt {attempts_of(error)}. Run again later."
        return PlatformError(message, details).classed(ErrorClass.TRANSIENT)
    return PlatformError(f"{what}: {said} ({code}).", details)


def _of_login(what: str, error: AzureError, path: str) -> PlatformError:
    message = (
        f"{what}: the login failed: {_first_line(error)}. Sign in (az login), give a service principal, or run where a "
        "managed identity is."
    )
    return AccessDeniedError(message, {"path": path})


def _of_client(what: str, error: AzureError, path: str) -> PlatformError:
    said = _first_line(error)
    if isinstance(error, ServiceRequestError | ServiceResponseError) and "CERTIFICATE_VERIFY_FAILED" not in said:
        message = f"{what}: Azure does not answer ({said}). Check the account, the endpoint and the network; run again."
        return PlatformError(message, {"path": path}).classed(ErrorClass.TRANSIENT)
    return PlatformError(f"{what}: {said}.", {"path": path}).classed(ErrorClass.CONFIGURATION)


def _first_line(error: AzureError) -> str:
    text = str(error.message).strip().partition("\n")[0]
    return redact(_QUERY.sub("", text)).rstrip(".") or type(error).__name__


def _without_query(error: AzureError) -> AzureError:
    """Return an error whose text shows URLs without what follows the `?`: signatures are there."""
    error.message = _QUERY.sub("", str(error.message))
    error.args = (error.message,)
    return error
