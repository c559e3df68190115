"""What a workspace has: volumes, and the storage of the cloud behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie_platform_databricks.client import Workspace
from datacoolie_platform_databricks.cloud import CloudFiles
from datacoolie_platform_databricks.clouds import Place
from datacoolie_platform_databricks.failures import errors
from datacoolie_platform_databricks.tables import Tables
from datacoolie_platform_databricks.vending import LocationVendor
from datacoolie_platform_databricks.volumes import VolumeFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from datacoolie.core.secret_provider import BaseSecretProvider
    from datacoolie_platform_databricks.settings import StorageSettings


class Storages:
    """The storages of one workspace, by one login.

    Args:
        options: settings of databricks-sdk.
        settings: of the external locations.
        secrets: the platform's secret provider.

    Attributes:
        volumes: those of Unity Catalog.
        cloud: external locations.
        tables: those of Unity Catalog.
    """

    def __init__(
        self,
        options: Mapping[str, object],
        settings: StorageSettings,
        secrets: Callable[[], BaseSecretProvider],
    ) -> None:
        """Ask nothing yet."""
        self._workspace = Workspace(options)
        self._region = settings.region
        self._endpoint = settings.storage_endpoint
        self.volumes = VolumeFiles(self._workspace, secrets)
        self.cloud = CloudFiles(
            LocationVendor(self._workspace),
            self._place,
            secrets,
            timeout=settings.http_timeout_seconds,
            attempts=settings.attempts,
        )
        self.tables = Tables(self._workspace, self.cloud)

    def _place(self) -> Place:
        if self._region is None:
            with errors("ask for the region of", "the metastore"):
                self._region = str(self._workspace.client.metastores.summary().region)
        return Place(region=self._region, endpoint=self._endpoint)
