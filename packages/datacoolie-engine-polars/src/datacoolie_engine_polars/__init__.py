"""The Polars engine of DataCoolie."""

from __future__ import annotations

from datacoolie_engine_polars.engine import PolarsEngine

__all__ = ["PolarsEngine"]
