"""Where the tables of dataflows are: by path, or by name in a catalog."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import EngineError, ErrorClass
from datacoolie.core.models import Destination, FileSettings
from datacoolie.engines.model import TableRef
from datacoolie.platforms import NamesTables
from datacoolie.platforms.storage import Storage

if TYPE_CHECKING:
    from datacoolie.core.models import Connection, Source
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
            writes=isinstance(endpoint, Destination),
            storage=storage_of(connection, platform),
        )
    path = location_of(endpoint, connection, platform)
    return TableRef(
        format=connection.format,
        path=path,
        version=version,
        writes=isinstance(endpoint, Destination),
        storage=storage_of(connection, platform),
    )


def by_path(ref: TableRef) -> TableRef:
    """Return a table by its path, as an engine needs it that knows no names; the platform is asked where it is.

    Raises:
        EngineError: the platform has no catalog.
        PlatformError: the catalog has no such table, or does not give it.
    """
    if ref.path is not None:
        return ref
    platform = ref.storage.platform
    if not isinstance(platform, NamesTables):
        why = f"the platform {platform.name!r} has no catalog that says where it is"
        message = f"{ref}: {why}; give the connection a base_path"
        raise EngineError(message).classed(ErrorClass.CONFIGURATION)
    found = platform.find_table(f"{ref.catalog}.{ref.name}", writes=ref.writes)
    return replace(ref, path=found.uri, storage=replace(ref.storage, platform=found.platform))
