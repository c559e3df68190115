"""PostgreSQL: from PATH or Debian's folder, else the binaries in the package pgserver."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tools.services import process, store
from tools.services.model import MissingError, Running, Service

if TYPE_CHECKING:
    from collections.abc import Sequence

_PGSERVER = "0.1.4"
_USER = "postgres"
"""Who owns the databases, and who the server runs as where it is started by root, which it refuses."""


class Postgres(Service):
    """A PostgreSQL server that trusts everybody on loopback; it has the database `postgres`."""

    name: ClassVar[str] = "postgres"

    def start(self, folder: Path) -> Running:
        """Make a database cluster and start it, without the syncs that would make it outlive a power loss."""
        binaries, port = _binaries(), process.free_port()
        if os.geteuid() == 0:
            shutil.chown(folder, _user())
        data = folder / "data"
        self._run([binaries / "initdb", "-D", data, "-U", _USER, "-A", "trust", "--no-sync", "-E", "UTF8"], folder)
        options = f"-h 127.0.0.1 -p {port} -k {folder} -F"
        log = folder / "server.log"
        self._run([binaries / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start"], folder)
        pid = int((data / "postmaster.pid").read_text().split()[0])
        url = f"postgresql://{_USER}@127.0.0.1:{port}/postgres"
        return Running(name=self.name, folder=folder, pid=pid, address={"url": url, "port": str(port)})

    def stop(self, running: Running) -> None:
        """Stop the server at once."""
        data = running.folder / "data"
        if (data / "postmaster.pid").exists():
            self._run([_binaries() / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop"], running.folder)

    def _run(self, command: Sequence[str | Path], folder: Path) -> None:
        texts = [str(part) for part in command]
        process.run([*_as_user(), *texts], "PostgreSQL", cwd=folder)


def _as_user() -> list[str]:
    return ["runuser", "-u", _user(), "--"] if os.geteuid() == 0 else []


def _user() -> str:
    """Return a user that isn't root."""
    for name in (_USER, "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    message = f"PostgreSQL: it refuses to run as root, and there is no user {_USER!r}"
    raise MissingError(message)


def _binaries() -> Path:
    """Return the folder of `initdb` and `pg_ctl`."""
    return _on_this_machine() or store.installed(f"pgserver-{_PGSERVER}", _install) / "pgserver/pginstall/bin"


def _on_this_machine() -> Path | None:
    found = shutil.which("pg_ctl")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def _install(folder: Path) -> None:
    command = ["uv", "pip", "install", "--no-deps", "--target", str(folder), f"pgserver=={_PGSERVER}"]
    # Its server needs no Python, and there is none of its packages for the newest ones.
    process.run([*command, "--python", sys.executable, "--python-version", "3.12"], "PostgreSQL")
