"""Columns from text, for classic sessions and for those of Spark Connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyspark.sql.functions

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession


def is_remote(of: DataFrame | SparkSession) -> bool:
    """Return whether a frame or session is one of Spark Connect."""
    return type(of).__module__.startswith("pyspark.sql.connect.")


def column(of: DataFrame | SparkSession, text: str) -> Column:
    """Return the column that a text of Spark SQL says, of the kind that a frame or session takes.

    `pyspark.sql.functions.expr` decides by an environment variable; here both kinds may be in one process.
    """
    if is_remote(of):
        import pyspark.sql.connect.functions as connect  # noqa: PLC0415 - needs grpc, which classic sessions don't

        return connect.expr(text)
    return pyspark.sql.functions.expr(text)


def quoted(name: str) -> str:
    """Return a column's name in backticks."""
    return "`" + name.replace("`", "``") + "`"
