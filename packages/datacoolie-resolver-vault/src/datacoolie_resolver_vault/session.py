"""A session with Vault: logged in when first needed, again when its token has ended, and logged out at the end."""

from __future__ import annotations

from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.redaction import get_logger, register_secret_values
from datacoolie_resolver_vault.aws import aws_keys
from datacoolie_resolver_vault.client import VaultClient, VaultError
from datacoolie_resolver_vault.renewal import Loan, Renewals

if TYPE_CHECKING:
    from collections.abc import Callable

    import hvac

    from datacoolie_resolver_vault.settings import VaultSettings

T = TypeVar("T")

_log = get_logger(__name__)

_REFUSED = 403


class VaultSession:
    """Makes requests with a token that lives.

    Args:
        settings: how Vault is reached.

    Attributes:
        renewals: keeps what Vault lent alive, the token among it.
    """

    def __init__(self, settings: VaultSettings) -> None:
        """Log in later."""
        self._settings = settings
        self._client = VaultClient.of(settings)
        self._token: Loan | None = None
        self._logged_in = False
        self._lock = RLock()
        self.renewals = Renewals()

    def get(self, path: str, what: str, **params: str) -> dict[str, Any]:  # JSON of any shape
        """Read a path below `/v1/`.

        Raises:
            VaultError: Vault does not answer, or with an error.
        """
        return self._with_login(lambda: self._client.get(path, what, **params))

    def call(self, request: Callable[[hvac.Client], T], what: str) -> T:
        """Make another request; raises as `get`."""
        return self._with_login(lambda: self._client.tried(lambda: request(self._client.api), what))

    def close(self) -> None:
        """Revoke a token that a login made; one that was given stays as it is."""
        with self._lock:
            if self._logged_in and self._settings.auth != "token":
                try:
                    self._client.tried(self._client.api.auth.token.revoke_self, "log out")
                except VaultError as error:
                    _log.debug("The token ends by itself later: %s", error.message)
            self._forget()

    def _forget(self) -> None:
        if self._token is not None:
            self.renewals.remove(self._token)
        self._client.api.adapter.token = ""
        self._token, self._logged_in = None, False

    def _with_login(self, request: Callable[[], T]) -> T:
        """Log in first where needed; and again, once, when a token that a login made is refused."""
        with self._lock:
            fresh = not self._logged_in
            if fresh:
                self._log_in()
        try:
            return request()
        except VaultError as error:
            if error.status != _REFUSED or fresh or self._settings.auth == "token":
                raise
        with self._lock:
            self._forget()
            self._log_in()
        return request()

    def _log_in(self) -> None:
        settings = self._settings
        if settings.auth == "token":
            self._use_given_token()
            return
        login, mount = self._login(), settings.auth_mount
        given = self._client.tried(lambda: login()["auth"], f"log in by {settings.auth} (auth/{mount})")
        register_secret_values(given["client_token"])
        self._logged_in = True
        self._keep(given["lease_duration"], renewable=given["renewable"])

    def _login(self) -> Callable[[], dict[str, Any]]:  # JSON of any shape
        """Return the request that logs in.

        Raises:
            ConfigurationError: what it needs can't be had.
        """
        settings, auth, mount = self._settings, self._client.api.auth, self._settings.auth_mount
        match settings.auth:
            case "approle":
                return lambda: auth.approle.login(settings.role_id, settings.secret_id, mount_point=mount)
            case "aws":
                keys = aws_keys()
                return lambda: auth.aws.iam_login(
                    keys.access_key,
                    keys.secret_key,
                    keys.token,
                    settings.aws_server_id,
                    settings.role,
                    region=settings.aws_region,
                    mount_point=mount,
                )
            case _:
                jwt = self._jwt()
                return lambda: auth.jwt.jwt_login(settings.role, jwt, path=mount)

    def _use_given_token(self) -> None:
        self._client.api.adapter.token = self._settings.token
        self._logged_in = True
        try:
            found = self._client.get("auth/token/lookup-self", "look at the token")["data"]
        except VaultError as error:
            self._forget()
            if error.status == _REFUSED:
                message = f"{error.message} Is it expired, or of another Vault? vault token lookup tells."
                raise VaultError(message, error.status, error.body).classed(error.error_class) from error
            raise
        self._keep(found.get("ttl") or 0, renewable=bool(found.get("renewable")))

    def _keep(self, seconds: float, *, renewable: bool) -> None:
        if renewable and seconds:
            self._token = Loan(what="Vault's token", seconds=seconds, renew=self._renew)
            self.renewals.add(self._token)

    def _renew(self) -> float:
        answer = self._client.tried(self._client.api.auth.token.renew_self, "renew the token")
        return float(answer["auth"]["lease_duration"])

    def _jwt(self) -> str:
        """Return the signed token; a file is read each time, for it is replaced before the token in it ends.

        Raises:
            ConfigurationError: the file can't be read.
        """
        if self._settings.jwt:
            return self._settings.jwt
        path = Path(str(self._settings.jwt_file))
        try:
            token = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            message = f"The token to log in to Vault with can't be read from {str(path)!r}: {error.strerror}."
            raise ConfigurationError(message) from error
        register_secret_values(token)
        return token
