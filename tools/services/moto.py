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

_ONE_AFTER_ANOTHER = """
import io
import threading
from moto import server

one = threading.Lock()
answer = server.DomainDispatcherApplication.__call__

def answer_alone(self, environ, start_response):
    chunked = environ.get("wsgi.input_terminated")
    body = environ["wsgi.input"].read(-1 if chunked else int(environ.get("CONTENT_LENGTH") or 0))
    with one:
        return answer(self, {**environ, "wsgi.input": io.BytesIO(body)}, start_response)

server.DomainDispatcherApplication.__call__ = answer_alone
server.main()
"""
"""Moto looks whether a condition holds, and then writes: between the two another thread may write."""


class Moto(Service):
    """A server that takes any credentials and keeps everything in memory; `server.log` has a line per request."""

    name: ClassVar[str] = "moto"

    def start(self, folder: Path) -> Running:
        """Start the server."""
        # Some of its packages are compiled, for one version of Python.
        packages = store.installed(f"moto-{MOTO}-py{sys.version_info.major}{sys.version_info.minor}", _install)
        port = process.free_port()
        command = [sys.executable, "-c", _ONE_AFTER_ANOTHER, "-H", "127.0.0.1", "-p", str(port)]
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
