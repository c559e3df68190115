"""Azure Blob Storage as Azurite has it: the blob endpoint of storage accounts, one of them called as OneLake's is."""

from __future__ import annotations

import base64
from functools import partial
from pathlib import Path
from typing import ClassVar

from tools.services import http, process, store
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
        package = store.installed(f"azurite-{AZURITE}", _install) / "node_modules/azurite"
        port = process.free_port()
        options = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"]
        address = ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
        pid = process.spawn(
            ["node", "--require", str(_START_FROM), str(package / "dist/src/blob/main.js"), *options, *address],
            folder,
            {"AZURITE_ACCOUNTS": ";".join(f"{account}:{KEY}" for account in ACCOUNTS)},
        )
        url = f"http://127.0.0.1:{port}"
        process.wait_until(partial(http.answers, url, refusing=True), pid, folder, "azurite")
        return Running(name=self.name, folder=folder, pid=pid, address={"url": url, "key": KEY})

    def stop(self, running: Running) -> None:
        """Stop the server."""
        process.stop(running.pid)


def _install(folder: Path) -> None:
    command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent", f"azurite@{AZURITE}"]
    process.run(command, "azurite")
