"""S3 over a folder: versitygw, from PATH, else built by Go."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from tools.services import go, http, process
from tools.services.model import Running, Service

if TYPE_CHECKING:
    from pathlib import Path

VERSITYGW = "1.8.0"

_KEY, _SECRET = "test", "testtest"


class VersityGw(Service):
    """An S3 server that checks signatures; buckets are folders."""

    name: ClassVar[str] = "versitygw"

    def start(self, folder: Path) -> Running:
        """Start the server."""
        binary = go.program("versitygw", VERSITYGW, "github.com/versity/versitygw/cmd/versitygw")
        port, data = process.free_port(), folder / "data"
        data.mkdir()
        command = [binary, "--port", f"127.0.0.1:{port}", "posix", str(data)]
        pid = process.spawn(command, folder, {"ROOT_ACCESS_KEY": _KEY, "ROOT_SECRET_KEY": _SECRET})
        url = f"http://127.0.0.1:{port}"
        process.wait_until(partial(http.answers, url, refusing=True), pid, folder, "versitygw")
        return Running(name=self.name, folder=folder, pid=pid, address={"url": url, "key": _KEY, "secret": _SECRET})

    def stop(self, running: Running) -> None:
        """Stop the server."""
        process.stop(running.pid)
