"""Where secrets come from: one contract for environment variables, cloud vaults and any other backend.

A source of `secrets_ref` such as `env:APP_` names a resolver by its prefix; a source without a known prefix goes to the
platform's own provider.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.redaction import redact
from datacoolie.core.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie.core.secret_provider import BaseSecretProvider

__all__ = ["BaseSecretResolver", "EnvResolver", "NativeProviderResolver", "ResolverLookup", "parse_source"]


class BaseSecretResolver(ABC):
    """A backend that secrets are fetched from.

    The settings of a project's section `resolvers` are the arguments of its constructor.

    Attributes:
        default_ttl: seconds for which a fetched secret is kept, unless a reference or a project says otherwise.
    """

    default_ttl: ClassVar[float] = 300

    contract_version: ClassVar[int] = 1
    """Moves when plugins have to be changed; a plugin of another package states the one that it is built for."""

    @abstractmethod
    def resolve(self, key: str, source: str) -> str:
        """Fetch a single secret.

        Args:
            key: the secret's name, which is the value of the field in `configure`.
            source: the backend's own identifier: what follows the prefix (`APP_` of `env:APP_`), or the whole source
                for the platform's provider.

        Raises:
            DataCoolieError: the secret can't be retrieved.
        """

    def resolve_all(self, keys: Sequence[str], source: str) -> dict[str, str]:
        """Fetch several secrets of one source, which belong together: a user and its password.

        Args:
            keys: names of secrets.
            source: as in `resolve`.

        Raises:
            DataCoolieError: one of them can't be retrieved.
        """
        return {key: self.resolve(key, source) for key in keys}

    def forget(self) -> None:  # noqa: B027 - most keep nothing
        """Fetch anew what is asked for from now on: a system refused what was fetched before."""

    def close(self) -> None:  # noqa: B027 - most borrow nothing
        """Give back what was borrowed, at the end of a run; the resolver can be used again."""


ResolverLookup: TypeAlias = Callable[[str], BaseSecretResolver | None]
"""Gives the resolver for a prefix, or None for an unknown one."""


class EnvResolver(BaseSecretResolver):
    """Takes secrets from environment variables: the one called `{source}{key}`."""

    default_ttl: ClassVar[float] = 0  # the environment is memory already

    def resolve(self, key: str, source: str) -> str:
        """Return the value of the environment variable `{source}{key}`.

        Raises:
            ConfigurationError: there is no such variable.
        """
        name = f"{source}{key}"
        if (value := os.environ.get(name)) is not None:
            return value
        # The key of a connection that was resolved before is a secret value itself.
        near = did_you_mean(name, os.environ)
        message = redact(f"The environment variable {name!r} is not set.{near} Set it, or correct its name.")
        raise ConfigurationError(message)


class NativeProviderResolver(BaseSecretResolver):
    """Offers a platform's secret provider as a resolver.

    Args:
        provider: the provider that every request goes to.
        **_: not used; lets all resolvers be made with the same arguments.
    """

    def __init__(self, provider: BaseSecretProvider, **_: object) -> None:
        """Keep the provider."""
        self._provider = provider

    def resolve(self, key: str, source: str) -> str:
        """Fetch the secret from the provider.

        Raises:
            DataCoolieError: the secret can't be retrieved.
        """
        return self._provider.get_secret(key, source)

    def resolve_all(self, keys: Sequence[str], source: str) -> dict[str, str]:
        """Fetch several secrets from the provider; raises as `resolve`."""
        return self._provider.get_secrets(list(keys), source)

    def forget(self) -> None:
        """Have the provider fetch anew."""
        self._provider.clear_cache()


def parse_source(
    source: str,
    fallback: BaseSecretResolver,
    resolver_lookup: ResolverLookup | None = None,
) -> tuple[BaseSecretResolver, str]:
    """Split a source of `secrets_ref` into the resolver to ask and its argument.

    A colon alone makes no prefix (`https://my.vault`, `arn:aws:...`): only one that `resolver_lookup` knows does.

    Args:
        source: such as `env:APP_` or `my-vault-scope`.
        fallback: the resolver for sources without a known prefix; it gets the whole source.
        resolver_lookup: gives the resolver for a prefix, or None.

    Returns:
        Resolver and argument, for `resolver.resolve(key, argument)`.
    """
    prefix, colon, argument = source.partition(":")
    resolver = resolver_lookup(prefix) if resolver_lookup and colon else None
    return (fallback, source) if resolver is None else (resolver, argument)
