"""What is killed while a load runs: what loads, the server that it works on, or the executors of a cluster."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, ClassVar

import psutil

from tools.services.running import started

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tools.crash.children import Child, Loaded


class Victim:
    """The process that loads, with those that it started: the Java of a Spark driver.

    Attributes:
        is_shared: all loads work on it, so that there can be but one at a time.
    """

    is_shared: ClassVar[bool] = False

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that a load needs."""
        return {}

    def strike(self, child: Child[Loaded], patience: float) -> bool:  # noqa: ARG002 - others wait for the load
        """Kill it, wait until the load has ended, and return whether it was at work.

        Args:
            child: the load.
            patience: seconds after which a load hangs.

        Raises:
            AssertionError: the load hangs, or ended with an error that is not one of its record.
        """
        child.kill()
        return child.value() is None


class Server(Victim, ExitStack):
    """A Spark Connect server: the load has to end by itself, and then there is another server."""

    is_shared: ClassVar[bool] = True

    def __init__(self) -> None:
        """Start the server; raises `MissingError` when it can't be had."""
        super().__init__()
        self._server = self.enter_context(started("spark-connect"))

    @property
    def environment(self) -> Mapping[str, str]:
        """Where the server answers now."""
        return {"SPARK_REMOTE": self._server.address["url"]}

    def strike(self, child: Child[Loaded], patience: float) -> bool:
        """Kill the server."""
        was_at_work = child.process.is_alive()
        os.kill(self._server.pid, signal.SIGKILL)
        child.value(patience)
        self.close()
        self._server = self.enter_context(started("spark-connect"))
        return was_at_work


class Executors(Victim, ExitStack):
    """The executors of a cluster, all at once: the load goes on with others, without what these had kept."""

    is_shared: ClassVar[bool] = True

    def __init__(self) -> None:
        """Start the cluster; raises `MissingError` when it can't be had."""
        super().__init__()
        address = self.enter_context(started("spark-cluster")).address
        self.url = address["url"]
        self._workers = [psutil.Process(int(pid)) for pid in address["workers"].split()]

    def strike(self, child: Child[Loaded], patience: float) -> bool:
        """Kill what the workers have started."""
        killed = list(self._killed()) if child.process.is_alive() else []
        child.value(patience)
        return bool(killed)

    def _killed(self) -> Iterator[psutil.Process]:
        for executor in (one for worker in self._workers for one in worker.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                executor.kill()
                yield executor
