"""Addresses on S3: `s3://bucket/key`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from datacoolie.core.exceptions import ErrorClass, PlatformError

_SCHEME = re.compile(r"s3[an]?://", re.IGNORECASE)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")


@dataclass(frozen=True, slots=True)
class Address:
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


def is_on_s3(path: str) -> bool:
    """Whether a path is a URI of S3."""
    return _SCHEME.match(path) is not None


def parse(path: str) -> Address:
    """Return the address that a URI says; nothing in it is escaped: `%20` is three characters of the key.

    Raises:
        PlatformError: it is none, or leads out of its folder by `..`.
    """
    scheme = _SCHEME.match(path)
    if scheme is None:
        message = f"{path!r} is not on platform 'aws', which has s3:// URIs. Write s3://bucket/folder."
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
    return Address(bucket, key)


def parse_object(path: str) -> Address:
    """Return the address of an object.

    Raises:
        PlatformError: it is none, or a whole bucket.
    """
    address = parse(path)
    if not address.key:
        message = f"{path!r} is a whole bucket. Write s3://bucket/key."
        raise _refused(message, path)
    return address


def _refused(message: str, path: str) -> PlatformError:
    return PlatformError(message, {"path": path}).classed(ErrorClass.CONFIGURATION)
