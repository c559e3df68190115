"""The platform `databricks`: volumes and external locations, beside the files of this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar, cast

from datacoolie.core.models import Format, settings_of
from datacoolie.core.redaction import register_secret_values
from datacoolie.platforms import Dialect, IssuesCredentials, NamedTable, RemotePlatform, TemporaryCredentials
from datacoolie.platforms.local import LocalPlatform
from datacoolie_platform_databricks.addresses import is_on_volume, parse, refuse_swap
from datacoolie_platform_databricks.scopes import (
    ON_A_CLUSTER,
    SDK,
    SECRETS,
    DatabricksResolver,
    ScopeProvider,
    are_installed,
    check_settings,
    require,
)
from datacoolie_platform_databricks.settings import StorageSettings

if TYPE_CHECKING:
    from datacoolie.core.secret_provider import BaseSecretProvider
    from datacoolie.platforms import BasePlatform
    from datacoolie_platform_databricks.tables import Tables


_LIBRARIES = (SDK, "obstore")
_WHOSE = "the platform 'databricks'"
_OWN = ("region", "storage_endpoint", "attempts")


class DatabricksPlatform(RemotePlatform):
    """Files of volumes (`/Volumes/...`), of external locations on AWS (`s3://...`), and those of this machine.

    On a cluster volumes are folders of the machine, and files of the workspace (`/Workspace/...`) too. Elsewhere
    databricks-sdk gets at volumes, and finds out which workspace is meant and who asks as all of Databricks' tools do.
    For external locations Databricks gives credentials away, on a cluster and elsewhere alike; and for tables of Unity
    Catalog, where an engine does not know their names itself.

    Args:
        **options: the settings of `StorageSettings`, and those of databricks-sdk: `host`, `token`, `client_id`,
            `client_secret`, `profile`, `http_timeout_seconds`, `retry_timeout_seconds`, ...

    Raises:
        ConfigurationError: a setting is no valid one, or databricks-sdk is not installed.
    """

    contract_version: ClassVar[int] = 1
    name: ClassVar[str] = "databricks"

    def __init__(self, **options: object) -> None:
        """Check the settings; nobody is asked for anything yet."""
        given = {name: value for name, value in options.items() if value is not None}
        self._options = {name: value for name, value in given.items() if name not in _OWN}
        register_secret_values(*(str(options[name]) for name in SECRETS if options.get(name)))
        if self._options:
            check_settings(_WHOSE, self._options, _OWN)
        of_storage = {name: value for name, value in given.items() if name in StorageSettings.model_fields}
        settings = settings_of(_WHOSE, StorageSettings, of_storage)
        if not _on_a_cluster():
            require(*_LIBRARIES)
        self._volumes: BasePlatform = MountedVolumes()
        self._tables: Tables | None = None
        remote: BasePlatform = self._volumes  # which refuses what it does not have
        if are_installed(*_LIBRARIES):
            from datacoolie_platform_databricks.storages import Storages  # noqa: PLC0415 - an extra

            storages = Storages(self._options, settings, self.secret_provider)
            remote, self._tables = storages.cloud, storages.tables
            self._volumes = self._volumes if _on_a_cluster() else storages.volumes
        super().__init__(remote)

    def platform_of(self, path: str) -> BasePlatform:
        """Return what has volumes for their paths, what has external locations for URIs, else this machine's files."""
        if is_on_volume(path) or path.startswith("dbfs:"):
            return self._volumes
        if path.startswith("/Workspace/") and not _on_a_cluster():
            return self._volumes
        return super().platform_of(path)

    def why_not(self, uri: str, kind: Format, *, writes: bool) -> str | None:  # noqa: ARG002 - part of the contract
        """Return why no table or file can be read from a volume, or written to it; `None` where they can."""
        if not is_on_volume(uri):
            return None
        if not _on_a_cluster():
            verb = "written to" if writes else "read from"
            return f"volumes are {verb} by engines on a cluster only, and {uri!r} is one"
        return refuse_swap(uri).message if writes else None

    def unseen(self, uri: str | None, kind: Format) -> str:
        """Return that Databricks' own commits to Delta tables on AWS and those of others don't see each other."""
        if kind is not Format.DELTA or (uri is not None and self.platform_of(uri) is not self._remote):
            return ""
        return (
            "on AWS commits of Databricks itself and those from outside of it don't see each other: only one of both "
            "may write the table at a time"
        )

    def storage_options(self, uri: str, dialect: Dialect = Dialect.OBJECT_STORE) -> dict[str, str]:
        """Return what libraries need for an external location; nothing for a cluster's Spark, which has own rights."""
        return {} if dialect is Dialect.HADOOP and _on_a_cluster() else super().storage_options(uri, dialect)

    def find_table(self, name: str, *, writes: bool) -> NamedTable:
        """Return where a Delta table of Unity Catalog is, with credentials for its files alone.

        Args:
            name: `catalog.schema.table`.
            writes: whether it is written to, which managed tables are not from outside.

        Raises:
            ConfigurationError: databricks-sdk is not installed.
            PlatformError: there is no such table, or Databricks does not give it away.
        """
        if self._tables is None:
            require(*_LIBRARIES)
        return cast("Tables", self._tables).find(name, writes=writes)

    def credentials(self, uri: str) -> TemporaryCredentials:
        """Return credentials for an external location that are good now; none for other paths."""
        found = self.platform_of(uri)
        if isinstance(found, IssuesCredentials):
            return found.credentials(uri)
        return TemporaryCredentials(options={}, expires=None)

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
