"""The lowering of every function and operator of the catalogue."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from datacoolie_engine_polars.expressions import arithmetic, dates, hashing, maths, patterns, strings, tests
from datacoolie_engine_polars.expressions.checks import Operands

Lower = Callable[[Operands], pl.Expr]
"""Makes the Polars expression of a call from its lowered operands."""

LOWERINGS: dict[str, Lower] = {
    **arithmetic.LOWERINGS,
    **tests.LOWERINGS,
    **maths.LOWERINGS,
    **strings.LOWERINGS,
    **patterns.LOWERINGS,
    **dates.LOWERINGS,
    **hashing.LOWERINGS,
}
"""By the catalogue's name. Functions that choose between operands are lowered by `compiler`."""

NEVER_FAIL = frozenset(
    {
        *tests.LOWERINGS,
        *strings.LOWERINGS,
        *patterns.LOWERINGS,
        *(name for name in dates.LOWERINGS if name not in dates.FAIL),
        *("sqrt", "exp", "ln", "log10", "log2", "power", "sign"),
        *("if", "coalesce", "nvl", "nvl2", "and", "or"),
    }
    - {"split_part"}
)
"""Functions that have a value, or null, for every operand."""
