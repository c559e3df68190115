"""Merges as one MERGE statement, the same for all table formats."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from datacoolie.core.types import INTEGRAL, DateType, DecimalType, StringType, TimestampNtzType, TimestampType
from datacoolie.engines.merging import SHOWN_KEYS, duplicates
from datacoolie.sql import lit
from datacoolie_engine_spark.columns import quoted
from datacoolie_engine_spark.types import described

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.sql import DataFrame

    from datacoolie.core.types import Schema
    from datacoolie.engines import MergePlan
    from datacoolie.sql.text import Value

_IS_ROW = "__datacoolie_is_row"
"""In a batch that replaces keys: whether a row is one of the batch, or stands for a key of which all rows go."""

_OWN = "__datacoolie_"
"""How columns of a batch begin that have to be told from the table's."""

_RANGED = (*INTEGRAL, DecimalType, StringType, DateType, TimestampType, TimestampNtzType)
"""Types of keys by whose range files of a table are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The rows of a merge, evaluated once.

    Attributes:
        frame: the rows, kept by Spark.
        rows: how many there are.
        ranges: the smallest and the largest value of keys that have one in each row.
    """

    frame: DataFrame
    rows: int
    ranges: Mapping[str, tuple[object, object]] = field(default_factory=dict)


def measured(frame: DataFrame, plan: MergePlan[DataFrame], where: str) -> Batch:
    """Evaluate the rows of a merge: their number, the ranges of their keys, and that no key is there twice.

    Raises:
        DestinationError: naming keys that are.
    """
    schema = described(frame.schema)
    ranged = [key for key in plan.keys if isinstance(schema[key], _RANGED)]
    names = ", ".join(map(quoted, plan.keys))
    texts = ["count(*)", f"count(DISTINCT struct({names}))"]
    for key in map(quoted, ranged):
        texts += [f"min({key})", f"max({key})", f"count({key})"]
    found = [column[0].as_py() for column in frame.selectExpr(*texts).toArrow().columns]
    rows, distinct = found[:2]
    if distinct < rows and not plan.replace:
        raise duplicates(plan.keys, _twice(frame, plan.keys), where)
    bounds = (found[at : at + 3] for at in range(2, len(found), 3))
    ranges = {key: (low, high) for key, (low, high, known) in zip(ranged, bounds, strict=True) if known == rows}
    return Batch(frame=frame, rows=rows, ranges=ranges if rows else {})


def _twice(frame: DataFrame, keys: Sequence[str]) -> list[tuple[object, ...]]:
    names = [quoted(key) for key in keys]
    several = frame.groupBy(*names).count().filter("count > 1").orderBy(*names).limit(SHOWN_KEYS)
    return [tuple(row.values()) for row in several.selectExpr(*names).toArrow().to_pylist()]


def merge(target: str, batch: Batch, plan: MergePlan[DataFrame], columns: Schema) -> list[Mapping[str, object]]:
    """Run one MERGE of the batch into a table, and return what Spark says of it: nothing where it was skipped.

    Args:
        target: the table, as SQL names it.
        batch: columns called and typed as in the table.
        plan: keys called as in the table.
        columns: of the table; those that the batch does not have stay, or are null in rows that are inserted.
    """
    frame = _with_gone_keys(batch.frame, plan) if plan.replace else batch.frame
    with viewed(frame) as view:
        found = frame.sparkSession.sql(_statement(target, view, batch, plan, columns)).collect()
    return [row.asDict() for row in found]


def replace_where(target: str, frame: DataFrame, condition: str) -> None:
    """Run one MERGE that puts a frame into the place of the rows of a table for which a condition is true."""
    # Under other names than the table's, of which the condition is.
    own = {f"{_OWN}{at}": quoted(name) for at, name in enumerate(frame.columns)}
    rows = frame.selectExpr(*(f"{name} AS {new}" for new, name in own.items()), f"true AS {_IS_ROW}")
    with viewed(rows) as view:
        # One more row, that matches what goes; the rows themselves match nothing.
        gone = f"SELECT {', '.join('NULL' for _ in own)}, false"
        source = f"TABLE {view} UNION ALL {gone}"
        insert = f"INSERT ({', '.join(own.values())}) VALUES ({', '.join(own)})"  # noqa: S608 - names are quoted
        clauses = f"WHEN MATCHED THEN DELETE WHEN NOT MATCHED AND s.{_IS_ROW} THEN {insert}"
        statement = f"MERGE INTO {target} AS t USING ({source}) AS s ON NOT s.{_IS_ROW} AND ({condition}) {clauses}"
        frame.sparkSession.sql(statement).collect()


@contextmanager
def viewed(frame: DataFrame) -> Iterator[str]:
    """Give a frame a name in its session, which is the one in which confs of a commit are set."""
    view = f"datacoolie_{uuid.uuid4().hex}"
    frame.createOrReplaceTempView(view)
    try:
        yield view
    finally:
        frame.sparkSession.catalog.dropTempView(view)


def _statement(target: str, view: str, batch: Batch, plan: MergePlan[DataFrame], columns: Schema) -> str:
    given = [name for name in columns if name in batch.frame.columns]
    on = [f"t.{key} <=> s.{key}" for key in map(quoted, plan.keys)]
    for key, (low, high) in batch.ranges.items():
        name = f"t.{quoted(key)}"
        on.append(f"{name} >= {_constant(low)} AND {name} <= {_constant(high)}")
    updated = [name for name in given if name not in plan.keys and name not in plan.keep]
    clauses = []
    if plan.replace:
        on.append(f"NOT s.{_IS_ROW}")
        clauses.append("WHEN MATCHED THEN DELETE")
    else:
        if plan.delete:
            clauses.append(f"WHEN MATCHED AND s.{quoted(plan.delete)} THEN DELETE")
        if updated:
            assigned = ", ".join(f"t.{name} = s.{name}" for name in map(quoted, updated))
            clauses.append(f"WHEN MATCHED THEN UPDATE SET {assigned}")
    new = _IS_ROW if plan.replace else f"NOT s.{quoted(plan.delete)}" if plan.delete else ""
    names, values = ", ".join(map(quoted, given)), ", ".join(f"s.{quoted(name)}" for name in given)
    condition = f" AND {new}" if new else ""
    clauses.append(f"WHEN NOT MATCHED{condition} THEN INSERT ({names}) VALUES ({values})")  # noqa: S608 - names are quoted
    return f"MERGE INTO {target} AS t USING {quoted(view)} AS s ON {' AND '.join(on)} {' '.join(clauses)}"


def _constant(value: object) -> str:
    return lit(cast("Value", value)).sql()


def _with_gone_keys(frame: DataFrame, plan: MergePlan[DataFrame]) -> DataFrame:
    """Add a row for each key, that removes what the table has of it; the rows themselves match nothing."""
    keys = frame.selectExpr(*map(quoted, plan.keys)).distinct()
    own = frame.selectExpr("*", f"true AS {_IS_ROW}")
    return own.unionByName(keys.selectExpr("*", f"false AS {_IS_ROW}"), allowMissingColumns=True)
