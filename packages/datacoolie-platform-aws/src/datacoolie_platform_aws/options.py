"""What the libraries of engines need to get at S3, in their own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacoolie.platforms import Dialect, TemporaryCredentials
from datacoolie.platforms.s3 import s3_keys
from datacoolie_platform_aws.session import CONNECT

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

    from datacoolie_platform_aws.session import AwsSession

_REGION = "us-east-1"
"""The region that is said to servers other than AWS's, which have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryOptions:
    """Options for the libraries of engines.

    Attributes:
        session: credentials, region, endpoint.
        kms_key_id: the key that what is written is encrypted by.
        requester_pays: we pay for what is read of other accounts' buckets.
    """

    session: AwsSession
    kms_key_id: str | None
    requester_pays: bool

    def credentials(self) -> TemporaryCredentials:
        """Return the session's credentials for object_store.

        Raises:
            AccessDeniedError: there are none.
        """
        keys, expires = self.session.keys()
        return TemporaryCredentials(options=_named(keys, Dialect.OBJECT_STORE), expires=expires)

    def of(self, dialect: Dialect) -> dict[str, str]:
        """Return all options of a library.

        Raises:
            AccessDeniedError: there are no credentials.
        """
        keys, _ = self.session.keys()
        return {**_named(keys, dialect), **{name: text for name, text in self._others(dialect, keys).items() if text}}

    @property
    def _region(self) -> str | None:
        return self.session.region or (_REGION if self.session.endpoint else None)

    def _others(self, dialect: Dialect, keys: ReadOnlyCredentials) -> dict[str, str | None]:
        match dialect:
            case Dialect.OBJECT_STORE:
                return self._object_store()
            case Dialect.ICEBERG:
                return self._iceberg(keys)
            case Dialect.HADOOP:
                return self._hadoop(keys)

    def _object_store(self) -> dict[str, str | None]:
        endpoint = self.session.endpoint
        return {
            "aws_region": self._region,
            "aws_endpoint_url": endpoint,
            "aws_allow_http": "true" if endpoint and endpoint.startswith("http:") else None,
            "aws_conditional_put": "etag",
            "aws_request_payer": "true" if self.requester_pays else None,
            "aws_server_side_encryption": "aws:kms" if self.kms_key_id else None,
            "aws_sse_kms_key_id": self.kms_key_id,
        }

    def _iceberg(self, keys: ReadOnlyCredentials) -> dict[str, str | None]:
        endpoint = self.session.endpoint
        return {
            # A catalog of the type `glue` asks as we do.
            "glue.region": self._region,
            "glue.endpoint": self.session.settings.endpoint,
            "glue.access-key-id": keys.access_key,
            "glue.secret-access-key": keys.secret_key,
            "glue.session-token": keys.token,
            "s3.region": self._region,
            "s3.endpoint": endpoint,
            "s3.path-style-access": "true" if endpoint else None,
            "s3.sse.type": "kms" if self.kms_key_id else None,
            "s3.sse.key": self.kms_key_id,
        }

    def _hadoop(self, keys: ReadOnlyCredentials) -> dict[str, str | None]:
        endpoint = self.session.endpoint
        provider = "TemporaryAWSCredentialsProvider" if keys.token else "SimpleAWSCredentialsProvider"
        return {
            "fs.s3a.aws.credentials.provider": f"org.apache.hadoop.fs.s3a.{provider}",
            "fs.s3a.endpoint.region": self._region,
            "fs.s3a.endpoint": endpoint,
            "fs.s3a.path.style.access": "true" if endpoint else None,
            "fs.s3a.connection.ssl.enabled": "false" if endpoint and endpoint.startswith("http:") else None,
            "fs.s3a.requester.pays.enabled": "true" if self.requester_pays else None,
            "fs.s3a.encryption.algorithm": "SSE-KMS" if self.kms_key_id else None,
            "fs.s3a.encryption.key": self.kms_key_id,
            **self._patience(),
        }

    def _patience(self) -> dict[str, str]:
        """Return how long Hadoop waits for S3; it tries itself again what the SDK below it has given up."""
        settings = self.session.settings
        return {
            "fs.s3a.attempts.maximum": str(settings.attempts),
            "fs.s3a.retry.limit": "1",
            "fs.s3a.connection.establish.timeout": f"{min(CONNECT, settings.timeout):g}s",
            "fs.s3a.connection.timeout": f"{settings.timeout:g}s",
        }


def _named(keys: ReadOnlyCredentials, dialect: Dialect) -> dict[str, str]:
    return s3_keys(dialect, keys.access_key, keys.secret_key, keys.token)
