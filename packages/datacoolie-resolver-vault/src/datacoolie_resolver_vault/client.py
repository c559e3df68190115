"""Requests to Vault: what goes wrong is told apart, and tried again where that can help."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import hvac
import requests
from hvac.adapters import JSONAdapter

from datacoolie.core.exceptions import DataCoolieError, ErrorClass

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacoolie_resolver_vault.settings import VaultSettings

T = TypeVar("T")

_WAIT = 0.2
"""Seconds before the second try; each further one waits twice as long."""

_BRIEF = frozenset({412, 429, 472, 473, 500, 502, 503, 504})
"""Answers that another try may not get: not yet replicated, too many requests, a standby, a server in trouble."""

_REASONS = {
    400: "Vault does not accept the request",
    403: "the token has no right to do this, or is no longer valid",
    404: "there is nothing",
    412: "the server has not yet got what was written last",
    429: "there are too many requests",
    472: "this server is a standby of another cluster",
    473: "this server is a standby",
    501: "Vault is not initialized",
}

_ADVICE = {
    403: "Give the token's policies the capability that is needed, or log in again",
    501: "Initialize it: vault operator init",
}


class VaultFailure(Exception):  # noqa: N818 - an answer, translated before it is raised to others
    """An answer that is no success.

    Attributes:
        status: of HTTP.
        errors: what Vault says.
        body: the whole answer, where it is JSON.
    """

    def __init__(self, status: int, errors: list[str], body: dict[str, Any]) -> None:  # JSON of any shape
        """Keep the answer."""
        super().__init__(f"{status}: {'; '.join(errors)}")
        self.status = status
        self.errors = errors
        self.body = body

    @property
    def sealed(self) -> bool:
        """Whether Vault is sealed: it answers, and goes on to say so until somebody unseals it."""
        return self.status == 503 and any("sealed" in each for each in self.errors)  # noqa: PLR2004 - of HTTP


class VaultError(DataCoolieError):
    """Vault can't give a secret.

    Attributes:
        status: of HTTP; `None` when there was no answer.
        body: the whole answer, where it is JSON.
    """

    def __init__(self, message: str, status: int | None = None, body: dict[str, Any] | None = None) -> None:
        """Keep the answer's status."""
        super().__init__(message, {"status": status})
        self.status = status
        self.body = body or {}


class _Adapter(JSONAdapter):  # type: ignore[misc] # hvac has no types
    """Raises what Vault answers with its status, which hvac's own exceptions leave out."""

    def _raise_for_error(self, method: str, url: str, response: requests.Response) -> None:  # noqa: ARG002 - hvac's
        try:
            body = response.json()
        except ValueError:
            body = {"errors": [response.reason or "no JSON"]}
        body = body if isinstance(body, dict) else {}
        errors = [" ".join(str(each).split()) for each in body.get("errors") or []]
        raise VaultFailure(response.status_code, errors, body)


@dataclass(frozen=True, slots=True)
class VaultClient:
    """A server and how patient one is with it.

    Attributes:
        api: the server.
        settings: how it is reached.
    """

    api: hvac.Client
    settings: VaultSettings

    @classmethod
    def of(cls, settings: VaultSettings) -> VaultClient:
        """Return a client that has not talked to the server yet."""
        api = hvac.Client(
            url=settings.address,
            # An empty token keeps hvac from taking one from where it likes.
            token="",
            cert=settings.certificate,
            verify=settings.verify,
            timeout=settings.timeout,
            namespace=settings.namespace,
            adapter=_Adapter,
        )
        return cls(api, settings)

    def get(self, path: str, what: str, **params: str) -> dict[str, Any]:  # JSON of any shape
        """Read a path below `/v1/`.

        Raises:
            VaultError: as `tried`.
        """
        answer = self.tried(lambda: self.api.adapter.get(f"/v1/{path}", params=params), what)
        return answer if isinstance(answer, dict) else {}

    def tried(self, request: Callable[[], T], what: str) -> T:
        """Make a request, again with growing pauses while that can help.

        Args:
            request: what to do.
            what: the same in words, for messages: `read 'secret/app'`.

        Raises:
            VaultError: it failed for good, or too often.
        """
        left = self.settings.retries
        while True:
            try:
                return request()
            except VaultFailure as failure:
                if failure.status not in _BRIEF or failure.sealed or left == 0:
                    raise self._answered(failure, what) from failure
            except requests.RequestException as failure:
                error = self._unreachable(failure, what)
                if error.error_class is not ErrorClass.TRANSIENT or left == 0:
                    raise error from failure
            except ValueError as failure:
                # Of urllib3 and http.client: an address or a header that is none.
                message = f"Can't {what}: the settings of Vault are wrong: {failure}."
                raise VaultError(message).classed(ErrorClass.CONFIGURATION) from failure
            time.sleep(_WAIT * 2 ** (self.settings.retries - left) * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            left -= 1

    def _answered(self, failure: VaultFailure, what: str) -> VaultError:
        reason = "Vault is sealed" if failure.sealed else _REASONS.get(failure.status, "Vault is in trouble")
        said = f" ({'; '.join(failure.errors)})" if failure.errors and not failure.sealed else ""
        advice = "Unseal it: vault operator unseal" if failure.sealed else _ADVICE.get(failure.status)
        text = f"Can't {what} at {self.settings.address}: {reason}{said} [{failure.status}]."
        kind = ErrorClass.TRANSIENT if failure.status in _BRIEF else ErrorClass.CONFIGURATION
        return VaultError(f"{text} {advice}." if advice else text, failure.status, failure.body).classed(kind)

    def _unreachable(self, failure: requests.RequestException, what: str) -> VaultError:
        at = f"Can't {what} at {self.settings.address}"
        if isinstance(failure, requests.exceptions.SSLError):
            message = f"{at}: its certificate is not trusted, or TLS fails: {_root(failure)}. Set ca (or VAULT_CACERT)."
            return VaultError(message).classed(ErrorClass.CONFIGURATION)
        if isinstance(failure, requests.ConnectionError | requests.Timeout):
            message = f"{at}: the server does not answer: {_root(failure)}. Look at address (or VAULT_ADDR)."
            return VaultError(message).classed(ErrorClass.TRANSIENT)
        return VaultError(f"{at}: {_root(failure)}.").classed(ErrorClass.CONFIGURATION)


def _root(error: BaseException) -> str:
    """Return the text of the first cause, without what libraries wrapped around it."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return str(error) or type(error).__name__
