"""What a flow asks for that can't be done yet, or not by this engine: found before anything is read."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from datacoolie.core.discovery import extra_that_lacks
from datacoolie.core.exceptions import ConfigurationError, PlatformError
from datacoolie.core.models import ConnectionType, Format, LakehouseSettings, LoadType, ProcessingMode
from datacoolie.core.suggest import listed
from datacoolie.destinations.catalogs import database_of
from datacoolie.platforms import LimitsPlaces, NamesTables, RegistersTables
from datacoolie.plugins import destination_registry, resolver_registry, source_registry
from datacoolie.state.views import is_file_name
from datacoolie.transformers.support import unsupported as unsupported_transforms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacoolie.core.models import Connection, DataFlow, Destination, Maintenance, RunSettings, Source
    from datacoolie.core.registry import PluginRegistry
    from datacoolie.engines import EngineCapabilities
    from datacoolie.orchestration.workspace import Workspace
    from datacoolie.platforms import BasePlatform

Frame = TypeVar("Frame")

_PATHS = (ConnectionType.FILE, ConnectionType.LAKEHOUSE)


def unsupported(flow: DataFlow, workspace: Workspace[Frame], settings: RunSettings) -> list[str]:
    """Return a sentence for everything in a flow that can't be run, or may not be; none when it can be."""
    source, destination = workspace.connection(flow.source), workspace.connection(flow.destination)
    found = [
        *_mode(flow),
        *_source(flow, source, workspace),
        *_destination(flow, destination, workspace),
    ]
    return [
        *(f"{what} is not supported yet" for what in found),
        *_function(flow.source.python_function, settings),
        *_plugins(source, destination),
        *_resolvers(flow, workspace),
        *_places(flow, workspace),
        *_catalog(flow, destination, workspace.platform),
        *unsupported_transforms(flow, workspace.metadata.hints(flow)),
    ]


def _function(function: str | None, settings: RunSettings) -> Iterator[str]:
    """Say that nobody has allowed a function; its module is not imported to find out."""
    if function and not settings.allows(function):
        yield (
            f"source.python_function is {function!r}, and run.allowed_function_prefixes in datacoolie.yaml allows "
            f"{listed(settings.allowed_function_prefixes)}. Name its module there if documents may run its code"
        )


def _plugins(source: Connection, destination: Connection) -> Iterator[str]:
    """Say why plugins of other packages can't be had."""
    for registry, connection in ((source_registry, source), (destination_registry, destination)):
        if connection.connection_type is ConnectionType.PLUGIN:
            yield from _why_not(registry, connection.plugin)


def _why_not(registry: PluginRegistry[Any], name: str) -> Iterator[str]:  # Any: whatever kind they are
    try:
        registry.get_class(name)
    except ConfigurationError as error:
        yield error.message


def _resolvers(flow: DataFlow, workspace: Workspace[Frame]) -> Iterator[str]:
    """Say which resolvers of secrets are missing; other sources with a colon may be addresses, which platforms have."""
    both: tuple[Source | Destination, ...] = (flow.source, flow.destination)
    sources = [source for end in both for each in (workspace.connection(end), end) for source in each.secrets_ref]
    for name in dict.fromkeys(source.partition(":")[0] for source in sources if ":" in source):
        missing = not resolver_registry.is_available(name)
        if missing and (extra_that_lacks(name) or workspace.platform.name == "local"):
            yield from _why_not(resolver_registry, name)


def _places(flow: DataFlow, workspace: Workspace[Frame]) -> Iterator[str]:
    """Say why a platform does not let tables or files be where the flow has them."""
    platform = workspace.platform
    if not isinstance(platform, LimitsPlaces):
        return
    for endpoint, writes in ((flow.source, False), (flow.destination, True)):
        connection = workspace.connection(endpoint)
        if connection.connection_type in _PATHS and not connection.in_catalog:
            location = connection.location(endpoint.schema_name, endpoint.table)
            # What is no path at all is refused where it is used; secrets may be in it now.
            with suppress(PlatformError):
                if why := platform.why_not(location, connection.format, writes=writes):
                    yield why


def _mode(flow: DataFlow) -> Iterator[str]:
    if flow.processing_mode is not ProcessingMode.BATCH:
        yield f"processing_mode {flow.processing_mode.value}"


def _source(flow: DataFlow, connection: Connection, workspace: Workspace[Frame]) -> Iterator[str]:
    engine, capabilities = workspace.engine.name, workspace.engine.capabilities
    if flow.source.query:
        yield "source.query"
    elif flow.source.python_function:
        yield "source.python_function"
    elif connection.connection_type is ConnectionType.PLUGIN:
        return
    elif not source_registry.is_available(connection.connection_type):
        yield f"reading from a connection of type {connection.connection_type.value}"
    elif connection.connection_type is ConnectionType.FILE and connection.format not in capabilities.reads:
        yield f"reading {connection.format.value} by the engine {engine} (it has {listed(sorted(capabilities.reads))})"
    elif connection.connection_type is ConnectionType.LAKEHOUSE:
        yield from _table(flow.source, connection, workspace)


