"""Running plans: several at once in one streaming pass, which an interrupt ends."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import polars as pl

from datacoolie.engines import InterruptedPassError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Passes:
    """The passes of one engine, in any thread."""

    def __init__(self) -> None:
        """Begin with none running."""
        self._running = 0
        self._lock = threading.Lock()

    def run(self, plans: Sequence[pl.LazyFrame], *, share: bool = True, streaming: bool = True) -> list[pl.DataFrame]:
        """Evaluate plans in one pass.

        Args:
            plans: sinks give empty results.
            share: parts that plans have in common run once. Their rows then wait in memory for the slowest plan, so a
                slow sink (text) must not share with a fast aggregate.
            streaming: a piece at a time; without it windows and sorts over frames in memory take less.

        Raises:
            InterruptedPassError: the pass was interrupted, in a thread that is not the main one.
            KeyboardInterrupt: the same in the main thread.
            polars.exceptions.PolarsError, OSError: the pass failed.
        """
        with self._counted():
            try:
                flags = pl.QueryOptFlags(comm_subplan_elim=share)
                return pl.collect_all(plans, engine="streaming" if streaming else "in-memory", optimizations=flags)
            except KeyboardInterrupt as error:
                if threading.current_thread() is threading.main_thread():
                    raise
                message = "The load was interrupted; what it had written is removed"
                raise InterruptedPassError(message) from error

    def interrupt(self) -> None:
        """End all passes, of any thread.

        Polars ends its passes, in every thread, when the process receives SIGINT, and in no other way. It listens as
        long as nobody replaced the signal's default handler. To be called from the main thread.
        """
        if self._running:
            with suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
