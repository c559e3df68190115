"""The resolver `vault` of DataCoolie: secrets from HashiCorp Vault."""

from datacoolie_resolver_vault.resolver import VaultResolver

__all__ = ["VaultResolver"]
