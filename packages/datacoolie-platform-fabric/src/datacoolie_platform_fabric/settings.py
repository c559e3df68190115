"""How vaults are reached, and who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, ValidationError, model_validator

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.models import Model
from datacoolie.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Mapping


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


def settings_from(options: Mapping[str, object]) -> KeyVaultSettings:
    """Return the settings that a project has in `resolvers: {azure-kv: ...}`.

    Raises:
        ConfigurationError: one is unknown or invalid.
    """
    try:
        return KeyVaultSettings.model_validate(options)
    except ValidationError as error:
        faults = "; ".join(_fault(line["loc"], line["msg"]) for line in error.errors(include_input=False))
        message = f"The settings of the resolver 'azure-kv' are wrong: {faults}."
    raise ConfigurationError(message)


def _fault(location: tuple[int | str, ...], message: str) -> str:
    name, known = ".".join(map(str, location)), list(KeyVaultSettings.model_fields)
    if not location:
        return message.removeprefix("Value error, ")
    if name in known:
        return f"{name}: {message}"
    return f"{name}: is not a known setting; possible: {listed(known)}.{did_you_mean(name, known)}".rstrip(".")
