"""What AWS refuses, and what goes wrong on the way to it, as errors of the framework."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie.core.redaction import redact
from datacoolie.platforms import AccessDeniedError, PathNotFoundError, StorageFullError

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANGED = frozenset({"PreconditionFailed", "412"})
"""Codes that say that a condition does not hold."""

MISSING = frozenset({"NoSuchKey", "NotFound", "404"})
"""Codes that say that there is no such object."""

_NO_BUCKET = "NoSuchBucket"
_THROTTLED = 429
_SERVER = 500

_EXPIRED = "The credentials have expired. Get new ones (such as by aws sso login) and run again"
_UNKNOWN_KEY = "AWS does not know this access key. Check AWS_ACCESS_KEY_ID, or the profile"
_NO_RIGHT = "Give the user or role of these credentials the right to do so, also on the KMS key if there is one"
_ADVICE = {
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "UnrecognizedClientException": _UNKNOWN_KEY,
    "InvalidToken": "AWS does not know this session token. Check AWS_SESSION_TOKEN, or the profile",
    "SignatureDoesNotMatch": "The secret key is not that of the access key. Check AWS_SECRET_ACCESS_KEY",
    "RequestTimeTooSkewed": "This machine's clock is wrong. Set it",
    "AccessDenied": _NO_RIGHT,
    "AccessDeniedException": _NO_RIGHT,
    "AllAccessDisabled": "Access to it is turned off",
    "403": f"The credentials may be wrong or have expired. {_NO_RIGHT}",
}
"""What to do about a refusal, by AWS's code."""

_REGIONS = frozenset({"PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"})
_BUSY = frozenset({"SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestTimeout",
                   "RequestLimitExceeded", "InternalServiceError"})  # fmt: skip
_FULL = frozenset({"QuotaExceeded", "XMinioStorageFull", "507"})
_NO_CREDENTIALS = (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError,
                   boto.SSOError, boto.TokenRetrievalError)  # fmt: skip
_CONFIGURATION = (boto.ProfileNotFound, boto.NoRegionError, boto.ParamValidationError, boto.ConfigParseError,
                  boto.InvalidConfigError, boto.ConfigNotFound)  # fmt: skip
_UNREACHABLE = (boto.HTTPClientError, boto.ConnectionError)


@contextmanager
def errors(action: str, path: str, target: str | None = None) -> Iterator[None]:
    """Turn what boto3 raises into the platform's errors, naming the action and the path."""
    what = f"Can't {action} {path!r}" + (f" to {target!r}" if target else "")
    try:
        yield
    except ClientError as error:
        raise of_response(what, error, path) from error
    except BotoCoreError as error:
        raise of_client(what, error, path) from error


def code_of(error: ClientError) -> str:
    """Return AWS's code of a refusal; the HTTP status where there is none."""
    return str(error.response.get("Error", {}).get("Code") or status_of(error))


def status_of(error: ClientError) -> int:
    """Return the HTTP status of a refusal."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def attempts_of(error: ClientError) -> int:
    """Return how often the request was sent."""
    return int(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)) + 1


def of_response(what: str, error: ClientError, path: str) -> PlatformError:
    """Return the typed error for a refusal; `what` is what failed."""
    code, status = code_of(error), status_of(error)
    said = redact(str(error.response.get("Error", {}).get("Message") or code))
    details = {"path": path, "code": code, "status": status}
    if code in MISSING or code == _NO_BUCKET:
        kind = "bucket. Check its name, the region and the endpoint" if code == _NO_BUCKET else "file. Check the path"
        return PathNotFoundError(f"{what}: there is no such {kind}.", details)
    if code in _ADVICE:
        return AccessDeniedError(f"{what}: {said} ({code}). {_ADVICE[code]}.", details)
    if code in _FULL:
        return StorageFullError(f"{what}: {said} ({code}). Make room and run again.", details)
    if code in _REGIONS:
        message = f"{what}: the bucket is in another region ({said}). Set the platform's region to the bucket's."
        return PlatformError(message, details).classed(ErrorClass.CONFIGURATION)
    if code in _BUSY or status == _THROTTLED or status >= _SERVER:
        message = f"{what}: {said} ({code}), also at attempt {attempts_of(error)}. Run again later."
        return PlatformError(message, details).classed(ErrorClass.TRANSIENT)
    return PlatformError(f"{what}: {said} ({code}).", details)


def of_client(what: str, error: BotoCoreError, path: str) -> PlatformError:
    """Return the typed error for a request that got no answer."""
    details, said = {"path": path}, redact(str(error)).rstrip(".")
    if isinstance(error, _NO_CREDENTIALS):
        message = (
            f"{what}: there are no AWS credentials that can be used ({said}). Set AWS_PROFILE, or AWS_ACCESS_KEY_ID "
            "and AWS_SECRET_ACCESS_KEY, sign in (aws sso login), or run where a role gives them."
        )
        return AccessDeniedError(message, details)
    if isinstance(error, _CONFIGURATION):
        return PlatformError(f"{what}: {said}.", details).classed(ErrorClass.CONFIGURATION)
    if isinstance(error, _UNREACHABLE):
        message = f"{what}: AWS does not answer ({said}). Check the endpoint, the region and the network; run again."
        return PlatformError(message, details).classed(ErrorClass.TRANSIENT)
    return PlatformError(f"{what}: {said}.", details)
