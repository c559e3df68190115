"""How vaults are reached, and who asks."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from datacoolie.core.models import Model
from datacoolie.core.suggest import listed


class KeyVaultSettings(Model):
    """How vaults are reached, and who asks: by default whom azure-identity finds."""

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
    dns_suffix: str = "vault.azure.net"
    """What follows the name of a vault: `vault.azure.cn`, `vault.usgovcloudapi.net`."""
    ca: str | None = None
    """File of certificates that the vault's is checked with."""
    verify_challenge: bool = True
    """Whether a vault has to belong to the domain that it names when it asks for a token."""
    timeout: Annotated[float, Field(gt=0)] = 30
    """Seconds to wait for an answer."""
    retries: Annotated[int, Field(ge=0)] = 3
    """Further tries of a request that failed for now."""

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