def _table(endpoint: Source | Destination, connection: Connection, workspace: Workspace[Frame]) -> Iterator[str]:
    name, engine, capabilities = connection.format.value, workspace.engine.name, workspace.engine.capabilities
    by_platform = name in capabilities.table_paths and isinstance(workspace.platform, NamesTables)
    if name not in capabilities.tables:
        yield f"table format {name} by the engine {engine} (it has {listed(capabilities.tables)})"
    elif not connection.in_catalog:
        if name not in capabilities.table_paths:
            yield f"{name} by base_path (give the connection catalog_options instead)"
    elif name not in capabilities.table_names and not by_platform:
        yield f"{name} by catalog name, without base_path,"
    elif by_platform and not connection.catalog:
        yield f"{name} without a catalog (catalog of the connection)"
    elif by_platform and connection.configure.get("catalog_options"):
        yield f"{name} with catalog_options (the platform {workspace.platform.name} has the catalog)"
    elif not by_platform and not connection.configure.get("catalog_options"):
        yield f"{name} without catalog_options (type, uri, warehouse of the catalog, in the connection)"
    elif not (endpoint.schema_name or connection.database):
        yield f"{name} without a schema (schema_name of the flow, or database of the connection)"


def _destination(flow: DataFlow, connection: Connection, workspace: Workspace[Frame]) -> Iterator[str]:
    engine, capabilities = workspace.engine.name, workspace.engine.capabilities
    kind, load_type, settings = connection.connection_type, flow.destination.load_type, flow.destination.settings
    if kind is not ConnectionType.PLUGIN and not destination_registry.is_available(kind):
        yield f"writing to a connection of type {kind.value}"
    elif kind is ConnectionType.FILE and connection.format not in capabilities.writes:
        yield f"writing {connection.format.value} by the engine {engine} (it has {listed(sorted(capabilities.writes))})"
    elif kind is ConnectionType.LAKEHOUSE:
        yield from _table(flow.destination, connection, workspace)
        yield from _load_type(load_type, capabilities.tables.get(connection.format, frozenset()))
        yield from _manifests(connection, connection.settings_as(LakehouseSettings))
    if settings.maintenance:
        yield from _maintenance(settings.maintenance, connection, engine, capabilities)
    if settings.merge_options or connection.configure.get("merge_options"):
        yield "merge_options"


def _maintenance(
    maintenance: Maintenance, connection: Connection, engine: str, capabilities: EngineCapabilities
) -> Iterator[str]:
    name = connection.format.value
    if connection.connection_type is ConnectionType.FILE:
        if maintenance.optimize:
            yield "destination.configure.maintenance.optimize of flat files"
        return
    for what, possible in (("optimize", capabilities.optimizes), ("vacuum", capabilities.vacuums)):
        if getattr(maintenance, what) and name not in possible:
            yield f"destination.configure.maintenance.{what} of {name} tables by the engine {engine}"


def _load_type(load_type: LoadType, possible: frozenset[LoadType]) -> Iterator[str]:
    if possible and load_type not in possible:
        yield f"load type {load_type.value}"


def _manifests(connection: Connection, settings: LakehouseSettings) -> Iterator[str]:
    for name in ("generate_manifest", "register_symlink_table"):
        if not getattr(settings, name):
            continue
        if connection.format is not Format.DELTA:
            yield f"{name} of {connection.format.value} tables"
        elif connection.in_catalog:
            yield f"{name} of tables by catalog name"


def _catalog(flow: DataFlow, connection: Connection, platform: BasePlatform) -> Iterator[str]:
    """Say why a table can't be registered in the platform's catalog."""
    settings = connection.settings
    names = [name for name in ("register_table", "register_symlink_table") if getattr(settings, name, False)]
    for what in (f"{name} of connection {connection.name!r}" for name in names):
        if not isinstance(platform, RegistersTables):
            yield f"{what}: the platform {platform.name!r} has no catalog of tables. Leave it out there, by a target"
        elif connection.format is Format.ICEBERG:
            yield f"{what}: an Iceberg table is in the catalog of its catalog_options already. Leave {names[0]} out"
        elif connection.format not in {Format.DELTA, Format.PARQUET}:
            yield f"{what}: possible for delta and parquet, not for {connection.format.value}"
        elif connection.in_catalog or is_file_name(flow.destination.table or ""):
            yield f"{what}: only a table that is a folder below base_path can be registered"
        elif not database_of(flow, connection):
            yield f"{what}: nothing says the database. Give the connection a database, or the flow a schema_name"
