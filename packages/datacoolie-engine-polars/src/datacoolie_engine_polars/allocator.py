"""How the allocator inside of Polars keeps memory that is free, which it is told before Polars is imported."""

from __future__ import annotations

import os

_VARIABLE = "_RJEM_MALLOC_CONF"


def keep_little() -> None:
    """Let freed pages go back to the system after half a second, and threads share arenas; what a user set stays.

    As it is, the allocator keeps pages for good, in arenas that are four times as many as there are processors: what
    one pass freed stays with the process while the next one takes new memory. On Windows the allocator is another.
    """
    os.environ.setdefault(_VARIABLE, f"dirty_decay_ms:500,muzzy_decay_ms:0,narenas:{os.cpu_count() or 1}")
