"""Work of Spark that lasts until somebody ends it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

from datacoolie.sql import agg, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacoolie_engine_spark import SparkEngine

PATIENCE = 300
"""Seconds in which anything has to happen on a busy machine."""


_ROWS = 5 * 10**8
"""How many rows two cores without other work count in a second, about."""


@contextmanager
def lasting(engine: SparkEngine, name: str, *, seconds: int = 60) -> Iterator[Future[object]]:
    """Evaluate something in a thread, under a name, that takes a while; go on when it is about to begin."""
    begun = Event()

    def evaluate() -> object:
        with engine.naming(name):
            frame = engine.session.range(_ROWS * seconds)
            begun.set()
            return engine.frames.aggregate(frame, {"n": agg("count_if", parse("id % 7 = 3"))})

    with ThreadPoolExecutor(1) as thread:
        work = thread.submit(evaluate)
        assert begun.wait(PATIENCE)  # noqa: S101 - a test's own assertion
        yield work
