"""What the libraries of engines need to get at Azure, in their own words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie.platforms import Dialect, TemporaryCredentials
from datacoolie_platform_fabric.notebook import in_fabric

if TYPE_CHECKING:
    from datacoolie_platform_fabric.accounts import Accounts
    from datacoolie_platform_fabric.addresses import Address


def credentials(accounts: Accounts, address: Address) -> TemporaryCredentials:
    """Return what lets object_store in now.

    Raises:
        AzureError: there is no token.
    """
    if accounts.has_key(address):
        settings = accounts.settings
        keys = {"azure_storage_account_key": settings.account_key, "azure_storage_sas_token": settings.sas_token}
        return TemporaryCredentials(options=_said(keys), expires=None)
    token, again = accounts.token()
    return TemporaryCredentials(options={"bearer_token": token}, expires=again)


def options(accounts: Accounts, address: Address, dialect: Dialect) -> dict[str, str]:
    """Return all options of a library.

    Raises:
        AzureError: there is no token.
        PlatformError: nothing is known to work.
    """
    match dialect:
        case Dialect.OBJECT_STORE:
            return {**credentials(accounts, address).options, **_object_store(accounts, address)}
        case Dialect.ICEBERG:
            return _iceberg(accounts, address)
        case Dialect.HADOOP:
            return _hadoop(address)


def _object_store(accounts: Accounts, address: Address) -> dict[str, str]:
    endpoint = accounts.endpoint(address)
    known = accounts.settings.endpoint is None and address.uri.startswith("abfss:")
    return _said(
        {
            "azure_storage_account_name": address.account,
            "azure_endpoint": None if known else endpoint,
            "azure_allow_http": "true" if endpoint.startswith("http:") else None,
        }
    )


def _iceberg(accounts: Accounts, address: Address) -> dict[str, str]:
    settings, endpoint = accounts.settings, urlsplit(accounts.endpoint(address))
    foreign = settings.endpoint is not None
    keys = {
        "adls.account-key": settings.account_key,
        "adls.sas-token": settings.sas_token,
    }
    principal = {
        "adls.tenant-id": settings.tenant_id,
        "adls.client-id": settings.client_id,
        "adls.client-secret": settings.client_secret,
    }
    return _said(
        {
            "adls.account-name": address.account,
            **(keys if accounts.has_key(address) else principal),
            "adls.blob-storage-authority": endpoint.netloc if foreign else f".blob.{address.suffix}",
            "adls.blob-storage-scheme": endpoint.scheme if foreign else None,
        }
    )


def _hadoop(address: Address) -> dict[str, str]:
    if in_fabric():
        return {}
    message = (
        f"Spark gets at {address.uri!r} by the DFS endpoint, which DataCoolie sets up for no Spark outside of Fabric. "
        "Run it in a notebook of Fabric, or on the engine polars."
    )
    raise PlatformError(message, {"path": address.uri}).classed(ErrorClass.CONFIGURATION)


def _said(options: dict[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in options.items() if text}
