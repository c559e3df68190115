"""The steps of a load as calls that can be counted, and where a process can be killed or a call made to fail."""

from __future__ import annotations

import errno
import functools
import os
import signal
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from datacoolie.core.exceptions import PlatformError
from datacoolie.orchestration import project, work
from datacoolie.state import LeaseKeeper, folders, lease
from tools.crash.children import Loaded, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo
    from pathlib import Path

_LONG = timedelta(hours=1)
"""By how much clocks are set, and how long a paused process has slept for what it knows."""

BOUNDARIES = (
    "datacoolie.sources.files:FileSource.window",
    "datacoolie.platforms.local:LocalPlatform.write_if_absent",
    "datacoolie.platforms.local:LocalPlatform.write_if_match",
    "datacoolie.platforms.local:LocalPlatform.write",
    "datacoolie.platforms.local:LocalPlatform.move",
    "datacoolie.platforms.local:LocalPlatform.delete",
    "datacoolie.destinations.lakehouse:TableDestination.committed",
    "datacoolie.destinations.files:FileDestination.committed",
    "datacoolie_engine_polars.passes:Passes.run",
    "datacoolie.sources.files:FileSource.verify",
    "datacoolie.state.lease:HeldLease.check",
    "datacoolie_engine_polars.delta.commits:create_table_with_add_actions",
    "deltalake:DeltaTable.create_write_transaction",
    "pyiceberg.catalog.sql:SqlCatalog.create_table_transaction",
    "pyiceberg.table:Transaction.update_snapshot",
    "pyiceberg.catalog.sql:SqlCatalog.commit_table",
)
"""Every call of a load after which something is there that was not there before, and those that decide what happens."""

FAILING = "datacoolie.platforms.", "datacoolie_engine_polars.", "deltalake:", "pyiceberg."
"""Calls of which a storage is behind, so that they can fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens, and at which call.

    Attributes:
        at: number of the call, counted over all boundaries from 0.
        when: before the call, or when it has been done.
        kind: `kill` ends the process at once; `fail` raises what a storage that is away would; `pause` stops the
            process until somebody lets it go on, to find that an hour has passed; `forward` and `back` set the clock
            by an hour.
    """

    at: int
    when: Literal["before", "after"]
    kind: Literal["kill", "fail", "pause", "forward", "back"]


class _Clock(datetime):
    """A clock that can be set."""

    shift = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> _Clock:
        return super().now(tz) + cls.shift


def trace(document: Path) -> list[str]:
    """Load and return the boundaries that the load came to."""
    seen: list[str] = []
    _watch(lambda name, when: seen.append(name) if when == "before" else None)
    load(document)
    return seen


def load_with(document: Path, fault: Fault) -> Loaded:
    """Load, with a fault on the way."""
    count = -1
    if fault.kind == "pause":
        # It renews nothing: stopped while it saved a state, it would hold the lock of the flow's state.
        setattr(LeaseKeeper, "_renew_until_closed", lambda _: None)  # noqa: B010
    for module in (lease, project, work, folders):
        setattr(module, "datetime", _Clock)  # noqa: B010

    def act(name: str, when: str) -> None:
        nonlocal count
        count += when == "before"
        if (count, when) == (fault.at, fault.when):
            _happen(fault.kind, name)

    _watch(act)
    return load(document)


def _happen(kind: str, name: str) -> None:
    match kind:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "pause":
            _Clock.shift = _LONG
            # This very thread: of a process others may be stopped first, while this one goes on.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        case "fail":
            raise _failure(name)
        case _:
            _Clock.shift = _LONG if kind == "forward" else -_LONG


def _failure(name: str) -> OSError:
    if "platforms" in name:
        return PlatformError("the storage is away")
    return OSError(errno.EIO, os.strerror(errno.EIO))


def _watch(act: Callable[[str, str], None]) -> None:
    """Call `act` before and after every boundary of this process."""
    for spot in BOUNDARIES:
        module, _, path = spot.partition(":")
        *owners, name = path.split(".")
        owner = functools.reduce(getattr, owners, import_module(module))
        setattr(owner, name, _watched(getattr(owner, name), spot, act))


def _watched(
    call: Callable[..., Any], spot: str, act: Callable[[str, str], None]
) -> Callable[..., Any]:  # Any: passes through
    @functools.wraps(call)
    def watched(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the call takes
        act(spot, "before")
        result = call(*arguments, **named)
        act(spot, "after")
        return result

    return watched
