"""Fetching secrets, and putting them in the place of the names that a document gives.

`resolve_secrets` fills a connection. Every value it fetches is masked from then on in all that the framework prints.
"""

from __future__ import annotations

import copy
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from datacoolie.core.exceptions import ConfigurationError, DataCoolieError
from datacoolie.core.redaction import get_registered_secret_values, register_secret_values
from datacoolie.core.secret_resolver import EnvResolver, NativeProviderResolver, parse_source
from datacoolie.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.core.models import Connection
    from datacoolie.core.secret_resolver import BaseSecretResolver, ResolverLookup

__all__ = [
    "BaseSecretProvider",
    "EnvSecretProvider",
    "get_registered_secret_values",
    "register_secret_values",
    "resolve_configure",
    "resolve_secrets",
]


class BaseSecretProvider(ABC):
    """Fetches secrets from a platform's vault and keeps them for a while in memory.

    Args:
        cache_ttl: seconds for which a fetched secret is kept; 0 keeps none.
        **kwargs: not used; lets all providers be made with the same arguments.

    Raises:
        ConfigurationError: `cache_ttl` is negative.
    """

    def __init__(self, cache_ttl: int = 300, **kwargs: object) -> None:  # noqa: ARG002 - part of the contract
        """Start with an empty cache."""
        if cache_ttl < 0:
            message = f"cache_ttl is {cache_ttl}; possible: 0 (keep nothing) or a number of seconds."
            raise ConfigurationError(message)
        self._cache_ttl = cache_ttl
        self._cache: dict[tuple[str, str], tuple[float, str]] = {}
        self._cache_lock = Lock()

    @abstractmethod
    def _fetch_secret(self, key: str, source: str) -> str:
        """Fetch one secret from the vault; called by `get_secret` when it is not cached.

        Raises:
            DataCoolieError: the secret can't be retrieved.
        """

    def get_secret(self, key: str, source: str = "") -> str:
        """Return one secret, from the cache or else from the vault.

        Args:
            key: the secret's name; on AWS the field inside the secret's JSON.
            source: what the platform needs to find it: a scope (Databricks), a vault's URL (Fabric), a prefix
                (local), the secret's name or ARN (AWS).

        Raises:
            DataCoolieError: the secret can't be retrieved.
        """
        with self._cache_lock:
            expires, value = self._cache.get((source, key), (0.0, ""))
        if expires > time.monotonic():
            return value
        value = self._fetch_secret(key, source)
        register_secret_values(value)
        if self._cache_ttl:
            with self._cache_lock:
                self._cache[source, key] = (time.monotonic() + self._cache_ttl, value)
        return value

    def get_secrets(self, keys: list[str], source: str = "") -> dict[str, str]:
        """Return several secrets of one source, by key.

        Raises:
            DataCoolieError: one of them can't be retrieved.
        """
        return {key: self.get_secret(key, source) for key in keys}

    def clear_cache(self) -> None:
        """Evict all cached secrets."""
        with self._cache_lock:
            self._cache.clear()

    def close(self) -> None:
        """Evict all cached secrets; a provider that keeps connections closes them too."""
        self.clear_cache()


class EnvSecretProvider(BaseSecretProvider):
    """Takes secrets from environment variables: the one called `{source}{key}`.

    Args:
        cache_ttl: seconds for which a value is kept; by default none is, the environment being memory already.
        **kwargs: not used.
    """

    def __init__(self, cache_ttl: int = 0, **kwargs: object) -> None:
        """Start with an empty cache."""
        super().__init__(cache_ttl, **kwargs)

    def _fetch_secret(self, key: str, source: str) -> str:
        return EnvResolver().resolve(key, source)


def resolve_secrets(
    connection: Connection,
    provider: BaseSecretProvider,
    *,
    resolver_lookup: ResolverLookup | None = None,
) -> None:
    """Replace the secrets' names in `connection.configure` by the secrets, as `connection.secrets_ref` says.

    `configure` is replaced as a whole at the end and the connection refreshed from it; a failure leaves the connection
    as it was. Fetched values are registered for masking at once, also when a later one fails.

    Args:
        connection: the connection to fill; a copy made for one run.
        provider: the platform's own provider, for sources without a known prefix.
        resolver_lookup: gives the resolver for a prefix such as `env`, or None.

    Raises:
        DataCoolieError: `secrets_ref` is invalid, a field is not in `configure`, a secret can't be retrieved, or is no
            valid value of its field.
    """
    if not connection.secrets_ref:
        return
    resolved = resolve_configure(
        connection.configure,
        connection.secrets_ref,
        provider,
        resolver_lookup=resolver_lookup,
        where=f"Connection {connection.name!r}",
    )
    # A copy shows whether these values are valid settings before the connection is touched.
    for each in (copy.copy(connection), connection):
        each.configure = resolved
        each.refresh_from_configure()


