"""What a notebook or job of Fabric has: tokens of who runs it, and its default lakehouse."""

from __future__ import annotations

import base64
import json
import time
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING

from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class NotebookCredentials(Protocol):
        """The part of `notebookutils` that has tokens."""

        def getToken(self, audience: str) -> str:  # noqa: N802 - Fabric's name
            """Return a token of who runs the notebook."""


EARLY = 300
"""Seconds before its end at which a token is replaced, as azure-identity does it."""

_UNKNOWN_LIFE = 600
"""Seconds for which a token is taken to be good that does not say when it ends."""


def in_fabric() -> bool:
    """Whether this is a notebook or job of Fabric."""
    return find_spec("notebookutils") is not None


def default_lakehouse() -> str | None:
    """Return the URI of the notebook's default lakehouse, if it has one."""
    if not in_fabric():
        return None
    import notebookutils  # type: ignore[import-not-found] # noqa: PLC0415 - only in Fabric

    context: Mapping[str, str | None] = notebookutils.runtime.context
    lakehouse, workspace = context.get("defaultLakehouseId"), context.get("defaultLakehouseWorkspaceId")
    return f"abfss://{workspace}@onelake.dfs.fabric.microsoft.com/{lakehouse}" if lakehouse and workspace else None


class NotebookCredential:
    """Tokens for storage of who runs the notebook, fetched again before they end. Safe to use from several threads."""

    def __init__(self) -> None:
        """Fetch nothing yet."""
        self._token = AccessToken("", 0)
        self._fetching = Lock()

    def get_token(self, *scopes: str, **_: object) -> AccessToken:  # noqa: ARG002 - as azure-core calls it
        """Return a token that is good for some minutes.

        Raises:
            ClientAuthenticationError: Fabric gives none.
        """
        with self._fetching:
            if self._token.expires_on - time.time() < EARLY:
                self._token = _fetched()
            return self._token


def _fetched() -> AccessToken:
    import notebookutils  # noqa: PLC0415 - only in Fabric

    credentials: NotebookCredentials = notebookutils.credentials
    try:
        token = credentials.getToken("storage")
    except Exception as error:
        # It passes on what the JVM throws, of any type.
        message = f"notebookutils gives no token: {error}"
        raise ClientAuthenticationError(message) from error
    if not token:
        message = "notebookutils gives no token"
        raise ClientAuthenticationError(message)
    return AccessToken(token, _end_of(token))


def _end_of(token: str) -> int:
    """Return when a token ends, in seconds since 1970, as its second part says."""
    try:
        claims = token.split(".")[1]
        return int(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return int(time.time()) + _UNKNOWN_LIFE
