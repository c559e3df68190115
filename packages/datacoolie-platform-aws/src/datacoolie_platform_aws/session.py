"""One boto3 session: who we are on AWS, and how patient."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from threading import RLock
from typing import TYPE_CHECKING, Annotated, Self
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
    RefreshableCredentials,
)
from botocore.exceptions import NoCredentialsError
from pydantic import Field, model_validator

from datacoolie.core.models import Model
from datacoolie.core.redaction import register_secret_values
from datacoolie_platform_aws.failures import errors

if TYPE_CHECKING:
    from botocore.credentials import Credentials, ReadOnlyCredentials
    from types_boto3_athena import AthenaClient
    from types_boto3_glue import GlueClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient

_CONNECTIONS = 64
CONNECT = 10.0
"""Seconds in which a connection has to be made."""

_GOOD_FOR = timedelta(minutes=9)
"""botocore gives no credentials away that end within 10 minutes."""


class SessionSettings(Model):
    """Who we are on AWS, and how patient; what is not set is taken from the environment and from AWS's own files."""

    region: str | None = None
    """Such as `eu-central-1`."""
    profile: str | None = None
    """Of AWS's own configuration files."""
    assume_role_arn: str | None = None
    """The role that is taken on by the credentials that are found."""
    external_id: str | None = None
    """What that role may ask for."""
    endpoint: str | None = None
    """Where the services answer, when it isn't AWS: `https://minio.example.com`."""
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 60
    """Seconds for which a request waits for an answer."""
    attempts: Annotated[int, Field(ge=1)] = 5
    """How often a request is sent at most; in between a random while passes."""

    @model_validator(mode="after")
    def _are_addresses(self) -> Self:
        if self.endpoint is not None and urlsplit(self.endpoint).scheme not in {"http", "https"}:
            message = f"endpoint is {self.endpoint!r}; it has to begin with https:// or http://"
            raise ValueError(message)
        if self.assume_role_arn is not None and not self.assume_role_arn.startswith("arn:"):
            message = f"assume_role_arn is {self.assume_role_arn!r}; write an ARN: arn:aws:iam::ACCOUNT:role/NAME"
            raise ValueError(message)
        return self


class AwsSession:
    """The clients of one run, made when first needed. Safe to use from several threads."""

    def __init__(self, settings: SessionSettings) -> None:
        """Connect to nothing yet."""
        self.settings = settings
        self._lock = RLock()
        self._vaults: dict[str | None, SecretsManagerClient] = {}

    @cached_property
    def s3(self) -> S3Client:
        """The client of S3."""
        with self._lock, errors("use", "S3"):
            return self._session.client("s3", endpoint_url=self.settings.endpoint, config=self._config)

    @cached_property
    def glue(self) -> GlueClient:
        """The client of Glue."""
        with self._lock, errors("use", "Glue"):
            return self._session.client("glue", endpoint_url=self.settings.endpoint, config=self._config)

    @cached_property
    def athena(self) -> AthenaClient:
        """The client of Athena."""
        with self._lock, errors("use", "Athena"):
            return self._session.client("athena", endpoint_url=self.settings.endpoint, config=self._config)

    def secrets_manager(self, region: str | None = None) -> SecretsManagerClient:
        """Return the client of Secrets Manager, in the session's region or another one."""
        with self._lock, errors("use", "Secrets Manager"):
            if region not in self._vaults:
                self._vaults[region] = self._session.client(
                    "secretsmanager", region_name=region, endpoint_url=self.settings.endpoint, config=self._config
                )
            return self._vaults[region]

    @property
    def region(self) -> str | None:
        """The region, when one is known."""
        with errors("use", "AWS"):
            return self._session.region_name

    @cached_property
    def endpoint(self) -> str | None:
        """Where S3 answers, when that isn't AWS."""
        url = self.s3.meta.endpoint_url
        host = urlsplit(url).hostname or ""
        return None if host.endswith((".amazonaws.com", ".amazonaws.com.cn")) else url

    def keys(self) -> tuple[ReadOnlyCredentials, datetime | None]:
        """Return credentials that are good now, and when to ask again; they are masked in all that is printed.

        Raises:
            AccessDeniedError: there are none.
        """
        with errors("use", "AWS"):
            found = self._credentials
            keys = found.get_frozen_credentials()
        register_secret_values(*filter(None, (keys.secret_key, keys.token)))
        expires = datetime.now(UTC) + _GOOD_FOR if isinstance(found, RefreshableCredentials) else None
        return keys, expires

    @cached_property
    def _credentials(self) -> Credentials:
        found = self._session.get_credentials()
        if found is None:
            raise NoCredentialsError
        return found

    @cached_property
    def _session(self) -> boto3.Session:
        """The session, in the role that is asked for."""
        settings = self.settings
        # boto3 itself reads AWS_DEFAULT_REGION only.
        region = settings.region or os.environ.get("AWS_REGION")
        first = boto3.Session(profile_name=settings.profile, region_name=region)
        if settings.assume_role_arn is None:
            return first
        core = botocore.session.Session(profile=settings.profile)
        resolver = CredentialResolver([_InRole(first, settings.assume_role_arn, settings)])
        core.register_component("credential_provider", resolver)
        return boto3.Session(botocore_session=core, region_name=region)

    @property
    def _config(self) -> Config:
        settings = self.settings
        foreign = settings.endpoint is not None
        return Config(
            connect_timeout=min(CONNECT, settings.timeout),
            read_timeout=settings.timeout,
            retries={"mode": "standard", "total_max_attempts": settings.attempts},
            max_pool_connections=_CONNECTIONS,
            s3={"addressing_style": "path"} if foreign else None,
            # Not every server that speaks S3 knows the newer checksums.
            request_checksum_calculation="when_required" if foreign else "when_supported",
            response_checksum_validation="when_required" if foreign else "when_supported",
        )


class _InRole(CredentialProvider):
    """Takes on a role by the credentials of another session, again before it ends."""

    METHOD = "assume-role"

    def __init__(self, first: boto3.Session, role: str, settings: SessionSettings) -> None:
        super().__init__()
        self._first = first
        self._role = role
        self._settings = settings

    def load(self) -> Credentials:
        source = self._first.get_credentials()
        if source is None:
            raise NoCredentialsError
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=partial(self._first.client, endpoint_url=self._settings.endpoint),
            source_credentials=source,
            role_arn=self._role,
            extra_args={"ExternalId": self._settings.external_id} if self._settings.external_id else None,
        )
        return DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method=self.METHOD)
