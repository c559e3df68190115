"""How Vault is reached: the project's settings, else the variables that Vault's own tools know."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from datacoolie.core.models import Model, settings_of
from datacoolie.core.suggest import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT = {
    "address": "VAULT_ADDR",
    "namespace": "VAULT_NAMESPACE",
    "token": "VAULT_TOKEN",
    "role_id": "VAULT_ROLE_ID",
    "secret_id": "VAULT_SECRET_ID",
    "ca": "VAULT_CACERT",
    "client_cert": "VAULT_CLIENT_CERT",
    "client_key": "VAULT_CLIENT_KEY",
    "skip_verify": "VAULT_SKIP_VERIFY",
    "timeout": "VAULT_CLIENT_TIMEOUT",
    "retries": "VAULT_MAX_RETRIES",
}
"""The variable that says a setting which the project does not."""

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
"""Where a pod has the token of its service account."""

_TOKEN_FILE = ".vault-token"  # noqa: S105 - a file's name


class VaultSettings(Model):
    """How Vault is reached and logged in to."""

    address: str = "https://127.0.0.1:8200"
    """The server, such as `https://vault.example.com:8200`."""
    namespace: str | None = None
    """The namespace of Vault Enterprise."""
    auth: Literal["token", "approle", "aws", "kubernetes", "jwt"] = "token"
    """How to log in; by default `approle` where there is a `role_id`, else `token`."""
    mount: str | None = None
    """Where the auth method is mounted; by default at its name."""
    token: str | None = None
    """The token; by default what `vault login` left in the home folder."""
    role_id: str | None = None
    """AppRole: which role."""
    secret_id: str | None = None
    """AppRole: its secret; none where the role is bound otherwise."""
    role: str | None = None
    """AWS, Kubernetes, JWT: the role to log in with; with AWS by default it is called as the credentials' own."""
    aws_region: str = "us-east-1"
    """AWS: the region that the login is signed for, as the auth method has it in `sts_region`."""
    aws_server_id: str | None = None
    """AWS: what the auth method wants to have in the header X-Vault-AWS-IAM-Server-ID."""
    jwt: str | None = None
    """JWT: the signed token."""
    jwt_file: str | None = None
    """Kubernetes, JWT: a file with the signed token, read at each login; for Kubernetes by default the pod's own."""
    ca: str | None = None
    """File or folder of certificates that the server's is checked with."""
    client_cert: str | None = None
    """File with the client's certificate."""
    client_key: str | None = None
    """File with the key of the client's certificate."""
    skip_verify: bool = False
    """Whether the server's certificate is not looked at: only for trying things out."""
    timeout: Annotated[float, Field(gt=0)] = 30
    """Seconds to wait for an answer."""
    retries: Annotated[int, Field(ge=0)] = 3
    """Further tries of a request that failed for now."""

    @property
    def auth_mount(self) -> str:
        """Where the auth method is mounted."""
        return (self.mount or self.auth).strip("/")

    @property
    def verify(self) -> bool | str:
        """What the server's certificate is checked with, as `requests` wants to have it."""
        return False if self.skip_verify else self.ca or True

    @property
    def certificate(self) -> tuple[str, str | None] | None:
        """The client's certificate and key, as `requests` wants to have them."""
        return (self.client_cert, self.client_key) if self.client_cert else None

    @model_validator(mode="after")
    def _has_what_the_login_needs(self) -> Self:
        needed = {
            "token": ["token"],
            "approle": ["role_id"],
            "aws": [],
            "kubernetes": ["role", "jwt_file"],
            "jwt": ["role"] if self.jwt else ["role", "jwt_file"],
        }[self.auth]
        if missing := [name for name in needed if not getattr(self, name)]:
            variables = [ENVIRONMENT[name] for name in missing if name in ENVIRONMENT]
            advice = f" (or set {listed(variables)})" if variables else ""
            message = f"auth {self.auth!r} needs {listed(missing)}{advice}"
            raise ValueError(message)
        return self


def settings_from(options: Mapping[str, object], environ: Mapping[str, str] | None = None) -> VaultSettings:
    """Return the settings of a project, completed by the environment and by what `vault login` left.

    Args:
        options: settings as a project has them in `resolvers: {vault: ...}`.
        environ: variables; by default those of the process.

    Raises:
        ConfigurationError: a setting is unknown or invalid, or what the login needs is missing.
    """
    variables = os.environ if environ is None else environ
    from_environment: dict[str, object] = {
        name: _plain(variables[variable]) for name, variable in ENVIRONMENT.items() if variables.get(variable)
    }
    said = {**from_environment, **{name: value for name, value in options.items() if value is not None}}
    said.setdefault("auth", "approle" if "role_id" in said and "token" not in options else "token")
    if said["auth"] == "token" and "token" not in said and (token := _left_by_login(variables)):
        said["token"] = token
    if said["auth"] == "kubernetes":
        said.setdefault("jwt_file", SERVICE_ACCOUNT)
    return settings_of("the resolver 'vault'", VaultSettings, said)


def _plain(text: str) -> str:
    """Leave out the unit of seconds, as in VAULT_CLIENT_TIMEOUT=60s."""
    return text[:-1] if text[:-1].isdigit() and text.endswith("s") else text


def _left_by_login(environ: Mapping[str, str]) -> str | None:
    home = environ.get("HOME") or environ.get("USERPROFILE")
    try:
        return Path(home, _TOKEN_FILE).read_text(encoding="utf-8").strip() or None if home else None
    except OSError:
        return None
