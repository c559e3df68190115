"""Azure Blob Storage as Azurite has it: the blob endpoint of storage accounts, one of them called as OneLake's is."""

from __future__ import annotations

import base64
import json
import time
from functools import partial
from pathlib import Path
from typing import ClassVar
from uuid import UUID

import trustme

from tools.services import http, npm, process
from tools.services.model import Running, Service

AZURITE = "3.35.0"
ACCOUNTS = ("lake", "onelake")
KEY = base64.b64encode(b"azurite-account-key-of-the-tests".ljust(64, b".")).decode()
"""The key of all accounts."""

_START_FROM = Path(__file__).with_name("azurite_start_from.cjs")
"""What Azurite lacks of listings."""


class Azurite(Service):
    """A server that checks signatures and keeps everything in memory; an account's blobs are at `url/ACCOUNT`."""

    name: ClassVar[str] = "azurite"

    def start(self, folder: Path) -> Running:
        """Start the server."""
        return self._started(folder, "http")

    def stop(self, running: Running) -> None:
        """Stop the server."""
        process.stop(running.pid)

    def _started(self, folder: Path, scheme: str, *more: str, ca: Path | None = None) -> Running:
        package = npm.installed("azurite", AZURITE)
        port = process.free_port()
        options = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"]
        address = ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
        program = ["--require", str(_START_FROM), str(package / "dist/src/blob/main.js")]
        accounts = {"AZURITE_ACCOUNTS": ";".join(f"{account}:{KEY}" for account in ACCOUNTS)}
        pid = process.spawn(["node", *program, *options, *address, *more], folder, accounts)
        url = f"{scheme}://127.0.0.1:{port}"
        process.wait_until(partial(http.answers, url, refusing=True, ca=ca), pid, folder, self.name)
        return Running(name=self.name, folder=folder, pid=pid, address={"url": url, "key": KEY, "ca": str(ca or "")})


class AzuriteTls(Azurite):
    """The same behind TLS; it takes tokens too, and checks their issuer, audience and times, but no signature."""

    name: ClassVar[str] = "azurite-tls"

    def start(self, folder: Path) -> Running:
        """Start the server; `ca` is the file with the certificate that its own is checked with."""
        authority, ca, cert, key = trustme.CA(), folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        issued = authority.issue_cert("127.0.0.1")
        authority.cert_pem.write_to_path(str(ca))
        issued.private_key_pem.write_to_path(str(key))
        cert.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        return self._started(folder, "https", "--oauth", "basic", "--cert", str(cert), "--key", str(key), ca=ca)


def token(number: int, lifetime: float) -> str:
    """Return a token for storage, without a signature.

    Args:
        number: of the token; each has one of its own.
        lifetime: seconds for which it is valid.
    """
    now = int(time.time())
    claims = {
        "iss": f"https://sts.windows.net/{UUID(int=1)}/",
        "aud": "https://storage.azure.com",
        "nbf": now - 60,
        "iat": now - 60,
        "exp": now + int(lifetime),
        "jti": str(number),
    }
    parts = ({"alg": "none", "typ": "JWT"}, claims, {"number": number})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
