"""AWS in one process, as far as moto goes: S3, Secrets Manager, STS."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from tools.services import http, process, store
from tools.services.model import Running, Service

if TYPE_CHECKING:
    from pathlib import Path

MOTO = "5.2.5"


class Moto(Service):
    """A server that takes any credentials and keeps everything in memory; `server.log` has a line per request."""

    name: ClassVar[str] = "moto"

    def start(self, folder: Path) -> Running:
        """Start the server."""
        # Some of its packages are compiled, for one version of Python.
        packages = store.installed(f"moto-{MOTO}-py{sys.version_info.major}{sys.version_info.minor}", _install)
        port = process.free_port()
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        pid = process.spawn(command, folder, {"PYTHONPATH": str(packages)})
        url = f"http://127.0.0.1:{port}"
        process.wait_until(partial(http.answers, f"{url}/moto-api/"), pid, folder, "moto")
        return Running(
            name=self.name, folder=folder, pid=pid, address={"url": url, "key": "test", "secret": "testtest"}
        )

    def stop(self, running: Running) -> None:
        """Stop the server."""
        process.stop(running.pid)


def _install(folder: Path) -> None:
    command = ["uv", "pip", "install", "--target", str(folder), "--python", sys.executable, f"moto[server]=={MOTO}"]
    process.run(command, "moto")
