"""What a workspace has: volumes, and the storage of the cloud behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

_TIMEOUT = 60.0
"""Seconds for which databricks-sdk waits for an answer when nothing else is said."""


class Storages:
    """The storages of one workspace, by one login.

    Args:
        options: settings of databricks-sdk.
        secrets: the platform's secret provider.
        region: of the external locations; by default that of the metastore.
        endpoint: where the storage of the cloud answers, when it isn't the cloud's own.
        attempts: how often a request to that storage is sent at most.

    Attributes:
        volumes: those of Unity Catalog.
        cloud: external locations.
        tables: those of Unity Catalog.
    """

    def __init__(
        self,
        options: Mapping[str, Any],  # Any: each setting has a type of its own
        secrets: Callable[[], BaseSecretProvider],
        *,
        region: str | None,
        endpoint: str | None,
        attempts: int,
    ) -> None:
        """Ask nothing yet."""
        self._workspace = Workspace(options)
        self._region = region
        self._endpoint = endpoint
        timeout = float(options.get("http_timeout_seconds", _TIMEOUT))
        self.volumes = VolumeFiles(self._workspace, secrets)
        self.cloud = CloudFiles(
            LocationVendor(self._workspace), self._place, secrets, timeout=timeout, attempts=attempts
        )
        self.tables = Tables(self._workspace, self.cloud)

    def _place(self) -> Place:
        if self._region is None:
            with errors("ask for the region of", "the metastore"):
                self._region = str(self._workspace.client.metastores.summary().region)
        return Place(region=self._region, endpoint=self._endpoint)
