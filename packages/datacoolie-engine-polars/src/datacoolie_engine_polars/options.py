"""Options that Polars alone has: the parameters of its functions."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from datacoolie.engines.options import NativeOptions

if TYPE_CHECKING:
    from collections.abc import Callable


def parameters(function: Callable[..., object], reserved: frozenset[str] = frozenset()) -> NativeOptions:
    """Return the options that a function takes beside its first argument, but for those that the engine sets itself."""
    names = list(inspect.signature(function).parameters)[1:]
    possible = tuple(name for name in names if not name.startswith("_") and name not in reserved)
    return NativeOptions(engine="polars", possible=possible)
