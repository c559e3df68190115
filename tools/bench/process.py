"""Runs a command as a whole process and measures what it used. POSIX only.

What a command leaves behind when it ends, such as the Java of a Spark driver, is adopted and counted where asked for.

The process that measures must stay small: Linux counts the memory of a parent towards the peak of what it starts.
That is why nothing here imports Polars.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from resource import struct_rusage

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
_PR_SET_CHILD_SUBREAPER = 36


class CommandError(Exception):
    """A measured command failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a process and its children used.

    Attributes:
        cpu: user and system time of all threads, seconds.
        wall: seconds from start to end.
        memory: peak resident set of the largest process, bytes.
        jobs: Spark jobs, where they are counted.
    """

    cpu: float
    wall: float
    memory: float
    jobs: int = 0


def measure(command: Sequence[str], *, orphans: bool = False) -> Usage:
    """Run `command` to its end.

    Args:
        command: what is run.
        orphans: wait for processes that it leaves behind too, and count them. On Linux, where the process that measures
            must have no other children.

    Raises:
        CommandError: it ends with another code than 0; the message ends with its output.
    """
    # As users have it: the modules that a first run compiled are there for the next one.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if orphans:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        everything = [used, *(_orphans() if orphans else ())]
        if process.returncode != 0:
            output.seek(0)
            text = output.read().decode(errors="replace")
            message = f"{' '.join(command)} ends with {process.returncode}\n{text}"
            raise CommandError(message)
    cpu = sum(one.ru_utime + one.ru_stime for one in everything)
    return Usage(cpu=cpu, wall=wall, memory=max(one.ru_maxrss for one in everything) * _RSS_UNIT)


def _orphans() -> Iterator[struct_rusage]:
    """Wait for all children and yield what each has used, with the children that it waited for itself."""
    while True:
        try:
            yield os.wait4(-1, 0)[2]
        except ChildProcessError:
            return
