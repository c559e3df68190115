"""Secrets of Databricks by databricks-sdk."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from databricks.sdk.errors import NotFound, PermissionDenied, Unauthenticated

from datacoolie.core.exceptions import ConfigurationError, ErrorClass
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie_platform_databricks.client import FAILURES, is_brief, sentence, workspace_client
from datacoolie_platform_databricks.scopes import ScopeError, SecretGetter

if TYPE_CHECKING:
    from collections.abc import Mapping


class SdkGetter(SecretGetter):
    """Fetches secrets as databricks-sdk's own configuration, or the project's, says.

    Args:
        options: settings of the library.

    Raises:
        ConfigurationError: nothing says which workspace is meant, or who asks.
    """

    def __init__(self, options: Mapping[str, object]) -> None:
        """Find out who asks."""
        self._client = workspace_client(options)

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
            message = f"{what}: {sentence(error)} {self._others(scope, key)}"
            raise ScopeError(message, {"scope": scope}).classed(ErrorClass.CONFIGURATION) from error
        except FAILURES as error:
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
        except FAILURES:
            return "Store it, or correct its name."
        return f"Secrets: {listed(keys)}.{did_you_mean(key, keys)}"


def _failed(what: str, error: Exception) -> ScopeError:
    """Return the error for what the library raises."""
    if isinstance(error, PermissionDenied):
        message = f"{what}: no right to do so: {sentence(error)} The permission READ on the scope is needed."
    elif isinstance(error, Unauthenticated):
        message = f"{what}: the login failed: {sentence(error)}"
    else:
        message = f"{what}: {sentence(error)}"
    return ScopeError(message).classed(ErrorClass.TRANSIENT if is_brief(error) else ErrorClass.CONFIGURATION)
