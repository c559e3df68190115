"""The Spark engine of DataCoolie."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("pyspark") is None:
    install = 'pip install "datacoolie-engine-spark[local]"'
    message = f"The engine 'spark' needs pyspark, which is not here. Install it: {install}"
    raise ModuleNotFoundError(message, name="pyspark")

from datacoolie_engine_spark.engine import SparkEngine

__all__ = ["SparkEngine"]
