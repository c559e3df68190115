"""Secrets of Databricks by databricks-sdk."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config
from databricks.sdk.errors import (
    DeadlineExceeded,
    InternalError,
    NotFound,
    PermissionDenied,
    TemporarilyUnavailable,
    TooManyRequests,
    Unauthenticated,
)
from databricks.sdk.errors.base import DatabricksError

from datacoolie.core.exceptions import ConfigurationError, ErrorClass
from datacoolie.core.models import check_names
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie_platform_databricks.scopes import ScopeError, SecretGetter

if TYPE_CHECKING:
    from collections.abc import Mapping

_BRIEF = (DeadlineExceeded, InternalError, TemporarilyUnavailable, TooManyRequests)


def check(options: Mapping[str, object]) -> None:
    """Make sure that the library knows settings.

    Raises:
        ConfigurationError: it does not know one.
    """
    check_names("the resolver 'databricks'", options, sorted(attribute.name for attribute in Config.attributes()))


class SdkGetter(SecretGetter):
    """Fetches secrets as databricks-sdk's own configuration, or the project's, says.

    Args:
        options: settings of the library.

    Raises:
        ConfigurationError: nothing says which workspace is meant, or who asks.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:  # Any: each setting has a type of its own
        """Find out who asks."""
        try:
            self._client = WorkspaceClient(config=Config(**options))
        except ValueError as error:
            # Its text shows all settings, masked by the library.
            first = str(error).partition(". Config:")[0].partition("\n")[0]
            message = (
                f"Databricks: {first}. Set host and who asks in the section resolvers, or DATABRICKS_HOST and others."
            )
            raise ConfigurationError(message) from error

    def get(self, scope: str, key: str) -> str:
        """Return a secret.

        Raises:
            ScopeError: Databricks does not give it.
            ConfigurationError: it is no text.
        """
        what = f"Can't read {key!r} of the scope {scope!r} at {self._client.config.host}"
        try:
            found = self._client.secrets.get_secret(scope, key).value or ""
        except NotFound as error:
            message = f"{what}: {_sentence(error)} {self._others(scope, key)}"
            raise ScopeError(message, {"scope": scope}).classed(ErrorClass.CONFIGURATION) from error
        except (DatabricksError, requests.RequestException, TimeoutError, ValueError) as error:
            raise _failed(what, error) from error
        try:
            return base64.b64decode(found).decode("utf-8")
        except UnicodeDecodeError as error:
            message = f"The secret {key!r} of the scope {scope!r} is binary, which no setting can be. Store it as text."
            raise ConfigurationError(message) from error

    def _others(self, scope: str, key: str) -> str:
        """Name the secrets or scopes that are there, if that may be known."""
        try:
            scopes = [each.name for each in self._client.secrets.list_scopes() if each.name]
            if scope not in scopes:
                return f"Scopes: {listed(scopes)}.{did_you_mean(scope, scopes)}"
            keys = [each.key for each in self._client.secrets.list_secrets(scope) if each.key]
        except (DatabricksError, requests.RequestException, TimeoutError, ValueError):
            return "Store it, or correct its name."
        return f"Secrets: {listed(keys)}.{did_you_mean(key, keys)}"


def _failed(what: str, error: Exception) -> ScopeError:
    """Return the error for what the library raises."""
    if isinstance(error, PermissionDenied):
        message = f"{what}: no right to do so: {_sentence(error)} The permission READ on the scope is needed."
    elif isinstance(error, Unauthenticated):
        message = f"{what}: the login failed: {_sentence(error)}"
    else:
        message = f"{what}: {_sentence(error)}"
    # It tries again by itself, and gives up with this one.
    brief = isinstance(error, (*_BRIEF, TimeoutError, requests.ConnectionError, requests.Timeout))
    return ScopeError(message).classed(ErrorClass.TRANSIENT if brief else ErrorClass.CONFIGURATION)


def _sentence(error: Exception) -> str:
    text = str(error.__cause__ or error) if isinstance(error, TimeoutError) else str(error)
    # What follows there are all settings.
    return (text.strip().partition(". Config:")[0].partition("\n")[0].rstrip(".") or type(error).__name__) + "."
