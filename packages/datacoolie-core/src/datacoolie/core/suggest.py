"""Parts of error messages that every layer words alike: what is possible, and what was probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(value: str, possible: Iterable[str]) -> str:
    """Return `" Did you mean 'polars'?"` for the closest of `possible`, in any case, or `""` when none is close."""
    by_folded = {name.casefold(): name for name in possible}
    close = get_close_matches(value.casefold(), by_folded, n=1)
    return f" Did you mean {by_folded[close[0]]!r}?" if close else ""


def listed(names: Iterable[str]) -> str:
    """Return `"a, b, c"` in the given order, or `"none"`."""
    return ", ".join(names) or "none"
