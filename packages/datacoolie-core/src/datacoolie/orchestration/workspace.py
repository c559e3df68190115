"""What the loads of one run share, and how a flow's parts are made of it."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from datacoolie.core.secret_provider import resolve_configure, resolve_secrets
from datacoolie.engines.places import location_of
from datacoolie.plugins import destination_registry, resolver_registry, source_registry

if TYPE_CHECKING:
    from datacoolie.core.models import Connection, DataFlow, Destination, Source
    from datacoolie.core.secret_resolver import BaseSecretResolver
    from datacoolie.destinations.base import BaseDestination
    from datacoolie.engines import BaseEngine
    from datacoolie.metadata import Metadata
    from datacoolie.platforms import BasePlatform
    from datacoolie.sources.base import BaseSource

Frame = TypeVar("Frame")


class Workspace(Generic[Frame]):
    """The connections of a project on one engine and platform, with secrets that are resolved when first needed.

    Args:
        metadata: all that the documents say.
        engine: evaluates and commits.
        platform: files and secrets.
    """

    def __init__(self, metadata: Metadata, engine: BaseEngine[Frame], platform: BasePlatform) -> None:
        """Resolve nothing yet."""
        self.metadata = metadata
        self.engine = engine
        self.platform = platform
        self._ready: dict[str, Connection] = {}
        self._resolving = Lock()

    def source(self, flow: DataFlow) -> BaseSource[Frame]:
        """Make the flow's source.

        Raises:
            DataCoolieError: no plugin has such sources, or a secret can't be retrieved.
        """
        connection = self._with_secrets(self.connection(flow.source))
        cls = source_registry.get_class(connection.connection_type)
        return cls(
            flow=self._with_own_secrets(flow, "source"),
            connection=connection,
            engine=self.engine,
            platform=self.platform,
        )

    def destination(self, flow: DataFlow) -> BaseDestination[Frame]:
        """Make the flow's destination, for one attempt; raises as `source`."""
        connection = self._with_secrets(self.connection(flow.destination))
        cls = destination_registry.get_class(connection.connection_type)
        return cls(
            flow=self._with_own_secrets(flow, "destination"),
            connection=connection,
            engine=self.engine,
            platform=self.platform,
        )

    def location(self, endpoint: Source | Destination) -> str:
        """Return where an endpoint's table is, in the form that sources and destinations use; touches nothing."""
        connection = self.connection(endpoint)
        return location_of(endpoint, connection, self.platform)

    def describe(self, endpoint: Source | Destination) -> str:
        """Return an endpoint for people: `connection.schema.table`."""
        parts = (endpoint.connection_name, endpoint.schema_name, endpoint.table)
        return ".".join(part for part in parts if part)

    def connection(self, endpoint: Source | Destination) -> Connection:
        """Return the endpoint's connection as the document has it, without secrets."""
        return self.metadata.connection(endpoint)

    def _with_own_secrets(self, flow: DataFlow, end: Literal["source", "destination"]) -> DataFlow:
        """Return the flow with secrets in the settings of one end: a copy, so that the document's stays without."""
        endpoint = flow.source if end == "source" else flow.destination
        if not endpoint.secrets_ref:
            return flow
        resolved = resolve_configure(
            endpoint.configure,
            endpoint.secrets_ref,
            self.platform.secret_provider(),
            resolver_lookup=_resolver,
            where=f"Dataflow {flow.name!r}, {end}",
        )
        return flow.model_copy(update={end: endpoint.with_configure(resolved)})

    def _with_secrets(self, connection: Connection) -> Connection:
        """Return the connection with secrets in it: on a copy, so that the document's stays without."""
        if not connection.secrets_ref:
            return connection
        with self._resolving:
            if connection.connection_id not in self._ready:
                resolved = connection.model_copy(deep=True)
                resolve_secrets(resolved, self.platform.secret_provider(), resolver_lookup=_resolver)
                self._ready[connection.connection_id] = resolved
            return self._ready[connection.connection_id]


def _resolver(prefix: str) -> BaseSecretResolver | None:
    """Return the resolver that a source's prefix names, if there is one."""
    return resolver_registry.get_or_create(prefix) if resolver_registry.is_available(prefix) else None
