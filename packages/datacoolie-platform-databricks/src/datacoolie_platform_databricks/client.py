"""The client of databricks-sdk: which workspace is meant, and who asks."""

from __future__ import annotations

from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config
from databricks.sdk.errors import (
    DeadlineExceeded,
    InternalError,
    TemporarilyUnavailable,
    TooManyRequests,
)
from databricks.sdk.errors.base import DatabricksError

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.models import check_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FAILURES = (DatabricksError, requests.RequestException, TimeoutError, RuntimeError, ValueError)
"""What the library raises when Databricks refuses, or does not answer."""

_BRIEF = (DeadlineExceeded, InternalError, TemporarilyUnavailable, TooManyRequests, TimeoutError,
          requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)  # fmt: skip


def check(whose: str, options: Mapping[str, object], own: Iterable[str]) -> None:
    """Make sure that the library knows settings.

    Args:
        whose: the plugin, for messages.
        options: as a project has them.
        own: settings that the plugin itself has beside them.

    Raises:
        ConfigurationError: it does not know one.
    """
    check_names(whose, options, sorted({*own, *(attribute.name for attribute in Config.attributes())}))


class Workspace:
    """A workspace, whose client is made when it is first needed; safe to use from several threads.

    Args:
        options: settings of databricks-sdk.
    """

    def __init__(self, options: Mapping[str, object]) -> None:
        """Ask nothing yet."""
        self._options = options
        self._lock = RLock()

    @property
    def client(self) -> WorkspaceClient:
        """The client.

        Raises:
            ConfigurationError: nothing says which workspace is meant, or who asks.
        """
        with self._lock:
            return self._client

    @cached_property
    def _client(self) -> WorkspaceClient:
        return workspace_client(self._options)


def workspace_client(options: Mapping[str, Any]) -> WorkspaceClient:  # Any: each setting has a type of its own
    """Return a client as databricks-sdk's own configuration, or the project's, says.

    Raises:
        ConfigurationError: nothing says which workspace is meant, or who asks.
    """
    try:
        return WorkspaceClient(config=Config(**options))
    except ValueError as error:
        message = (
            f"Databricks: {sentence(error)} Set host and who asks in the settings of the platform or resolver, or "
            "DATABRICKS_HOST and others."
        )
        raise ConfigurationError(message) from error


def is_brief(error: Exception) -> bool:
    """Whether the same request may succeed later; the library itself has tried several times."""
    return isinstance(error, _BRIEF) or isinstance(error.__cause__, _BRIEF)


def sentence(error: Exception) -> str:
    """Return what the library says, without the settings and addresses that it shows."""
    text = str(error.__cause__ or error) if isinstance(error, TimeoutError | RuntimeError) else str(error)
    return (text.strip().partition(". Config:")[0].partition("\n")[0].rstrip(".") or type(error).__name__) + "."
