"""The portable expression language on Polars: expressions become lazy `pl.Expr`s with Spark's meaning."""

from __future__ import annotations

from datacoolie_engine_polars.expressions.aggregates import compile_aggregate
from datacoolie_engine_polars.expressions.compiler import compile_expression
from datacoolie_engine_polars.expressions.errors import translate

__all__ = ["compile_aggregate", "compile_expression", "translate"]
