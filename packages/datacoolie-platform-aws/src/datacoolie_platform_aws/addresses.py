"""Addresses of the platform `aws`."""

from __future__ import annotations

from datacoolie.platforms.s3 import S3Address, parse_s3


def parse(path: str) -> S3Address:
    """Return the address that a URI says; nothing in it is escaped: `%20` is three characters of the key.

    Raises:
        PlatformError: it is none, or leads out of its folder by `..`.
    """
    return parse_s3(path, "'aws', which has s3:// URIs")


def parse_object(path: str) -> S3Address:
    """Return the address of an object; raises as `parse`, and for a whole bucket."""
    return parse(path).of_object()
