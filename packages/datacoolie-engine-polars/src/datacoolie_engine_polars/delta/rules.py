"""What a Delta table demands of its rows: columns that are never null, constraints, columns computed from others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deltalake.schema import ArrayType, MapType, StructType

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.engines import Observation
from datacoolie.sql import Call, ExpressionError, agg, call, case, cast, col, infer, lit, parse
from datacoolie_engine_polars.expressions import compile_expression
from datacoolie_engine_polars.schemas import described_schema
from datacoolie_engine_polars.types import from_polars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl
    from deltalake import DeltaTable

    from datacoolie.core.types import Schema
    from datacoolie.sql import Expr

_CONSTRAINT = "delta.constraints."
_PREFIX = "__datacoolie_rule_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of one table.

    Attributes:
        where: the table, for messages.
        checks: conditions that are true for each row (null is not true), by what a message says of them.
        generated: expressions of columns that are computed when a batch does not have them.
    """

    where: str
    checks: Mapping[str, Expr]
    generated: Mapping[str, Expr]

    def observations(self, frame: pl.LazyFrame) -> dict[str, Observation[pl.LazyFrame]]:
        """Return how many rows break each rule.

        Raises:
            DestinationError: a rule can't be evaluated.
        """
        found = {}
        for at, (name, condition) in enumerate(self.checks.items()):
            self._check(name, condition, described_schema(frame.collect_schema()))
            broken = agg("count", case((condition, lit(None)), default=lit(1)))
            found[f"{_PREFIX}{at}"] = Observation(frame=frame, aggregate=broken)
        return found

    def enforce(self, observed: Mapping[str, object]) -> dict[str, object]:
        """Return what was observed besides the rules.

        Raises:
            DestinationError: rows break a rule.
        """
        for at, name in enumerate(self.checks):
            rows = int(str(observed[f"{_PREFIX}{at}"]))
            if rows:
                broken = "1 row breaks" if rows == 1 else f"{rows:,} rows break"
                message = f"{self.where}: {broken} a rule of the table: {name}. Nothing was written"
                raise DestinationError(message, {"rule": name, "rows": rows})
        return {name: value for name, value in observed.items() if not name.startswith(_PREFIX)}

    def completed(self, frame: pl.LazyFrame, schema: pl.Schema, target: pl.Schema) -> tuple[pl.LazyFrame, pl.Schema]:
        """Compute the columns that a batch does not have.

        Args:
            frame: the batch.
            schema: its columns.
            target: columns of the table.

        Raises:
            DestinationError: an expression can't be evaluated.
        """
        given = {name.lower() for name in schema}
        columns = []
        for name, expression in self.generated.items():
            if name.lower() not in given:
                value = cast(expression, from_polars(target[name]))
                self._check(_generated(name, expression), value, described_schema(schema))
                columns.append(compile_expression(value, described_schema(schema), name)[0].alias(name))
        if not columns:
            return frame, schema
        frame = frame.with_columns(columns)
        return frame, frame.collect_schema()

    def refuse_renaming(self, names: Mapping[str, str]) -> None:
        """Refuse new names for columns that rules are about.

        Raises:
            DestinationError: naming the rule.
        """
        for rule, expression in self.checks.items():
            used = {column.lower() for column in expression.columns}
            for old in names:
                if old.lower() in used:
                    message = f"{self.where}: column {old!r} can't be renamed, because of a rule of the table: {rule}"
                    raise DestinationError(message, {"column": old}).classed(ErrorClass.CONFIGURATION)

    def _check(self, name: str, expression: Expr, schema: Schema) -> None:
        try:
            infer(expression, schema)
        except ExpressionError as error:
            raise _not_understood(self.where, name, error) from error


def rules_of(table: DeltaTable, where: str) -> Rules:
    """Return the rules of a table.

    Raises:
        DestinationError: there is a rule that is not understood.
    """
    checks, generated = {}, {}
    for field in table.schema().fields:
        if any(_never_null(field.type)):
            message = (
                f"{where}: the table uses fields inside of {field.name!r} that must not be null, which is not "
                "supported yet. Drop that constraint, or write this table with another engine"
            )
            raise DestinationError(message, {"column": field.name}).classed(ErrorClass.CONFIGURATION)
        if not field.nullable:
            checks[f"column {field.name!r} must not be null"] = call("isnotnull", col(field.name))
        if text := field.metadata.get("delta.generationExpression"):
            expression = _parsed(str(text), where, f"generatedColumns: {field.name} = {text}")
            generated[field.name] = expression
            checks[_generated(field.name, expression)] = Call("<=>", (col(field.name), expression))
        if text := field.metadata.get("delta.invariants"):
            condition = json.loads(str(text))["expression"]["expression"]
            checks[f"invariants: {condition}"] = _parsed(condition, where, f"invariants: {condition}")
    for name, text in table.metadata().configuration.items():
        if name.startswith(_CONSTRAINT):
            said = f"checkConstraints: {name.removeprefix(_CONSTRAINT)} ({text})"
            checks[said] = _parsed(text, where, said)
    return Rules(where=where, checks=checks, generated=generated)


def _generated(name: str, expression: Expr) -> str:
    return f"generatedColumns: {name} = {expression.sql()}"


def _parsed(text: str, where: str, name: str) -> Expr:
    try:
        return parse(text)
    except ExpressionError as error:
        raise _not_understood(where, name, error) from error


def _not_understood(where: str, name: str, error: ExpressionError) -> DestinationError:
    message = (
        f"{where}: a rule of the table can't be evaluated here ({name}): {error.message}. Write this table with an "
        "engine that can, or drop the rule"
    )
    return DestinationError(message, {"rule": name}).classed(ErrorClass.CONFIGURATION)


def _never_null(kind: object) -> Iterator[str]:
    """Yield what must not be null inside of a type."""
    match kind:
        case StructType():
            yield from (field.name for field in kind.fields if not field.nullable)
            for field in kind.fields:
                yield from _never_null(field.type)
        case ArrayType():
            if not kind.contains_null:
                yield "element"
            yield from _never_null(kind.element_type)
        case MapType():
            yield from _never_null(kind.value_type)
        case _:
            return
