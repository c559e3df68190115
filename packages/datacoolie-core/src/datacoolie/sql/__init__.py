"""The portable expression language: Spark SQL's scalar expressions, with the meaning of Spark 4 in ANSI mode and UTC.

`parse` reads text, `infer` gives the type over known columns, `bind` prepares an expression for an engine.
"""

from __future__ import annotations

from datacoolie.sql.analysis import Typed, bind, bind_aggregate, infer, resolve_column
from datacoolie.sql.build import agg, and_, call, case, cast, col, count, lit, not_, or_
from datacoolie.sql.errors import ExpressionError
from datacoolie.sql.functions import CATALOGUE
from datacoolie.sql.nodes import Aggregate, Call, Case, Cast, Column, Expr, Literal
from datacoolie.sql.parser import parse
from datacoolie.sql.query import check_query

__all__ = [
    "CATALOGUE",
    "Aggregate",
    "Call",
    "Case",
    "Cast",
    "Column",
    "Expr",
    "ExpressionError",
    "Literal",
    "Typed",
    "agg",
    "and_",
    "bind",
    "bind_aggregate",
    "call",
    "case",
    "cast",
    "check_query",
    "col",
    "count",
    "infer",
    "lit",
    "not_",
    "or_",
    "parse",
    "resolve_column",
]
