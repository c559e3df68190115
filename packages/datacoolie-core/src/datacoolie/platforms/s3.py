"""Addresses on S3, `s3://bucket/key`, and how libraries call the keys that let them in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie.platforms.base import Dialect

_SCHEME = re.compile(r"s3[an]?://", re.IGNORECASE)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")

_KEYS = {
    Dialect.OBJECT_STORE: ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
    Dialect.ICEBERG: ("s3.access-key-id", "s3.secret-access-key", "s3.session-token"),
    Dialect.HADOOP: ("fs.s3a.access.key", "fs.s3a.secret.key", "fs.s3a.session.token"),
}


@dataclass(frozen=True, slots=True)
class S3Address:
    """A bucket, and a key in it: of an object, or what keys begin with in a folder.

    Attributes:
        bucket: its name, or the alias of an access point.
        key: without `/` at its end; empty for the whole bucket.
    """

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """The address as listings show it."""
        return f"s3://{self.bucket}/{self.key}".rstrip("/")

    @property
    def prefix(self) -> str:
        """What the keys of everything below it begin with."""
        return f"{self.key}/" if self.key else ""

    def of_object(self) -> S3Address:
        """Return the same address, which has to be one of an object.

        Raises:
            PlatformError: it is a whole bucket.
        """
        if not self.key:
            message = f"{self.uri!r} is a whole bucket. Write s3://bucket/key."
            raise _refused(message, self.uri)
        return self


def is_on_s3(path: str) -> bool:
    """Whether a path is a URI of S3."""
    return _SCHEME.match(path) is not None


def parse_s3(path: str, platform: str) -> S3Address:
    """Return the address that a URI says; nothing in it is escaped: `%20` is three characters of the key.

    Args:
        path: the URI.
        platform: what the platform is and has, for messages: `'aws', which has s3:// URIs`.

    Raises:
        PlatformError: it is none, or leads out of its folder by `..`.
    """
    scheme = _SCHEME.match(path)
    if scheme is None:
        message = f"{path!r} is not on platform {platform}. Write s3://bucket/folder."
        raise _refused(message, path)
    bucket, _, key = path[scheme.end() :].rstrip("/").partition("/")
    if bucket.startswith("arn:"):
        message = (
            f"{path!r} names an access point by its ARN, which engines can't read. Write its alias: s3://alias/..."
        )
        raise _refused(message, path)
    if not _BUCKET.fullmatch(bucket):
        message = f"{path!r} names no bucket: {bucket!r} is not a bucket's name. Write s3://bucket/folder."
        raise _refused(message, path)
    if "\0" in key or {".", ".."} & set(key.split("/")):
        message = f"{path!r}: a key has no parts '.' or '..' on S3. Write the folder's own path."
        raise _refused(message, path)
    return S3Address(bucket, key)


def s3_keys(dialect: Dialect, key_id: str | None, secret: str | None, token: str | None) -> dict[str, str]:
    """Return credentials, those that there are, under the names that a library has for them."""
    values = (key_id, secret, token)
    return {name: value for name, value in zip(_KEYS[dialect], values, strict=True) if value}


def _refused(message: str, path: str) -> PlatformError:
    return PlatformError(message, {"path": path}).classed(ErrorClass.CONFIGURATION)
