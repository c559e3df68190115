"""A local Spark that answers case sets."""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

if TYPE_CHECKING:
    from tools.vectors.model import CaseSet, Row

ASTRAL = 0x10000
"""From here on a code point has more than the four digits of an escape."""

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"

_SETTINGS = {
    "spark.master": "local[1]",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.ui.enabled": "false",
    "spark.log.level": "OFF",
}


class Spark:
    """One session in ANSI mode and UTC."""

    def __init__(self) -> None:
        """Start Spark in this process's JVM."""
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
        builder = SparkSession.builder
        for name, value in _SETTINGS.items():
            builder = builder.config(name, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("OFF")

    def answer(self, case_set: CaseSet, *, aggregates: bool) -> tuple[dict[str, Json], list[Json]]:
        """Return schema and rows, and what each expression gives: type and a result per row, or why it is refused."""
        frame = self._frame(case_set, case_set.rows)
        cases: list[Json] = []
        for expression in case_set.expressions:
            try:
                kind = frame.selectExpr(f"{expression} AS r").schema["r"].dataType.simpleString()
            except PySparkException as error:
                cases.append({"expression": expression, "refused": error.getCondition()})
                continue
            rows = None if aggregates else case_set.rows
            cases.append(
                {"expression": expression, "type": kind, "results": self._results(case_set, frame, expression, rows)}
            )
        rows_json: list[Json] = [list(row) for row in case_set.rows]
        return {"schema": dict(case_set.schema), "rows": rows_json}, cases

    def _frame(self, case_set: CaseSet, rows: tuple[Row, ...]) -> DataFrame:
        columns = ", ".join(f"`{name}`" for name in case_set.schema)
        kinds = list(case_set.schema.values())
        empty = f"SELECT {', '.join(f'CAST(NULL AS {kind})' for kind in kinds)} WHERE false"
        values = ", ".join("(" + ", ".join(map(_constant, row, kinds)) + ")" for row in rows)
        source = f"VALUES {values}" if rows else f"({empty})"
        return self.session.sql(f"SELECT * FROM {source} AS t({columns})")  # noqa: S608 - its own cases

    def _results(
        self, case_set: CaseSet, frame: DataFrame, expression: str, rows: tuple[Row, ...] | None
    ) -> list[Json]:
        """Evaluate over all rows at once; when that fails, over each half."""
        try:
            return [_value(row["r"]) for row in frame.selectExpr(f"{_shown(frame, expression)} AS r").collect()]
        except PySparkException as error:
            if rows is None or len(rows) == 1:
                return [{"error": error.getCondition()}]
        half = len(rows) // 2
        return [
            result
            for part in (rows[:half], rows[half:])
            for result in self._results(case_set, self._frame(case_set, part), expression, part)
        ]


def _constant(value: str | None, kind: str) -> str:
    if value is None:
        return f"CAST(NULL AS {kind})"
    if kind == "binary":
        return f"X'{value}'"
    text = "".join(f"\\u{ord(char):04x}" if not char.isalnum() and ord(char) < ASTRAL else char for char in value)
    return f"CAST('{text}' AS {kind})"


def _shown(frame: DataFrame, expression: str) -> str:
    """Return the expression with dates and times as microseconds or days: Python can't hold all of them."""
    kind = frame.selectExpr(f"{expression} AS r").schema["r"].dataType.simpleString()
    if kind == "timestamp":
        return f"unix_micros({expression})"
    if kind == "timestamp_ntz":
        return f"unix_micros(CAST({expression} AS timestamp))"
    if kind == "date":
        return f"unix_date({expression})"
    return expression


def _value(value: object) -> Json:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), repr(value))
        case Decimal():
            return f"{value:f}"
        case bytearray() | bytes():
            return value.hex()
        case list():
            return [_value(each) for each in value]
        case dt.date():
            return value.isoformat()
        case _:
            message = f"no JSON for {value!r}"
            raise TypeError(message)
