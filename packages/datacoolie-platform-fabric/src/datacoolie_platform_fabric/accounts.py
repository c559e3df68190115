"""The storage accounts of one run: how they are reached, and who asks."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

import requests
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.pipeline.policies import RetryPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient
from requests.adapters import HTTPAdapter

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie.core.redaction import register_secret_values
from datacoolie_platform_fabric.addresses import Address, Addresses
from datacoolie_platform_fabric.failures import ATTEMPTS
from datacoolie_platform_fabric.identity import credential_of
from datacoolie_platform_fabric.notebook import EARLY, NotebookCredential, default_lakehouse, in_fabric

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential
    from azure.core.pipeline import PipelineRequest, PipelineResponse
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.storage.blob import BlobClient, ContainerClient

    from datacoolie_platform_fabric.settings import StorageSettings

PART_BYTES = 64 << 20
"""Bytes above which an object is written in blocks."""

_SCOPE = "https://storage.azure.com/.default"
BLOCK_BYTES = 16 << 20
"""Bytes of a block."""

_CONNECTIONS = 64
_CONNECT = 10.0
"""Seconds in which a connection has to be made."""

_LONGEST_PAUSE = 20.0


class Accounts:
    """Storage accounts, OneLake among them; clients are made when first needed. Safe to use from several threads.

    Args:
        settings: how they are reached, and who asks.
    """

    def __init__(self, settings: StorageSettings) -> None:
        """Connect to nothing yet."""
        self.settings = settings
        self.addresses = Addresses(
            account=settings.account, suffix=settings.endpoint_suffix, mounted=default_lakehouse()
        )
        self._clients: dict[str, BlobServiceClient] = {}
        self._making = RLock()

    def container(self, address: Address) -> ContainerClient:
        """Return the client of the container that an address is in."""
        url = self.endpoint(address)
        with self._making:
            if url not in self._clients:
                self._clients[url] = BlobServiceClient(
                    url,
                    self._key_of(address) or self._signed_in(address),
                    transport=self._transport,
                    retry_policy=_Retries(self.settings.attempts),
                    max_single_put_size=PART_BYTES,
                    max_block_size=BLOCK_BYTES,
                )
        return self._clients[url].get_container_client(address.container)

    def blob(self, address: Address) -> BlobClient:
        """Return the client of the object at an address."""
        return self.container(address).get_blob_client(address.key)

    def endpoint(self, address: Address) -> str:
        """Return where the blobs of an address's account are served."""
        return self.own_endpoint(address) or f"https://{address.account}.blob.{address.suffix}"

    def own_endpoint(self, address: Address) -> str | None:
        """Return where the settings say that they are; `None` if those say nothing of this account."""
        said = self.settings.endpoint
        if said is None or ("{account}" not in said and address.account != self.settings.account):
            return None
        return said.replace("{account}", address.account).rstrip("/")

    def has_key(self, address: Address) -> bool:
        """Whether there is a key or shared access signature for the account of an address."""
        settings = self.settings
        return address.account == settings.account and bool(settings.account_key or settings.sas_token)

    @cached_property
    def credential(self) -> TokenCredential:
        """Who asks where there is no key."""
        of_notebook = in_fabric() and not self.settings.says_who
        return _Masked(NotebookCredential() if of_notebook else credential_of(self.settings))

    def token(self, address: Address) -> tuple[str, datetime]:
        """Return a token for the account of an address that is good now, and when to ask again.

        Raises:
            AzureError: there is none.
            PlatformError: the account is not reached by `https`.
        """
        found = self._signed_in(address).get_token(_SCOPE)
        # Before that the same one would come again.
        again = max(found.expires_on - EARLY, int(time.time()) + 1)
        return found.token, datetime.fromtimestamp(again, UTC)

    def _signed_in(self, address: Address) -> TokenCredential:
        """Return who asks by tokens, which everyone on the way could read and use without `https`."""
        endpoint = self.endpoint(address)
        if endpoint.startswith("http:"):
            message = (
                f"{address.uri!r} is at {endpoint!r}, and a token is sent by https only. Give the platform an endpoint "
                f"that begins with https://, or the account_key or sas_token of account {address.account!r}."
            )
            raise PlatformError(message, {"path": address.uri}).classed(ErrorClass.CONFIGURATION)
        return self.credential

    def _key_of(self, address: Address) -> AzureNamedKeyCredential | AzureSasCredential | None:
        settings = self.settings
        if not self.has_key(address):
            return None
        if settings.account_key:
            return AzureNamedKeyCredential(address.account, settings.account_key)
        return AzureSasCredential(settings.sas_token or "")

    @cached_property
    def _transport(self) -> RequestsTransport:
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS, max_retries=0))
        timeout = self.settings.timeout
        return RequestsTransport(
            session=session,
            connection_timeout=min(_CONNECT, timeout),
            read_timeout=timeout,
            connection_verify=self.settings.ca or True,
        )


class _Masked:
    """Gives the tokens of a credential, which are masked in all that is printed from then on."""

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # noqa: ANN401 - as azure-core has them
        """Return a token that is good now."""
        found = self._credential.get_token(*scopes, **options)
        register_secret_values(found.token)
        return found


class _Retries(RetryPolicy[Any, Any]):
    """Sends requests again that were refused for now, 429 too, after pauses of random length.

    Args:
        attempts: how often a request is sent at most.
    """

    def __init__(self, attempts: int) -> None:
        again = attempts - 1
        super().__init__(retry_total=again, retry_connect=again, retry_read=again, retry_status=again)

    def get_backoff_time(self, settings: dict[str, Any]) -> float:  # Any: azure-core's own
        """Return seconds, up to twice as many each time."""
        longest = min(_LONGEST_PAUSE, 0.2 * 2 ** len(settings["history"]))
        return random.uniform(0, longest)  # noqa: S311 - jitter needs no secrecy

    def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, HttpResponse]:
        """Send a request until it is answered."""
        # What the policy does that the client of blobs has by itself: it knows a second host, but no 429.
        for option in ("hosts", "location_mode", "retry_to_secondary", "retry_hook"):
            request.context.options.pop(option, None)
        response = super().send(request)
        response.http_response.location_mode = "primary"
        setattr(response.http_response, ATTEMPTS, len(response.context.get("history", ())) + 1)
        return response