def resolve_configure(
    configure: Mapping[str, Any],
    secrets_ref: Mapping[str, list[str]],
    provider: BaseSecretProvider,
    *,
    where: str,
    resolver_lookup: ResolverLookup | None = None,
) -> dict[str, Any]:
    """Return a copy of `configure` that holds the secrets in place of their names.

    Args:
        configure: settings, in which the fields of `secrets_ref` hold the names of secrets.
        secrets_ref: fields of `configure` by source; a dotted field reaches into nested settings.
        provider: the platform's own provider, for sources without a known prefix.
        where: what these settings belong to, for messages.
        resolver_lookup: gives the resolver for a prefix such as `env`, or None.

    Raises:
        DataCoolieError: as `resolve_secrets`.
    """
    resolved = copy.deepcopy(dict(configure))
    native = NativeProviderResolver(provider)
    wanted: dict[str, list[_Wanted]] = {}
    for source, field in _references(secrets_ref, where):
        holder, last = _locate(resolved, field, where)
        wanted.setdefault(source, []).append(_Wanted(where=where, field=field, source=source, holder=holder, last=last))
    for source, fields in wanted.items():
        resolver, argument = parse_source(source, native, resolver_lookup)
        _fill(fields, resolver, argument)
    return resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A field that holds the name of a secret, in the dict `holder` under the key `last`."""

    where: str
    field: str
    source: str
    holder: dict[str, Any]
    last: str

    @property
    def key(self) -> str:
        """The name of the secret.

        Raises:
            ConfigurationError: it is no text.
        """
        key = self.holder[self.last]
        if isinstance(key, str):
            return key
        what = f"must hold the name of the secret as text, not as {type(key).__name__}."
        raise self.refusal(what)

    def fill(self, value: object) -> None:
        """Put the secret in the place of its name.

        Raises:
            ConfigurationError: it is no text.
        """
        if not isinstance(value, str):
            what = f"got a secret {self.key!r} that is {type(value).__name__}; it must be text."
            raise self.refusal(what)
        self.holder[self.last] = value

    def refusal(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self.where}, configure.{self.field} from {self.source!r} {what}")


def _fill(wanted: Sequence[_Wanted], resolver: BaseSecretResolver, argument: str) -> None:
    """Put the secrets of one source in the place of their names, and have them masked."""
    keys = dict.fromkeys(each.key for each in wanted)
    try:
        values: Mapping[str, object] = resolver.resolve_all(list(keys), argument)
    except DataCoolieError as error:
        fields = " and ".join(f"configure.{each.field} ({each.key!r})" for each in wanted)
        where, source = wanted[0].where, wanted[0].source
        native = isinstance(resolver, NativeProviderResolver) and ":" in source
        note = f" (no resolver is called {source.partition(':')[0]!r})" if native else ""
        message = f"{where}: {fields} can't be retrieved from {source!r}{note}: {error.message}"
        raise DataCoolieError(message, error.details).classed(error.error_class) from error
    register_secret_values(*(value for value in values.values() if isinstance(value, str)))
    for each in wanted:
        each.fill(values.get(each.key))


def _references(secrets_ref: object, where: str) -> list[tuple[str, str]]:
    """Return source and field of each reference, once the whole has the right shape."""
    if not isinstance(secrets_ref, dict) or not all(map(_is_text_list, secrets_ref.values())):
        example = '{"env:APP_": ["password"]}'
        message = f"{where}: secrets_ref must map each source to a list of fields of configure, such as {example}."
        raise ConfigurationError(message)
    references = [(str(source), field) for source, fields in secrets_ref.items() for field in fields]
    sources: dict[str, str] = {}
    for source, field in references:
        if field in sources:
            message = f"{where}: secrets_ref names {field!r} twice, in {sources[field]!r} and {source!r}. Keep one."
            raise ConfigurationError(message, {"field": field, "source": source})
        sources[field] = source
    return references


def _is_text_list(fields: object) -> bool:
    return isinstance(fields, list) and all(isinstance(field, str) for field in fields)


def _locate(configure: dict[str, Any], field: str, where: str) -> tuple[dict[str, Any], str]:
    """Return the dict that holds `field` and its key there; a key that has dots itself comes before a path."""
    *parents, last = [field] if field in configure else field.split(".")
    holder, path = configure, "configure"
    for part in parents:
        _require(holder, part, path=path, where=where)
        holder, path = holder[part], f"{path}.{part}"
    _require(holder, last, path=path, where=where)
    return holder, last


def _require(holder: object, part: str, *, path: str, where: str) -> None:
    """Refuse a reference to a field that is not there; fields are shown, never what they hold."""
    if isinstance(holder, dict) and part in holder:
        return
    found = f"{path} has: {listed(holder)}" if isinstance(holder, dict) else f"{path} has no fields"
    near = did_you_mean(part, holder) if isinstance(holder, dict) else ""
    message = f"{where}: secrets_ref names {path}.{part}, but {found}.{near} Its value must be the name of the secret."
    raise ConfigurationError(message, {"field": f"{path}.{part}"})
