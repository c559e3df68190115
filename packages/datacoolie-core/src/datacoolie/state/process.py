"""Which process this is, and whether another one on this machine is dead."""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """A process, told from every other on any machine.

    Attributes:
        host: name of the machine.
        pid: process id.
        started: when it started, as the system says.
        boot_id: which boot of the machine; `None` where the system has no such id.
        pid_namespace: in which namespace the pid counts (each container has its own); `None` without such.
    """

    host: str
    pid: int
    started: str | None
    boot_id: str | None
    pid_namespace: str | None


def this_process() -> ProcessIdentity:
    """Return the identity of the calling process."""
    return _identity(os.getpid())


@functools.cache
def _identity(pid: int) -> ProcessIdentity:
    """Identify this process; keyed by pid, for it changes in a fork."""
    import socket  # noqa: PLC0415 - a slow import, and only a load needs it

    return ProcessIdentity(
        host=socket.gethostname(), pid=pid, started=_started(pid), boot_id=_boot_id(), pid_namespace=_pid_namespace()
    )


def is_dead(other: ProcessIdentity) -> bool:
    """Whether a process certainly has ended: it was on this machine, and is not there any more."""
    return _is_there(other) is False


def is_alive(other: ProcessIdentity) -> bool:
    """Whether a process certainly runs: on this machine."""
    return _is_there(other) is True


def _is_there(other: ProcessIdentity) -> bool | None:
    """Tell whether a process runs; `None` when that can't be seen from here."""
    here = this_process()
    if other.host != here.host:
        return None
    if other.boot_id != here.boot_id:
        return None if other.boot_id is None or here.boot_id is None else False
    if other.pid_namespace != here.pid_namespace:
        return None
    if not _exists(other.pid):
        return False
    started = _started(other.pid)
    return started is None or other.started is None or started == other.started


def _boot_id() -> str | None:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def _pid_namespace() -> str | None:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return None


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _QUERY = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
    _NOT_PERMITTED = 5  # ERROR_ACCESS_DENIED
    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel.OpenProcess.restype = wintypes.HANDLE
    _kernel.GetProcessTimes.argtypes = (wintypes.HANDLE, *[ctypes.POINTER(wintypes.FILETIME)] * 4)
    _kernel.CloseHandle.argtypes = (wintypes.HANDLE,)

    def _times(pid: int) -> tuple[int, int] | None:
        """Return when a process started and ended (0: not yet), in ticks; `None` when that can't be asked."""
        handle = _kernel.OpenProcess(_QUERY, False, pid)  # noqa: FBT003 - positional in the Windows API
        if not handle:
            return None
        created, ended, kernel, user = (wintypes.FILETIME() for _ in range(4))
        done = _kernel.GetProcessTimes(handle, created, ended, kernel, user)
        _kernel.CloseHandle(handle)
        start, end = ((time.dwHighDateTime << 32) + time.dwLowDateTime for time in (created, ended))
        return (start, end) if done else None

    def _exists(pid: int) -> bool:
        # `os.kill(pid, 0)` would end the process on Windows.
        times = _times(pid)
        return ctypes.get_last_error() == _NOT_PERMITTED if times is None else times[1] == 0

    def _started(pid: int) -> str | None:
        times = _times(pid)
        return str(times[0]) if times else None

else:

    def _exists(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # another user's
            return True
        return not _has_ended(pid)


if sys.platform == "linux":

    def _has_ended(pid: int) -> bool:
        """Whether a process is one that its parent has not asked about yet."""
        return _stat(pid)[:1] in (["Z"], ["X"])

    def _started(pid: int) -> str | None:
        """Return the start in clock ticks since boot: the 20th field, counted from the state."""
        fields = _stat(pid)
        return fields[19] if fields else None

    def _stat(pid: int) -> list[str]:
        """Return the fields of `/proc/PID/stat` from the state on; none where there is no such file."""
        try:
            # The program's name comes before, in parentheses, and may have any character.
            return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return []

elif sys.platform != "win32":

    def _has_ended(pid: int) -> bool:
        return _ps(pid, "stat").startswith("Z")

    def _started(pid: int) -> str | None:
        return _ps(pid, "lstart") or None

    def _ps(pid: int, column: str) -> str:
        import subprocess  # noqa: PLC0415 - a slow import, and only a load needs it

        command = ["/bin/ps", "-o", f"{column}=", "-p", str(pid)]
        return subprocess.run(  # noqa: S603 - a fixed command and a number
            command, capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
        ).stdout.strip()
