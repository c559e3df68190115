"""How Azure is reached, and who asks."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, model_validator

from datacoolie.core.models import Model
from datacoolie.core.redaction import register_secret_values
from datacoolie.core.suggest import listed

_OF_CONNECTION_STRINGS = {
    "accountname": "account",
    "accountkey": "account_key",
    "sharedaccesssignature": "sas_token",
    "blobendpoint": "endpoint",
    "endpointsuffix": "endpoint_suffix",
}
"""The settings that parts of a connection string are."""


class Identity(Model):
    """Who asks: by default whom azure-identity finds, or in a notebook of Fabric who runs it."""

    tenant_id: str | None = None
    """The service principal's tenant."""
    client_id: str | None = None
    """The service principal."""
    client_secret: str | None = None
    """Its secret."""
    managed_identity: str | None = None
    """Client id of a user-assigned identity."""
    authority: str | None = None
    """Where to log in; by default `https://login.microsoftonline.com`."""
    ca: str | None = None
    """File of certificates that those of servers are checked with."""

    @property
    def says_who(self) -> bool:
        """Whether it says who asks."""
        return bool(self.client_id or self.managed_identity)

    @model_validator(mode="after")
    def _is_a_whole_principal(self) -> Self:
        given = {name: getattr(self, name) for name in ("tenant_id", "client_id", "client_secret")}
        missing = [name for name, value in given.items() if not value]
        if missing and len(missing) < len(given):
            message = f"a service principal needs {listed(missing)} too"
            raise ValueError(message)
        return self


class KeyVaultSettings(Identity):
    """How vaults are reached, and who asks."""

    dns_suffix: str = "vault.azure.net"
    """What follows the name of a vault: `vault.azure.cn`, `vault.usgovcloudapi.net`."""
    verify_challenge: bool = True
    """Whether a vault has to belong to the domain that it names when it asks for a token."""
    timeout: Annotated[float, Field(gt=0)] = 30
    """Seconds to wait for an answer."""
    retries: Annotated[int, Field(ge=0)] = 3
    """Further tries of a request that failed for now."""


class StorageSettings(Identity):
    """How OneLake and storage accounts are reached, and who asks."""

    account: str | None = None
    """The storage account of `az://` URIs, and of a key or shared access signature."""
    endpoint_suffix: str = "core.windows.net"
    """What follows `ACCOUNT.blob.`: `core.chinacloudapi.cn`, `core.usgovcloudapi.net`."""
    endpoint: str | None = None
    """Where the account's blobs are served, when it isn't Azure; those of any account with `{account}` in it."""
    account_key: str | None = None
    """Key of the account, in place of an identity."""
    sas_token: str | None = None
    """Shared access signature for the account, in place of an identity."""
    connection_string: str | None = None
    """Account, key or shared access signature, and endpoint in one, as the portal shows it."""
    timeout: Annotated[float, Field(gt=0)] = 60
    """Seconds for which a request waits for an answer."""
    attempts: Annotated[int, Field(ge=1)] = 5
    """How often a request is sent at most when the storage is busy, or does not answer."""

    @model_validator(mode="before")
    @classmethod
    def _read_connection_string(cls, data: object) -> object:
        text = data.get("connection_string") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(text, str):
            return data
        parts = [part.partition("=") for part in text.strip().rstrip(";").split(";")]
        said = {_OF_CONNECTION_STRINGS.get(name.strip().lower()): value for name, _, value in parts}
        account = said.get("account") or _account_of(said.get("endpoint", ""))
        if not account and not data.get("account"):
            message = (
                "connection_string names no AccountName, nor an account by BlobEndpoint; copy it from the portal, "
                "Access keys or Shared access signature"
            )
            raise ValueError(message)
        return {"account": account, **{name: value for name, value in said.items() if name}, **data}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        signature = (self.sas_token or "").lstrip("?")
        secrets = (self.account_key, self.client_secret, signature, *parse_qs(signature).get("sig", ()))
        register_secret_values(*filter(None, secrets))
        if (self.account_key or self.sas_token) and not self.account:
            message = "account_key and sas_token need account, whose they are"
            raise ValueError(message)
        if self.account_key and self.sas_token:
            message = "account_key and sas_token exclude each other"
            raise ValueError(message)
        if self.endpoint is not None and urlsplit(self.endpoint).scheme not in {"http", "https"}:
            message = f"endpoint is {self.endpoint!r}; it has to begin with https:// or http://"
            raise ValueError(message)
        if self.endpoint is not None and "{account}" not in self.endpoint and not self.account:
            message = f"endpoint is {self.endpoint!r}; give account, whose it is, or write {{account}} for its name"
            raise ValueError(message)
        return self


def _account_of(endpoint: str) -> str:
    """Return the account that is named by the host of Azure's blobs, `ACCOUNT.blob.core.windows.net`."""
    account, _, rest = (urlsplit(endpoint).hostname or "").partition(".")
    return account if "blob." in rest else ""
