"""Azure Key Vault by Azure's own libraries."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.keyvault.secrets import SecretClient

from datacoolie.core.exceptions import ErrorClass
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie_platform_fabric.identity import credential_of
from datacoolie_platform_fabric.key_vault import KeyVaultError, SecretGetter

if TYPE_CHECKING:
    from azure.keyvault.secrets import SecretProperties

    from datacoolie_platform_fabric.settings import KeyVaultSettings

_FORBIDDEN, _TOO_MANY, _SERVER_FAULTS = 403, 429, 500


class SdkGetter(SecretGetter):
    """Fetches secrets as azure-identity says.

    Args:
        settings: how vaults are reached, and who asks.
    """

    def __init__(self, settings: KeyVaultSettings) -> None:
        """Log in later."""
        self._settings = settings
        self._credential = credential_of(settings)
        self._clients: dict[str, SecretClient] = {}
        self._making = Lock()

    def get(self, vault: str, name: str, version: str | None) -> str:
        """Return a secret that is enabled and valid now.

        Raises:
            KeyVaultError: the vault does not give it, or it is not valid.
        """
        client, what = self._client(vault), f"Can't read {name!r} of {vault}"
        try:
            found = client.get_secret(name, version)
        except ResourceNotFoundError as error:
            message = f"{what}: there is no such secret{' or version' if version else ''}. {_others(client, name)}"
            raise KeyVaultError(message, {"vault": vault}) from error
        except AzureError as error:
            raise _failed(what, error) from error
        except ValueError as error:
            message = f"{what}: it asks for a token of another domain; set verify_challenge: false only if it is yours."
            raise KeyVaultError(message, {"vault": vault}).classed(ErrorClass.CONFIGURATION) from error
        if fault := _not_valid(found.properties):
            message = f"{what}: {fault}"
            raise KeyVaultError(message, {"vault": vault})
        return found.value or ""

    def close(self) -> None:
        """Close connections, that of the login too."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self._credential.close()

    def _client(self, vault: str) -> SecretClient:
        with self._making:
            if vault not in self._clients:
                self._clients[vault] = SecretClient(
                    vault,
                    self._credential,
                    verify_challenge_resource=self._settings.verify_challenge,
                    retry_total=self._settings.retries,
                    connection_timeout=self._settings.timeout,
                    read_timeout=self._settings.timeout,
                    connection_verify=self._settings.ca or True,
                )
            return self._clients[vault]


def _not_valid(properties: SecretProperties) -> str:
    now = datetime.now(UTC)
    if properties.expires_on and properties.expires_on <= now:
        return f"it expired at {properties.expires_on:%Y-%m-%d %H:%M} UTC. Store a new version."
    if properties.not_before and properties.not_before > now:
        return f"it is not valid before {properties.not_before:%Y-%m-%d %H:%M} UTC."
    return ""


def _others(client: SecretClient, name: str) -> str:
    """Name the secrets that are there, if that may be known."""
    try:
        names = [each.name for each in client.list_properties_of_secrets() if each.name]
    except AzureError:
        return "Store it, or correct its name."
    return f"Secrets: {listed(names)}.{did_you_mean(name, names)}"


def _failed(what: str, error: AzureError) -> KeyVaultError:
    """Return the error for what Azure's libraries raise."""
    if isinstance(error, ClientAuthenticationError):
        message = f"{what}: the login failed: {_first_line(error)}"
        return KeyVaultError(message).classed(ErrorClass.CONFIGURATION)
    if isinstance(error, HttpResponseError):
        return _answered(what, error)
    if isinstance(error, ServiceRequestError | ServiceResponseError) and "CERTIFICATE_VERIFY_FAILED" not in str(error):
        message = f"{what}: the vault does not answer: {_first_line(error)}"
        return KeyVaultError(message).classed(ErrorClass.TRANSIENT)
    message = f"{what}: {_first_line(error)}"
    return KeyVaultError(message).classed(ErrorClass.CONFIGURATION)


def _answered(what: str, error: HttpResponseError) -> KeyVaultError:
    status = error.status_code or 0
    inner = error.error.innererror if error.error else None
    if status == _FORBIDDEN and "disabled" in f"{inner} {error.message}".lower():
        message = f"{what}: it is disabled. Enable it, or store a new version."
        return KeyVaultError(message).classed(ErrorClass.CONFIGURATION)
    if status == _FORBIDDEN:
        message = f"{what}: no right to do so [403]: {_first_line(error)} The role Key Vault Secrets User is needed."
        return KeyVaultError(message).classed(ErrorClass.CONFIGURATION)
    brief = status == _TOO_MANY or status >= _SERVER_FAULTS
    message = f"{what}: {_first_line(error)} [{status}]"
    return KeyVaultError(message).classed(ErrorClass.TRANSIENT if brief else ErrorClass.CONFIGURATION)


def _first_line(error: AzureError) -> str:
    return str(error.message).strip().partition("\n")[0].rstrip(".") + "."
