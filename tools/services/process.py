"""Server processes: a free port, a log, and waiting for the first answer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from tools.services.model import MissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

PATIENCE = 120.0
"""Seconds in which a server has to answer."""

_NEEDED = {"go": "Go", "mvn": "Maven and Java 17", "node": "Node and npm", "npm": "Node and npm", "uv": "uv"}
"""What brings a program that installs servers."""

_PAUSE = 0.1
_SHOWN = 300


def free_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def run(command: Sequence[str], what: str, **options: object) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        MissingError: it isn't there, or fails.
    """
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, **options)  # type: ignore[call-overload] # cwd, env
    except OSError as error:
        advice = f"; install {_NEEDED[command[0]]}" if command[0] in _NEEDED else ""
        message = f"{what}: {command[0]} can't be run ({error.strerror}){advice}"
        raise MissingError(message) from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-_SHOWN:]
        message = f"{what}: {command[0]} failed: {said}"
        raise MissingError(message)
    return str(done.stdout)


def spawn(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> int:
    """Start a server that outlives this process, and return its process id; what it prints is in `server.log`."""
    with (folder / "server.log").open("wb") as log:
        files = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
        ]
        # A process group of its own, so that Ctrl-C does not reach it.
        return os.posix_spawnp(
            command[0], list(command), {**os.environ, **(environment or {})}, file_actions=files, setpgroup=0
        )


def wait_until(answers: Callable[[], bool], pid: int, folder: Path, what: str) -> None:
    """Wait until a server answers.

    Raises:
        MissingError: it ended, or did not answer in time; it is stopped.
    """
    deadline = time.monotonic() + PATIENCE
    while not answers():
        ended = os.waitpid(pid, os.WNOHANG)[0] != 0
        if ended or time.monotonic() > deadline:
            if not ended:
                stop(pid)
            said = " ".join((folder / "server.log").read_text(errors="replace").split())[-_SHOWN:]
            message = f"{what} {'ended' if ended else 'does not answer'}: {said}"
            raise MissingError(message)
        time.sleep(_PAUSE)


def stop(pid: int) -> None:
    """End a process, and wait for it."""
    try:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return
            time.sleep(_PAUSE)
    except ProcessLookupError:
        return
    except ChildProcessError:  # another process started it
        return
