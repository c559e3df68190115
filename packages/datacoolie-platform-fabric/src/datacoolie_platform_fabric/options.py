"""What the libraries of engines need to get at Azure, in their own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        PlatformError: a token would be sent without `https`.
    """
    if accounts.has_key(address):
        settings = accounts.settings
        keys = {"azure_storage_account_key": settings.account_key, "azure_storage_sas_token": settings.sas_token}
        return TemporaryCredentials(options=_said(keys), expires=None)
    token, again = accounts.token(address)
    return TemporaryCredentials(options={"bearer_token": token}, expires=again)


def options(accounts: Accounts, address: Address, dialect: Dialect) -> dict[str, str]:
    """Return all options of a library.

    Raises:
        AzureError: there is no token.
        PlatformError: nothing is known to work, or a token would be sent without `https`.
    """
    match dialect:
        case Dialect.OBJECT_STORE:
            return {**credentials(accounts, address).options, **_object_store(accounts, address)}
        case Dialect.ICEBERG:
            what = "Iceberg's library for Python gets at {} only by a further one, which DataCoolie does not set up"
            raise _refused(what, address, "Write Delta tables there, or let the warehouse be elsewhere.")
        case Dialect.HADOOP if in_fabric():
            return {}
        case Dialect.HADOOP:
            what = "Spark gets at {} by the DFS endpoint, which DataCoolie sets up for no Spark outside of Fabric"
            raise _refused(what, address, "Run it in a notebook of Fabric, or on the engine polars.")


def _object_store(accounts: Accounts, address: Address) -> dict[str, str]:
    endpoint = accounts.endpoint(address)
    known = accounts.own_endpoint(address) is None and address.uri.startswith("abfss:")
    return _said(
        {
            "azure_storage_account_name": address.account,
            "azure_endpoint": None if known else endpoint,
            "azure_allow_http": "true" if endpoint.startswith("http:") else None,
        }
    )


def _refused(what: str, address: Address, advice: str) -> PlatformError:
    message = f"{what.format(repr(address.uri))}. {advice}"
    return PlatformError(message, {"path": address.uri}).classed(ErrorClass.CONFIGURATION)


def _said(options: dict[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in options.items() if text}
