"""Where the tables of dataflows are: by path, or by name in a catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.core.models import FileSettings
from datacoolie.engines.model import TableRef
from datacoolie.platforms.storage import Storage

if TYPE_CHECKING:
    from datacoolie.core.models import Connection, Destination, Source
    from datacoolie.platforms import BasePlatform


def location_of(endpoint: Source | Destination, connection: Connection, platform: BasePlatform) -> str:
    """Return where an endpoint's table is, for messages and dependencies; touches nothing.

    Raises:
        PlatformError: the platform has no such paths.
    """
    location = connection.location(endpoint.schema_name, endpoint.table)
    return location if connection.in_catalog else platform.resolve(location)


def storage_of(connection: Connection, platform: BasePlatform) -> Storage:
    """Return how an engine gets at the files of a connection.

    Raises:
        ConfigurationError: a setting of the connection is invalid.
    """
    return Storage(platform=platform, overrides=connection.settings_as(FileSettings).storage_options)


def table_ref(
    endpoint: Source | Destination, connection: Connection, platform: BasePlatform, *, version: str | None = None
) -> TableRef:
    """Return what an engine needs to open an endpoint's table.

    Args:
        endpoint: the source or destination.
        connection: its connection, a lakehouse, with secrets in it.
        platform: resolves paths.
        version: for a version that isn't the newest.

    Raises:
        ConfigurationError: a setting of the connection is invalid.
        PlatformError: the platform has no such paths.
    """
    if connection.in_catalog:
        return TableRef(
            format=connection.format,
            name=".".join(part for part in (endpoint.schema_name or connection.database, endpoint.table) if part),
            catalog=connection.catalog or "default",
            catalog_options=connection.catalog_options,
            version=version,
            storage=storage_of(connection, platform),
        )
    path = location_of(endpoint, connection, platform)
    return TableRef(format=connection.format, path=path, version=version, storage=storage_of(connection, platform))
