"""Secrets Manager: the secret provider of the platform `aws`, and the resolver `aws-sm`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, ClassVar
from urllib.parse import parse_qsl

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field

from datacoolie.core.exceptions import ConfigurationError, PlatformError
from datacoolie.core.models import settings_of
from datacoolie.core.redaction import register_secret_values
from datacoolie.core.secret_provider import BaseSecretProvider
from datacoolie.core.secret_resolver import BaseSecretResolver
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie_platform_aws import failures
from datacoolie_platform_aws.session import AwsSession, SessionSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_secretsmanager import SecretsManagerClient

_ARN = re.compile(r"arn:[\w-]+:secretsmanager:(?P<region>[\w-]+):")
_VERSIONS = {"stage": "VersionStage", "version": "VersionId"}
_GONE = "ResourceNotFoundException"
_LISTED = 1000
"""Names among which one is looked for that is near to one that is not there."""

_REFUSED = frozenset({"InvalidRequestException", "InvalidParameterException", "ValidationException"})


class SecretsManagerProvider(BaseSecretProvider):
    """Takes secrets from Secrets Manager.

    The source names the secret, by name or ARN (its region counts), and the key is a field of the secret's JSON:

        secrets_ref: {"prod/warehouse": [password]}

    `prod/warehouse?stage=AWSPREVIOUS` and `?version=ID` read another version than the current one. With an empty source
    the key is the secret itself, and the whole of its text is the value.

    Args:
        session: who asks.
        cache_ttl: seconds for which a fetched secret is kept; 0 keeps none.
    """

    def __init__(self, session: AwsSession, cache_ttl: int = 300) -> None:
        """Ask nothing yet."""
        super().__init__(cache_ttl)
        self._session = session

    def _fetch_secret(self, key: str, source: str) -> str:
        # The whole secret is kept too, so that several fields of it are one request.
        return _field(self.get_secret(source), key, source) if source else self._fetch_whole(key)

    def _fetch_whole(self, name: str) -> str:
        secret, _, query = name.partition("?")
        region = _ARN.match(secret)
        client = self._session.secrets_manager(region["region"] if region else None)
        try:
            found = client.get_secret_value(SecretId=secret, **_version(name, query))
        except ClientError as error:
            raise _refused(secret, error, client) from error
        except BotoCoreError as error:
            what = f"Can't read the secret {secret!r}"
            raise failures.of_client(what, error, secret) from error
        text = found.get("SecretString", "")
        if not text:
            message = (
                f"The secret {secret!r} is binary or empty, which no setting can be. Store it as text, such "
                "as a JSON object."
            )
            raise ConfigurationError(message, {"secret": secret})
        register_secret_values(text)
        return text


class ResolverSettings(SessionSettings):
    """Who asks for secrets, and how patient."""

    cache_ttl: Annotated[int, Field(ge=0)] = 300
    """Seconds for which a fetched secret is kept; 0 keeps none."""


class SecretsManagerResolver(BaseSecretResolver):
    """Resolves `aws-sm:NAME` on any platform; what follows the prefix is the source of `SecretsManagerProvider`.

    Args:
        **options: the settings of `ResolverSettings`.

    Raises:
        ConfigurationError: a setting is no valid one.
    """

    contract_version: ClassVar[int] = 1

    def __init__(self, **options: object) -> None:
        """Ask nothing yet."""
        settings = settings_of("the resolver 'aws-sm'", ResolverSettings, options)
        self._provider = SecretsManagerProvider(AwsSession(settings), settings.cache_ttl)

    def resolve(self, key: str, source: str) -> str:
        """Fetch a field of a secret, or with an empty source a whole secret.

        Raises:
            ConfigurationError: there is no such secret, version or field, or it is binary.
            PlatformError: Secrets Manager refuses, or does not answer.
        """
        return self._provider.get_secret(key, source)

    def forget(self) -> None:
        """Ask Secrets Manager again from now on."""
        self._provider.clear_cache()


def _version(name: str, query: str) -> Mapping[str, str]:
    """Return what tells the version that is wanted.

    Raises:
        ConfigurationError: what follows the `?` is nothing that a secret has.
    """
    wanted = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := next((part for part in wanted if part not in _VERSIONS), None):
        message = (
            f"{name!r} asks for {unknown!r}; possible after the ?: {listed(_VERSIONS)}."
            f"{did_you_mean(unknown, _VERSIONS)}"
        )
        raise ConfigurationError(message, {"secret": name})
    return {_VERSIONS[part]: value for part, value in wanted.items()}


def _field(text: str, key: str, source: str) -> str:
    """Return a field of a secret's JSON.

    Raises:
        ConfigurationError: there is none, or it holds no single value.
    """
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        message = (
            f"The secret {source!r} is no JSON object, so it has no field {key!r}. To use the whole of its text, leave "
            f"the source empty and give the secret's name as the value: {{'aws-sm:': [...]}}."
        )
        raise ConfigurationError(message, {"secret": source})
    if key not in fields:
        message = f"The secret {source!r} has no field {key!r}. It has: {listed(fields)}.{did_you_mean(key, fields)}"
        raise ConfigurationError(message, {"secret": source, "field": key})
    value = fields[key]
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict | list):
        message = f"The field {key!r} of the secret {source!r} is {type(value).__name__}, not a text or number."
        raise ConfigurationError(message, {"secret": source, "field": key})
    return json.dumps(value)


def _refused(secret: str, error: ClientError, client: SecretsManagerClient) -> ConfigurationError | PlatformError:
    code, what = failures.code_of(error), f"Can't read the secret {secret!r}"
    said = str(error.response.get("Error", {}).get("Message", code)).rstrip(".")
    if code == _GONE:
        near = did_you_mean(secret, _names(client))
        message = f"{what}: {said}. Check its name, version and region (an ARN says its own region).{near}"
        return ConfigurationError(message, {"secret": secret, "code": code})
    if code in _REFUSED:
        return ConfigurationError(f"{what}: {said} ({code}).", {"secret": secret, "code": code})
    return failures.of_response(what, error, secret)


def _names(client: SecretsManagerClient) -> list[str]:
    """Return names of secrets that are there, page by page; none for whoever may not list them."""
    pages = client.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 100, "MaxItems": _LISTED})
    try:
        return [secret["Name"] for page in pages for secret in page["SecretList"]]
    except (BotoCoreError, ClientError):
        return []
