"""The Polars engine of DataCoolie."""

from __future__ import annotations

from datacoolie_engine_polars.allocator import keep_little

keep_little()

from datacoolie_engine_polars.engine import PolarsEngine  # noqa: E402 - Polars reads the setting when it is imported

__all__ = ["PolarsEngine"]
