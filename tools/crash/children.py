"""Loads in processes of their own, which can be killed: forked from a server that has imported everything already."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie import Project
from datacoolie.orchestration.results import RunResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

T = TypeVar("T")

_UNKNOWN = 255
"""Exit code that multiprocessing gives a child whose end the server could not report."""

PATIENCE = 180.0
"""Seconds after which a child hangs, unless it is said otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """How a load in a process of its own ended.

    Attributes:
        status: of the flow's record.
        reason: of the flow's record.
        error: type of the error, empty without one.
        message: what the error says.
        seq: number of the commit, if there was one.
    """

    status: str
    reason: str
    error: str
    message: str
    seq: int | None


class Child(Generic[T]):
    """A function that runs in a process of its own. Its value comes back unless it is killed before.

    Args:
        function: a function of a module.
        arguments: what it is called with.
    """

    def __init__(self, function: Callable[..., T], *arguments: object) -> None:
        """Start the process."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tools.crash.preloaded"])
        self._answer, theirs = context.Pipe(duplex=False)
        self.process: ForkServerProcess = context.Process(target=_call, args=(theirs, function, *arguments))
        self.process.start()
        theirs.close()

    def kill(self) -> None:
        """Kill the process, and those that it started: the Java of a Spark driver."""
        with suppress(ProcessLookupError):  # it has not come so far yet, or is gone
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        self.process.kill()

    def value(self, patience: float = PATIENCE) -> T | None:
        """Wait for the end and return the value; `None` when the process was killed.

        Args:
            patience: seconds after which the process hangs.

        Raises:
            AssertionError: the function raised, or did not end in time.
        """
        self.process.join(patience)
        if self.process.exitcode is None:
            self.kill()
        if self.process.exitcode is None or self.process.exitcode not in {0, -signal.SIGKILL, _UNKNOWN}:
            message = f"the child ended with {self.process.exitcode}"
            raise AssertionError(message)
        try:
            value: T = self._answer.recv()
        except EOFError:
            return None
        finally:
            self._answer.close()
        return value


def load(document: Path, environment: Mapping[str, str] | None = None) -> Loaded:
    """Run the one flow of a document, with further variables of the environment."""
    os.environ.update(environment or {})
    result = Project.load(document).run()
    if not isinstance(result, RunResult):
        raise TypeError(result)
    (record,) = result
    return Loaded(
        status=record.status,
        reason=record.reason,
        error=record.error.type if record.error else "",
        message=record.error.message if record.error else "",
        seq=record.commit.seq if record.commit else None,
    )


def _call(answer: Connection, function: Callable[..., T], *arguments: object) -> None:
    os.setpgid(0, 0)  # what it starts can be killed with it
    answer.send(function(*arguments))
