"""Azure and Microsoft Fabric for DataCoolie: the platform `fabric`, and the resolver `azure-kv`."""

from datacoolie_platform_fabric.key_vault import KeyVaultResolver
from datacoolie_platform_fabric.platform import FabricPlatform

__all__ = ["FabricPlatform", "KeyVaultResolver"]
