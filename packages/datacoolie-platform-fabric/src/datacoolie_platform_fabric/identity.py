"""Who asks, where it is not a notebook of Fabric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azure.identity import ClientSecretCredential, DefaultAzureCredential

from datacoolie.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from datacoolie_platform_fabric.settings import Identity


def credential_of(identity: Identity) -> ClientSecretCredential | DefaultAzureCredential:
    """Return who asks; nobody is asked for anything yet.

    Raises:
        ConfigurationError: the tenant can't be one, or the authority has no `https`.
    """
    try:
        return _credential(identity)
    except ValueError as error:
        message = (
            f"Nobody can sign in: {error} Check tenant_id and authority, or AZURE_TENANT_ID and AZURE_AUTHORITY_HOST "
            "of the environment."
        )
        raise ConfigurationError(message) from error


def _credential(identity: Identity) -> ClientSecretCredential | DefaultAzureCredential:
    verify = identity.ca or True
    if identity.tenant_id and identity.client_id and identity.client_secret:
        return ClientSecretCredential(
            identity.tenant_id,
            identity.client_id,
            identity.client_secret,
            connection_verify=verify,
            # A login of one's own is not among those that Microsoft's knows of.
            **({"authority": identity.authority, "disable_instance_discovery": True} if identity.authority else {}),
        )
    named = {"authority": identity.authority, "managed_identity_client_id": identity.managed_identity}
    return DefaultAzureCredential(connection_verify=verify, **{key: value for key, value in named.items() if value})
