"""Azure and Microsoft Fabric for DataCoolie: the resolver `azure-kv`, for secrets of Azure Key Vault."""

from datacoolie_platform_fabric.key_vault import KeyVaultResolver

__all__ = ["KeyVaultResolver"]
