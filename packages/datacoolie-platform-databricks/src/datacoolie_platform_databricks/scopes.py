"""The resolver `databricks`: secrets of scopes, from the cluster or from outside."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from datacoolie.core.exceptions import ConfigurationError, DataCoolieError
from datacoolie.core.redaction import register_secret_values
from datacoolie.core.secret_provider import BaseSecretProvider
from datacoolie.core.secret_resolver import BaseSecretResolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ON_A_CLUSTER = "DATABRICKS_RUNTIME_VERSION"
"""The variable that every cluster of Databricks has."""

SDK = "databricks.sdk"

SECRETS = ("token", "password", "client_secret", "azure_client_secret", "google_credentials")
"""Settings of databricks-sdk that nothing may show."""


class ScopeError(DataCoolieError):
    """Databricks can't give a secret."""


class SecretGetter(ABC):
    """Fetches secrets of scopes."""

    @abstractmethod
    def get(self, scope: str, key: str) -> str:
        """Return a secret.

        Raises:
            ScopeError: Databricks does not give it.
            ConfigurationError: it is no text.
        """


class DatabricksResolver(BaseSecretResolver):
    """Secrets of Databricks: `databricks:SCOPE` with the name of a secret.

    On a cluster `dbutils` is asked, unless the settings say who asks; elsewhere databricks-sdk.

    Args:
        **options: settings of databricks-sdk: `host`, `token`, `client_id`, `client_secret`, `profile`, ...

    Raises:
        ConfigurationError: databricks-sdk has no such setting.
    """

    contract_version: ClassVar[int] = 1

    def __init__(self, **options: object) -> None:
        """Keep settings; nobody is asked for anything yet."""
        self._options = {name: value for name, value in options.items() if value is not None}
        register_secret_values(*(str(options[name]) for name in SECRETS if options.get(name)))
        if self._options:
            check_settings("the resolver 'databricks'", self._options)
        self._getter: SecretGetter | None = None

    def resolve(self, key: str, source: str) -> str:
        """Return a secret.

        Raises:
            ConfigurationError: the source is no scope, the library is missing, or nothing says who asks.
            ScopeError: Databricks does not give it.
        """
        if not source or "/" in source:
            message = f"{source!r} must be the name of a scope, such as databricks:shop."
            raise ConfigurationError(message)
        if self._getter is None:
            self._getter = _getter(self._options)
        return self._getter.get(source, key)

    def close(self) -> None:
        """Forget the login."""
        self._getter = None


class ScopeProvider(BaseSecretProvider):
    """Takes secrets of scopes; the source is the scope.

    Args:
        resolver: fetches them.
    """

    def __init__(self, resolver: DatabricksResolver) -> None:
        """Ask nothing yet."""
        super().__init__()
        self._resolver = resolver

    def _fetch_secret(self, key: str, source: str) -> str:
        return self._resolver.resolve(key, source)


def _getter(options: Mapping[str, object]) -> SecretGetter:
    if not options and os.environ.get(ON_A_CLUSTER):
        return _OfCluster()
    require(SDK)
    from datacoolie_platform_databricks.sdk import SdkGetter  # noqa: PLC0415 - an extra

    return SdkGetter(options)


def check_settings(whose: str, options: Mapping[str, object], own: Iterable[str] = ()) -> None:
    """Make sure that databricks-sdk knows settings.

    Args:
        whose: the plugin, for messages.
        options: as a project has them.
        own: settings that the plugin itself has beside them.

    Raises:
        ConfigurationError: it does not know one, or is not installed.
    """
    require(SDK)
    from datacoolie_platform_databricks.client import check  # noqa: PLC0415 - an extra

    check(whose, options, own)


def require(*libraries: str) -> None:
    """Make sure that libraries of the extra `sdk` are installed.

    Raises:
        ConfigurationError: one is not.
    """
    if not are_installed(*libraries):
        message = "Databricks needs its libraries here: pip install 'datacoolie-platform-databricks[sdk]'"
        raise ConfigurationError(message)


def are_installed(*libraries: str) -> bool:
    """Whether libraries are installed, by their dotted names."""
    return all(find_spec(name.partition(".")[0]) is not None and find_spec(name) is not None for name in libraries)


class _OfCluster(SecretGetter):
    """Has the cluster fetch secrets, as whoever runs the notebook or job."""

    def get(self, scope: str, key: str) -> str:
        from databricks.sdk.runtime import dbutils  # noqa: PLC0415 - only on a cluster

        try:
            return str(dbutils.secrets.get(scope, key))
        except Exception as error:
            # It passes on what the JVM throws, of any type.
            message = f"Can't read {key!r} of the scope {scope!r}: {error}"
            raise ScopeError(message, {"scope": scope}) from error
