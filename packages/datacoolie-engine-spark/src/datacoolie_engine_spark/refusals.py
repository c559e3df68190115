"""What S3 says to Spark, in the words of Hadoop, when it refuses or does not answer."""

from __future__ import annotations

import re

from datacoolie.core.exceptions import DataCoolieError, DestinationError, ErrorClass, SourceError

_ANSWER = re.compile(
    r"^(?P<where>[^\n]*?)[\w.]*awssdk\.[\w.]+Exception: (?P<why>[^\n]*?) "
    r"\(Service: S3, Status Code: (?P<status>\d+)[^)\n]*\)(?::(?P<code>\w+))?",
    re.MULTILINE,
)
_SILENCE = re.compile(r"^(?P<where>[^\n]*?)[\w.]*awssdk\.core\.exception\.\w+: (?P<why>[^\n]*)", re.MULTILINE)
_NO_KEYS = re.compile(r"^(?P<where>[^\n]*?)[\w.]+\.(?:No\w*Credentials\w*|NoAuthWithAWS)Exception", re.MULTILINE)
_PATH = re.compile(r"s3[an]?://[^\s:,]+|(?<= on )[^\s:,]+")

_NOT_FOUND = "404"
_LATER = re.compile(r"5\d\d|429")
_ENDED = re.compile(r"ExpiredToken|TokenRefreshRequired")


def refused(text: str, target: str | None) -> DataCoolieError | None:
    """Return the error when S3 refuses, or can't be reached; `None` when the text tells of something else.

    Args:
        text: all that Spark says.
        target: where is written to.
    """
    if found := _ANSWER.search(text):
        return _answered(found, target)
    if found := _NO_KEYS.search(text):
        why = "Spark has no credentials for S3; the platform aws gives it those of AWS's own tools"
        return _error(found["where"], why, target, passes=False)
    if found := _SILENCE.search(text):
        said = re.split(r":\s+[\w.]*awssdk\.", found["why"])[0].rstrip(" .:")
        return _error(found["where"], f"S3 does not answer: {said}", target, passes=True)
    return None


def _answered(found: re.Match[str], target: str | None) -> DataCoolieError | None:
    if found["status"] == _NOT_FOUND and "bucket" not in found["why"]:
        return None
    code = "" if found["code"] in {None, "null"} else f" {found['code']}"
    why = f"S3 refuses: {found['why'].rstrip('.')} ({found['status']}{code})"
    passes = _LATER.fullmatch(found["status"]) is not None
    if _ENDED.search(code):
        why += ". Spark keeps the credentials that it first got for a bucket: run again in a new process"
    elif not passes:
        why += ". Check the credentials, and their right to do so"
    return _error(found["where"], why, target, passes=passes)


def _error(where: str, why: str, target: str | None, *, passes: bool) -> DataCoolieError:
    path = _PATH.search(where)
    shown = path[0] if path else target or "Reading failed"
    _, _, key = (target or "").rstrip("/").partition("://")[2].partition("/")
    kind = DestinationError if key and key in shown else SourceError
    return kind(f"{shown}: {why}", {"path": shown}).classed(
        ErrorClass.TRANSIENT if passes else ErrorClass.CONFIGURATION
    )
