"""Hive's `name=value` folders: values as text, escaped as Hive, Spark and Delta do."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl

from datacoolie.engines.partitions import NULL, type_of_values
from datacoolie_engine_polars.types import to_polars

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ESCAPED = re.compile(r'[\x00-\x1f\x7f"#%\'*/:=?\\{}\[\]^<>|]')


def value_text(value: object) -> str | None:
    """Return a partition value as Delta's log and Hive's folders write it; `None` for null and empty text."""
    match value:
        case None | "":
            return None
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.replace(tzinfo=None).isoformat(" ")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def folder(values: Mapping[str, str | None]) -> str:
    """Return `a=1/b=x%2Fy`, escaped."""
    return "/".join(f"{escape(name)}={NULL if text is None else escape(text)}" for name, text in values.items())


def escape(text: str) -> str:
    """Escape what Hive escapes in names and values of folders."""
    return _ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", text)


def without_empty(frame: pl.LazyFrame, schema: Mapping[str, pl.DataType], names: Iterable[str]) -> pl.LazyFrame:
    """Make empty text null in partition columns: no folder can tell them apart."""
    texts = [name for name in names if schema[name] == pl.String]
    return frame.with_columns(pl.col(name).replace({"": None}) for name in texts) if texts else frame


def typed(texts: Sequence[str | None]) -> pl.Series:
    """Return partition values as int, bigint or date, or as text when any value is something else."""
    values = pl.Series(texts, dtype=pl.String)
    kind = to_polars(type_of_values(texts))
    return values.str.to_date() if kind == pl.Date else values.cast(kind)
