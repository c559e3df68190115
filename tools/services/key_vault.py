"""Azure Key Vault and the login for it, as the public REST documentation has them, in this process and behind TLS."""

from __future__ import annotations

import json
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import trustme

from tools.services.azurite import token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TENANT, CLIENT, SECRET = "6f9619ff-8b86-d011-b42d-00c04fc964ff", "data-loader", "login-secret-of-tests"

_PAGE = 2


@dataclass(kw_only=True)
class Secret:
    """A version of a secret, with the attributes of the documentation: `enabled`, `exp`, `nbf`."""

    value: str
    version: str
    attributes: dict[str, object] = field(default_factory=dict)


@dataclass
class KeyVault:
    """What the server has, and what was asked of it.

    Attributes:
        ca: file with the certificate that its own is checked with.
        url: its address.
        secrets: versions by name, the newest last.
        answers: HTTP errors that it gives to the next requests for a secret, in place of it.
        lifetime: seconds for which a token is valid.
        tokens: those that it gave, with when they end.
        strange: requests that the documentation does not have.
    """

    ca: Path
    url: str = ""
    secrets: dict[str, list[Secret]] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    lifetime: int = 3600
    tokens: dict[str, float] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)

    def put(self, name: str, value: str, **attributes: object) -> str:
        """Store a new version of a secret and return its id."""
        versions = self.secrets.setdefault(name, [])
        versions.append(Secret(value=value, version=f"{len(versions) + 1:032x}", attributes=attributes))
        return versions[-1].version


class _Handler(BaseHTTPRequestHandler):
    """Answers for the vault of its server."""

    protocol_version = "HTTP/1.1"
    vault: KeyVault

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path.strip("/").split("/")
        if path[-1] == "openid-configuration":
            self._answer(200, self._login())
        elif "api-version" not in parse_qs(parts.query) or path[0] != "secrets":
            self._strange()
        elif self.vault.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "), 0) < time.time():
            challenge = f'Bearer authorization="{self.vault.url}/{TENANT}", resource="https://vault.azure.net"'
            self._answer(401, _error("Unauthorized", "no token"), {"WWW-Authenticate": challenge})
        elif len(path) == 1:
            self._page(int(parse_qs(parts.query).get("$skiptoken", ["0"])[0]))
        elif self.vault.answers:
            self._answer(self.vault.answers.pop(0), _error("AsAsked", "as the test asked"), {"Retry-After": "0"})
        else:
            self._secret(*path[1:])

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if not self.path.endswith("/oauth2/v2.0/token") or form.get("grant_type") != ["client_credentials"]:
            self._strange()
        elif (form.get("client_id"), form.get("client_secret")) != ([CLIENT], [SECRET]):
            text = "AADSTS7000215: Invalid client secret provided."
            self._answer(401, {"error": "invalid_client", "error_description": text})
        else:
            issued = token(len(self.vault.tokens), self.vault.lifetime)
            self.vault.tokens[issued] = time.time() + self.vault.lifetime
            self._answer(200, {"token_type": "Bearer", "expires_in": self.vault.lifetime, "access_token": issued})

    def _login(self) -> dict[str, str]:
        base = f"{self.vault.url}/{TENANT}"
        return {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
        }

    def _page(self, start: int) -> None:
        names = sorted(self.vault.secrets)
        more = start + _PAGE < len(names)
        following = f"{self.vault.url}/secrets?api-version=7.4&$skiptoken={start + _PAGE}" if more else None
        items = [{"id": f"{self.vault.url}/secrets/{name}"} for name in names[start : start + _PAGE]]
        self._answer(200, {"value": items, "nextLink": following})

    def _secret(self, name: str, version: str = "") -> None:
        found = [each for each in self.vault.secrets.get(name, []) if version in {"", each.version}]
        if not found:
            self._answer(
                404, _error("SecretNotFound", f"A secret with (name/id) {name} was not found in this key vault.")
            )
        elif found[-1].attributes.get("enabled") is False:
            message = "Operation get is not allowed on a disabled secret."
            self._answer(403, _error("Forbidden", message, "SecretDisabled"))
        else:
            identity = f"{self.vault.url}/secrets/{name}/{found[-1].version}"
            attributes = {"enabled": True, **found[-1].attributes}
            self._answer(200, {"value": found[-1].value, "id": identity, "attributes": attributes})

    def _strange(self) -> None:
        self.vault.strange.append(f"{self.command} {self.path}")
        self._answer(400, _error("BadParameter", "not in the documentation"))

    def _answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _error(code: str, message: str, inner: str = "") -> dict[str, object]:
    return {"error": {"code": code, "message": message, **({"innererror": {"code": inner}} if inner else {})}}


@contextmanager
def key_vault(folder: Path) -> Iterator[KeyVault]:
    """Run a vault on loopback, whose certificates are in a folder."""
    authority = trustme.CA()
    vault = KeyVault(folder / "ca.pem")
    authority.cert_pem.write_to_path(str(vault.ca))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    handler = type("Handler", (_Handler,), {"vault": vault})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    vault.url = f"https://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield vault
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
