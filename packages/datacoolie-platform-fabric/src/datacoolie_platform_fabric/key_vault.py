"""The resolver `azure-kv`: which secret of which vault a reference means, and who is asked for it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from datacoolie.core.exceptions import ConfigurationError, DataCoolieError
from datacoolie.core.models import settings_of
from datacoolie.core.redaction import register_secret_values
from datacoolie.core.secret_resolver import BaseSecretResolver
from datacoolie_platform_fabric.settings import KeyVaultSettings

if TYPE_CHECKING:
    from typing import Protocol

    class NotebookCredentials(Protocol):
        """The part of `notebookutils` that has secrets."""

        def getSecret(self, akvName: str, secret: str) -> str:  # noqa: N802, N803 - Fabric's names
            """Return a secret of a vault, which is named by its address."""


_VAULT = re.compile(r"[A-Za-z][A-Za-z0-9-]{2,23}")
_SECRET = re.compile(r"(?P<name>[0-9A-Za-z-]{1,127})(?:/(?P<version>[0-9a-fA-F]{32}))?")


class KeyVaultError(DataCoolieError):
    """Azure Key Vault can't give a secret."""


class SecretGetter(ABC):
    """Fetches secrets of vaults."""

    @abstractmethod
    def get(self, vault: str, name: str, version: str | None) -> str:
        """Return a secret of the vault with this address; `None` means its newest version.

        Raises:
            KeyVaultError: the vault does not give it.
        """

    def close(self) -> None:  # noqa: B027 - not all keep anything
        """Close connections."""


class KeyVaultResolver(BaseSecretResolver):
    """Secrets of Azure Key Vault: `azure-kv:VAULT`, by name or address, with the name of a secret.

    In a notebook of Fabric `notebookutils` is asked, unless the settings say who asks; elsewhere Azure's own libraries.

    Args:
        **options: the settings of `KeyVaultSettings`.

    Raises:
        ConfigurationError: a setting is wrong.
    """

    contract_version: ClassVar[int] = 1

    def __init__(self, **options: object) -> None:
        """Read settings; nobody is asked for anything yet."""
        self._settings = settings_of("the resolver 'azure-kv'", KeyVaultSettings, options)
        if self._settings.client_secret:
            register_secret_values(self._settings.client_secret)
        self._getter: SecretGetter | None = None

    def resolve(self, key: str, source: str) -> str:
        """Return a secret.

        Raises:
            ConfigurationError: the vault's or the secret's name can't be one, or a library is missing.
            KeyVaultError: the vault does not give it.
        """
        vault = vault_address(source, self._settings.dns_suffix)
        found = _SECRET.fullmatch(key)
        if found is None:
            message = f"{key!r} can't be a secret in Azure Key Vault: names have letters, digits and '-', up to 127."
            raise ConfigurationError(message)
        if self._getter is None:
            self._getter = _getter(self._settings)
        return self._getter.get(vault, found["name"], found["version"])

    def close(self) -> None:
        """Close connections to vaults."""
        if self._getter is not None:
            self._getter.close()
        self._getter = None


def vault_address(source: str, dns_suffix: str) -> str:
    """Return the address of the vault that a source names.

    Raises:
        ConfigurationError: it is neither a vault's name nor an address.
    """
    if _VAULT.fullmatch(source):
        return f"https://{source}.{dns_suffix}"
    parts = urlsplit(source)
    if (
        parts.scheme == "https"
        and parts.hostname
        and not parts.username
        and parts.path in {"", "/"}
        and not parts.query
    ):
        return source.rstrip("/")
    message = f"{source!r} is no vault; write its name, or its address as https://NAME.{dns_suffix}."
    raise ConfigurationError(message)


def _getter(settings: KeyVaultSettings) -> SecretGetter:
    if not settings.says_who and find_spec("notebookutils") is not None:
        return _OfNotebook()
    if find_spec("azure.identity") is None or find_spec("azure.keyvault") is None:
        message = "Azure Key Vault needs Azure's libraries: pip install 'datacoolie-platform-fabric[sdk]'"
        raise ConfigurationError(message)
    from datacoolie_platform_fabric.sdk import SdkGetter  # noqa: PLC0415 - an extra

    return SdkGetter(settings)


class _OfNotebook(SecretGetter):
    """Has Fabric fetch secrets, as the user that runs the notebook."""

    def get(self, vault: str, name: str, version: str | None) -> str:
        import notebookutils  # type: ignore[import-not-found] # noqa: PLC0415 - only in Fabric

        credentials: NotebookCredentials = notebookutils.credentials
        if version is not None:
            message = f"{name}/{version}: Fabric gives the newest version of a secret only; leave out the version."
            raise ConfigurationError(message)
        try:
            return str(credentials.getSecret(f"{vault}/", name))
        except Exception as error:
            # It passes on what the JVM throws, of any type.
            message = f"Can't read {name!r} of {vault}: {error}"
            raise KeyVaultError(message, {"vault": vault}) from error
