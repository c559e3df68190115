"""What the loads of one run share, and how a flow's parts are made of it."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from datacoolie.core.exceptions import DataCoolieError
from datacoolie.engines.places import location_of
from datacoolie.orchestration.secrets import Secrets
from datacoolie.plugins import destination_registry, source_registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.core.models import Connection, DataFlow, Destination, ResolverSettings, Source
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
        resolvers: settings of resolvers, by name.
    """

    def __init__(
        self,
        metadata: Metadata,
        engine: BaseEngine[Frame],
        platform: BasePlatform,
        resolvers: Mapping[str, ResolverSettings] | None = None,
    ) -> None:
        """Resolve nothing yet."""
        self.metadata = metadata
        self.engine = engine
        self.platform = platform
        self.secrets = Secrets(platform, resolvers or {})
        self._ready: dict[str, Connection] = {}
        self._resolving = Lock()

    def source(self, flow: DataFlow) -> BaseSource[Frame]:
        """Make the flow's source.

        Raises:
            DataCoolieError: no plugin has such sources, or a secret can't be retrieved.
        """
        connection = self.with_secrets(self.connection(flow.source))
        cls = source_registry.get_class(connection.plugin)
        return cls(
            flow=self._with_own_secrets(flow, "source"),
            connection=connection,
            engine=self.engine,
            platform=self.platform,
        )

    def destination(self, flow: DataFlow) -> BaseDestination[Frame]:
        """Make the flow's destination, for one attempt; raises as `source`."""
        connection = self.with_secrets(self.connection(flow.destination))
        cls = destination_registry.get_class(connection.plugin)
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

    def has_other_secrets(self, flow: DataFlow) -> bool:
        """Fetch the secrets of a flow anew, and return whether one is another now: it changed while the run lasts."""
        try:
            before = self._secrets_of(flow)
            self.secrets.forget()
            return self._secrets_of(flow) != before
        except DataCoolieError:
            return False

    def close(self) -> None:
        """Forget all secrets, and give back what was borrowed with them."""
        with self._resolving:
            self._ready.clear()
        self.secrets.close()

    def _secrets_of(self, flow: DataFlow) -> list[Mapping[str, object]]:
        """Return the settings of a flow that have secrets in them."""
        both = (flow.source, flow.destination)
        used = [each for end in both for each in (self.connection(end), end) if each.secrets_ref]
        return [self.secrets.fill(each.configure, each.secrets_ref, f"Dataflow {flow.name!r}") for each in used]

    def _with_own_secrets(self, flow: DataFlow, end: Literal["source", "destination"]) -> DataFlow:
        """Return the flow with secrets in the settings of one end: a copy, so that the document's stays without."""
        endpoint = flow.source if end == "source" else flow.destination
        if not endpoint.secrets_ref:
            return flow
        where = f"Dataflow {flow.name!r}, {end}"
        resolved = self.secrets.fill(endpoint.configure, endpoint.secrets_ref, where)
        return flow.model_copy(update={end: endpoint.with_configure(resolved)})

    def with_secrets(self, connection: Connection) -> Connection:
        """Return the connection with secrets in it: a copy, so that the document's stays without.

        Raises:
            DataCoolieError: a secret can't be retrieved, or is no valid setting.
        """
        if not connection.secrets_ref:
            return connection
        where = f"Connection {connection.name!r}"
        with self._resolving:
            resolved = self.secrets.fill(connection.configure, connection.secrets_ref, where)
            ready = self._ready.get(connection.connection_id)
            if ready is None or ready.configure != resolved:
                ready = connection.model_copy(deep=True)
                ready.configure = resolved
                ready.refresh_from_configure()
                self._ready[connection.connection_id] = ready
            return ready
