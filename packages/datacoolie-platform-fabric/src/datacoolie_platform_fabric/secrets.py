"""Key Vault as the secret provider of the platform `fabric`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.secret_provider import BaseSecretProvider
from datacoolie_platform_fabric.key_vault import KeyVaultResolver
from datacoolie_platform_fabric.settings import Identity

if TYPE_CHECKING:
    from datacoolie_platform_fabric.settings import StorageSettings


class KeyVaultProvider(BaseSecretProvider):
    """Takes secrets from Key Vault; the source is a vault, by name or address, the key the name of a secret.

    Args:
        settings: who asks.
        cache_ttl: seconds for which a fetched secret is kept; 0 keeps none.
    """

    def __init__(self, settings: StorageSettings, cache_ttl: int = 300) -> None:
        """Ask nothing yet."""
        super().__init__(cache_ttl)
        self._resolver = KeyVaultResolver(**settings.model_dump(include=set(Identity.model_fields)))

    def close(self) -> None:
        """Close connections to vaults, and evict all cached secrets."""
        super().close()
        self._resolver.close()

    def _fetch_secret(self, key: str, source: str) -> str:
        return self._resolver.resolve(key, source)
