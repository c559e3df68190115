"""The client of databricks-sdk: which workspace is meant, and who asks."""

from __future__ import annotations

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
    from collections.abc import Mapping

FAILURES = (DatabricksError, requests.RequestException, TimeoutError, RuntimeError, ValueError)
"""What the library raises when Databricks refuses, or does not answer."""

_BRIEF = (DeadlineExceeded, InternalError, TemporarilyUnavailable, TooManyRequests, TimeoutError,
          requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)  # fmt: skip


def check(whose: str, options: Mapping[str, object]) -> None:
    """Make sure that the library knows settings.

    Args:
        whose: the plugin, for messages.
        options: as a project has them.

    Raises:
        ConfigurationError: it does not know one.
    """
    check_names(whose, options, sorted(attribute.name for attribute in Config.attributes()))


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
