"""The platform `databricks`: volumes, beside the files of this machine."""

from __future__ import annotations

import os
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from datacoolie.core.models import is_uri
from datacoolie.core.redaction import register_secret_values
from datacoolie.platforms import Dialect, RoutedPlatform
from datacoolie.platforms.local import LocalPlatform
from datacoolie_platform_databricks.addresses import is_on_volume, parse, refuse_swap
from datacoolie_platform_databricks.scopes import (
    ON_A_CLUSTER,
    SECRETS,
    DatabricksResolver,
    ScopeProvider,
    check_settings,
    require_sdk,
)

if TYPE_CHECKING:
    from datacoolie.core.secret_provider import BaseSecretProvider
    from datacoolie.platforms import BasePlatform


class DatabricksPlatform(RoutedPlatform):
    """Files of volumes (`/Volumes/catalog/schema/volume/...`, also with `dbfs:`), and those of this machine.

    On a cluster volumes are folders of the machine, and files of the workspace (`/Workspace/...`) too. Elsewhere
    databricks-sdk gets at volumes, and finds out which workspace is meant and who asks as all of Databricks' tools do.

    Args:
        **options: settings of databricks-sdk: `host`, `token`, `client_id`, `client_secret`, `profile`,
            `http_timeout_seconds`, `retry_timeout_seconds`, ...

    Raises:
        ConfigurationError: databricks-sdk has no such setting.
    """

    contract_version: ClassVar[int] = 1
    name: ClassVar[str] = "databricks"

    def __init__(self, **options: object) -> None:
        """Check the settings; nobody is asked for anything yet."""
        self._options = {name: value for name, value in options.items() if value is not None}
        register_secret_values(*(str(options[name]) for name in SECRETS if options.get(name)))
        if self._options:
            check_settings("the platform 'databricks'", self._options)
        self._local = LocalPlatform()

    def private(self) -> DatabricksPlatform:
        """Return the same platform, of whose new files on this machine only the owner can read."""
        same = copy(self)
        same._local = self._local.private()  # noqa: SLF001 - its own copy
        return same

    def platform_of(self, path: str) -> BasePlatform:
        """Return what has volumes for their paths and for any URI, else the files of this machine."""
        if is_on_volume(path) or (is_uri(path) and not path.lower().startswith("file:")):
            return self.volumes
        if path.startswith("/Workspace/") and not _on_a_cluster():
            return self.volumes
        return self._local

    @cached_property
    def volumes(self) -> BasePlatform:
        """What has volumes: the folders of a cluster, elsewhere the Files API.

        Raises:
            ConfigurationError: databricks-sdk is not installed.
        """
        if _on_a_cluster():
            return MountedVolumes()
        require_sdk()
        from datacoolie_platform_databricks.volumes import VolumeFiles  # noqa: PLC0415 - an extra

        return VolumeFiles(self._options, self.secret_provider)

    def storage_options(self, uri: str, dialect: Dialect = Dialect.OBJECT_STORE) -> dict[str, str]:
        """Return nothing: engines open paths as they are."""
        return self.platform_of(uri).storage_options(uri, dialect)

    def secret_provider(self) -> BaseSecretProvider:
        """Return the provider of scopes."""
        return ScopeProvider(DatabricksResolver(**self._options))


class MountedVolumes(LocalPlatform):
    """Volumes as a cluster has them, folders of the machine: without hard links, and with locks of one machine."""

    name: ClassVar[str] = "databricks"

    def resolve(self, path: str) -> str:
        """Return a path without `dbfs:` before it and without a slash at its end.

        Raises:
            PlatformError: it is no path of a volume, or has a part `..`.
        """
        return parse(path)

    def write_if_absent(self, path: str, data: bytes) -> str | None:  # noqa: ARG002 - part of the contract
        """Refuse: another machine does not see this one's locks.

        Raises:
            PlatformError: always.
        """
        raise refuse_swap(path)

    def write_if_match(self, path: str, data: bytes, version: str | None) -> str | None:  # noqa: ARG002 - part of the contract
        """Refuse: another machine does not see this one's locks.

        Raises:
            PlatformError: always.
        """
        raise refuse_swap(path)


def _on_a_cluster() -> bool:
    return bool(os.environ.get(ON_A_CLUSTER))
