"""Addresses in the storage of a cloud, and what libraries need to get there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from datacoolie.core.redaction import register_secret_values
from datacoolie.platforms import AccessDeniedError, Dialect
from datacoolie.platforms.s3 import S3Address, parse_s3, s3_keys

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import (
        GenerateTemporaryPathCredentialResponse,
        GenerateTemporaryTableCredentialResponse,
    )

    Answer: TypeAlias = GenerateTemporaryPathCredentialResponse | GenerateTemporaryTableCredentialResponse

_EARLY = timedelta(minutes=5)
"""So long before they end credentials are asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the storage of the cloud is, as far as Databricks does not say it.

    Attributes:
        region: of the buckets.
        endpoint: where the storage answers, when it isn't the cloud's own.
    """

    region: str
    endpoint: str | None

    def options(self, dialect: Dialect) -> dict[str, str]:
        """Return it in the words of a library."""
        http = self.endpoint is not None and self.endpoint.startswith("http:")
        named: dict[Dialect, dict[str, str | None]] = {
            Dialect.OBJECT_STORE: {
                "aws_region": self.region,
                "aws_endpoint_url": self.endpoint,
                "aws_allow_http": "true" if http else None,
                "aws_conditional_put": "etag",
            },
            Dialect.ICEBERG: {
                "s3.region": self.region,
                "s3.endpoint": self.endpoint,
                "s3.path-style-access": "true" if self.endpoint else None,
            },
        }
        return {name: text for name, text in named[dialect].items() if text is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Credentials that Databricks gives away for a while.

    Attributes:
        values: key, secret and session token.
        expires: when to ask again, in UTC.
    """

    values: tuple[str, str, str] = field(repr=False)
    expires: datetime

    @property
    def are_good(self) -> bool:
        """Whether they need not be asked for again yet."""
        return datetime.now(UTC) < self.expires

    def options(self, dialect: Dialect) -> dict[str, str]:
        """Return them in the words of a library."""
        return s3_keys(dialect, *self.values)


def keys_of(answer: Answer, what: str) -> Keys:
    """Return the credentials of an answer; they are masked in all that is printed.

    Args:
        answer: Databricks'.
        what: they are for, for messages.

    Raises:
        AccessDeniedError: they are for another cloud than AWS, or there are none.
    """
    found = answer.aws_temp_credentials
    if found is None or not (found.access_key_id and found.secret_access_key):
        message = (
            f"Databricks gives no credentials of AWS for {what}. In Azure and Google Cloud run in Databricks itself, "
            "where Spark gets at it, or have its files elsewhere."
        )
        raise AccessDeniedError(message)
    values = (found.access_key_id, found.secret_access_key, found.session_token or "")
    register_secret_values(*filter(None, values[1:]))
    ends = datetime.fromtimestamp((answer.expiration_time or 0) / 1000, UTC)
    return Keys(values=values, expires=ends - _EARLY)


def parse(path: str) -> S3Address:
    """Return the address that a URI says, without empty parts; nothing in it is escaped.

    Raises:
        PlatformError: it is none, or leads out of its folder by `..`.
    """
    has = "volumes (/Volumes/catalog/schema/volume/folder) and external locations on AWS (s3://bucket/folder)"
    found = parse_s3(path, f"'databricks', which has {has}")
    return S3Address(found.bucket, "/".join(filter(None, found.key.split("/"))))


def parse_object(path: str) -> S3Address:
    """Return the address of an object; raises as `parse`, and for a whole bucket."""
    return parse(path).of_object()
