"""Runs a command as a whole process and measures what it used. POSIX only.

The process that measures must stay small: Linux counts the memory of a parent towards the peak of what it starts.
That is why nothing here imports Polars.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class CommandError(Exception):
    """A measured command failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a process and its children used.

    Attributes:
        cpu: user and system time of all threads, seconds.
        wall: seconds from start to end.
        memory: peak resident set, bytes.
    """

    cpu: float
    wall: float
    memory: float


def measure(command: Sequence[str]) -> Usage:
    """Run `command` to its end.

    Raises:
        CommandError: it ends with another code than 0; the message ends with its output.
    """
    # As users have it: the modules that a first run compiled are there for the next one.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            text = output.read().decode(errors="replace")
            message = f"{' '.join(command)} ends with {process.returncode}\n{text}"
            raise CommandError(message)
    return Usage(cpu=used.ru_utime + used.ru_stime, wall=wall, memory=used.ru_maxrss * _RSS_UNIT)
