"""Frames without rows, for tests of transformers: an engine that writes down what it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NoReturn

import pytest

from datacoolie.core.exceptions import ErrorClass, TransformError
from datacoolie.core.models import DataFlow, SchemaHint
from datacoolie.core.types import DataType, parse_type
from datacoolie.engines.base import FrameOps
from datacoolie.sql import infer
from datacoolie.transformers.base import BaseTransformer, TransformContext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.sql import Expr


@dataclass(frozen=True)
class Plan:
    """A frame without rows: its columns, and the steps that led to them."""

    schema: Mapping[str, DataType]
    steps: tuple[str, ...] = ()


class Planner(FrameOps[Plan]):
    """An engine's frame operations that write down what they are asked for, types checked."""

    def schema(self, frame: Plan) -> Mapping[str, DataType]:
        """Return the columns."""
        return frame.schema

    def select(self, frame: Plan, columns: Mapping[str, Expr]) -> Plan:
        """Note a selection."""
        return Plan(_types(columns, frame), (*frame.steps, f"select {_written(columns)}"))

    def with_columns(self, frame: Plan, columns: Mapping[str, Expr]) -> Plan:
        """Note new columns; there must be some."""
        if not columns:
            raise AssertionError(frame)
        return Plan({**frame.schema, **_types(columns, frame)}, (*frame.steps, f"with {_written(columns)}"))

    def filter(self, frame: Plan, condition: Expr) -> Plan:
        """Note a filter."""
        return Plan(frame.schema, (*frame.steps, f"filter {condition}"))

    def rename(self, frame: Plan, names: Mapping[str, str]) -> Plan:
        """Note new names."""
        schema = {names.get(name, name): kind for name, kind in frame.schema.items()}
        return Plan(schema, (*frame.steps, "rename " + ", ".join(f"{old} to {new}" for old, new in names.items())))

    def deduplicate(
        self, frame: Plan, *, keys: Sequence[str], order_by: Sequence[str], ties: Literal["one", "all"]
    ) -> Plan:
        """Note a deduplication by columns that there are."""
        if not {*keys, *order_by} <= set(frame.schema):
            raise AssertionError(frame)
        step = f"newest per {', '.join(keys)} by {', '.join(order_by)}, {ties}"
        return Plan(frame.schema, (*frame.steps, step))

    def _unused(self, *_: object, **__: object) -> NoReturn:
        """No transformer of the framework asks for the others."""
        raise NotImplementedError

    drop = union = join = distinct = window = nest = unnest = aggregate = is_empty = from_arrow = _unused


def _types(columns: Mapping[str, Expr], frame: Plan) -> dict[str, DataType]:
    return {name: infer(expr, frame.schema) for name, expr in columns.items()}


def _written(columns: Mapping[str, Expr]) -> str:
    return ", ".join(f"{name} = {expr}" if str(expr) != name else name for name, expr in columns.items())


def context_of(
    transform: Mapping[str, object] | None = None,
    *,
    destination: Mapping[str, object] | None = None,
    source: Mapping[str, object] | None = None,
    hints: Sequence[Mapping[str, object]] = (),
) -> TransformContext[Plan]:
    """Return the context of a flow called `orders` with these parts."""
    flow = DataFlow.model_validate(
        {
            "name": "orders",
            "source": {"connection_name": "landing", "table": "orders", **(source or {})},
            "destination": {"connection_name": "lake", "table": "orders", **(destination or {})},
            "transform": transform or {},
        }
    )
    return TransformContext(
        flow=flow,
        frames=Planner(),
        hints=[SchemaHint.model_validate(hint) for hint in hints],
        run_id="run-1",
        started_at=datetime(2024, 2, 29, 12, tzinfo=UTC),
        user="ann",
    )


def plan(columns: str) -> Plan:
    """Return a frame of columns written as `name type, ...`."""
    pairs = (part.split() for part in columns.split(", "))
    return Plan({name: parse_type(kind) for name, kind in pairs})


def written(frame: Plan) -> str:
    """Return the columns of a frame as `plan` reads them."""
    return ", ".join(f"{name} {kind}" for name, kind in frame.schema.items())


def refused(step: BaseTransformer[Plan], frame: Plan, context: TransformContext[Plan]) -> TransformError:
    """Return the error with which a step refuses a frame."""
    with pytest.raises(TransformError) as caught:
        step.transform(frame, context)
    error = caught.value
    if error.error_class is not ErrorClass.CONFIGURATION or error.details["dataflow"] != "orders":
        raise AssertionError(error.details)
    return error
