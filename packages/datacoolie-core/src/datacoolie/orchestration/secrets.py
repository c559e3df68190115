"""The secrets of a project: its resolvers, made when they are needed, and what they returned."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from datacoolie.core.models import ResolverSettings
from datacoolie.core.secret_cache import CachedResolver, Keeping
from datacoolie.core.secret_provider import resolve_configure
from datacoolie.plugins import resolver_registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from datacoolie.core.secret_provider import BaseSecretProvider
    from datacoolie.core.secret_resolver import BaseSecretResolver
    from datacoolie.platforms import BasePlatform


class Secrets:
    """Puts secrets in the place of their names.

    Args:
        platform: whose own provider is asked where a source names no resolver.
        settings: settings of resolvers, by name.
    """

    def __init__(self, platform: BasePlatform, settings: Mapping[str, ResolverSettings]) -> None:
        """Make no resolver yet."""
        self._platform = platform
        self._settings = settings
        self._provider: BaseSecretProvider | None = None
        self._resolvers: dict[str, CachedResolver] = {}
        self._making = Lock()

    def fill(
        self, configure: Mapping[str, object], secrets_ref: Mapping[str, list[str]], where: str
    ) -> dict[str, Any]:  # as `configure` is, whatever its fields hold
        """Return a copy of settings with the secrets in place of their names.

        Raises:
            DataCoolieError: a reference is wrong, or a secret can't be retrieved.
        """
        return resolve_configure(configure, secrets_ref, self.provider, where=where, resolver_lookup=self.resolver)

    @property
    def provider(self) -> BaseSecretProvider:
        """The platform's own provider."""
        if self._provider is None:
            self._provider = self._platform.secret_provider()
        return self._provider

    def resolver(self, name: str) -> BaseSecretResolver | None:
        """Return the resolver of a name, or nothing when there is none.

        Raises:
            ConfigurationError: it can't be made with the project's settings.
        """
        if not resolver_registry.is_available(name):
            return None
        with self._making:
            if name not in self._resolvers:
                settings = self._settings.get(name, ResolverSettings())
                made = resolver_registry.get(name, **settings.options)
                ttl = made.default_ttl if settings.cache_ttl is None else settings.cache_ttl
                self._resolvers[name] = CachedResolver(made, Keeping(ttl=ttl, allow_stale=settings.allow_stale))
            return self._resolvers[name]

    def forget(self) -> None:
        """Fetch all secrets anew from now on."""
        self.provider.clear_cache()
        for resolver in list(self._resolvers.values()):
            resolver.forget()

    def close(self) -> None:
        """Give back what resolvers borrowed, and forget all secrets."""
        with self._making:
            resolvers, self._resolvers = self._resolvers, {}
        for resolver in resolvers.values():
            resolver.close()
        if self._provider is not None:
            self._provider.close()
