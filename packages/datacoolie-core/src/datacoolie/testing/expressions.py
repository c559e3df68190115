"""What every engine makes of expressions: golden vectors of the whole catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa
import pytest

from datacoolie.core.exceptions import DataCoolieError, TransformError
from datacoolie.core.types import NullType
from datacoolie.sql import ExpressionError, parse
from datacoolie.sql.vectors import THEMES, Vector, vectors
from datacoolie.testing.base import Engine, EngineTests, Frame, Read
from datacoolie.testing.vectors import aggregate_of, alone, same, same_error, side_by_side, written, written_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Cases = Sequence[tuple[Vector, tuple[int, ...]]]
    Evaluate = Callable[[Cases], dict[str, list[object]]]

_SCALAR = [theme for theme in THEMES if theme != "aggregates"]
_BATCH = 100

_BRANCHES = {
    "case when a <> 0 then 10 div a else -1 end": [10, -1, -1],
    "if(a = 0, null, 10 div a)": [10, None, None],
    "coalesce(10 div nullif(a, 0), 5)": [10, 5, 5],
    "a = 0 or 10 div a > 1": [True, True, None],
    "a <> 0 and 10 div a > 1": [True, False, None],
    "case when a = 0 then 0 when 10 div a > 5 then 1 else 2 end": [1, 0, 2],
    "if(s = '7', cast(s as int) + 1, 0)": [8, 0, 0],
}
"""Expressions that fail on rows for which another branch is taken, and their values."""


class ExpressionSuite(EngineTests):
    """Tests an engine's expressions with the golden vectors. A subclass has a fixture `engine`.

    Attributes:
        differences: vectors, by name, whose results are known not to be Spark's, and why. Each has to differ.
        failures_per_vector: how many of the rows that fail are looked at; each is evaluated by itself.
    """

    differences: ClassVar[Mapping[str, str]] = {}
    failures_per_vector: ClassVar[int] = 1000

    @pytest.fixture
    def evaluate(self, engine: Engine, frame: Frame, read: Read) -> Evaluate:
        """Evaluate vectors over some of their rows, given by their numbers, in one pass."""

        def run(cases: Cases) -> dict[str, list[object]]:
            batch = side_by_side([(vector, [vector.rows[at] for at in rows]) for vector, rows in cases])
            results = engine.frames.with_columns(frame(batch.table), batch.expressions)
            schema = engine.frames.schema(results)
            kinds = {name: vector.type for name, (vector, _) in zip(batch.expressions, cases, strict=True)}
            assert {name: schema[name] for name in kinds} == kinds
            table = read(engine.frames.select(results, {name: parse(name) for name in ["row", *kinds]})).sort_by("row")
            return {
                vector.name: written(table[name], schema[name])[: len(rows)]
                for name, (vector, rows) in zip(kinds, cases, strict=True)
            }

        return run

    @pytest.mark.parametrize("theme", _SCALAR)
    def test_values(self, evaluate: Evaluate, theme: str) -> None:
        cases = [
            (vector, rows) for vector in self._agreeing(theme) if (rows := _good(vector)) and vector.type != NullType()
        ]
        wrong: list[str] = []
        for start in range(0, len(cases), _BATCH):
            wrong += _compared(evaluate, cases[start : start + _BATCH])
        assert not wrong, "\n".join(wrong)

    @pytest.mark.parametrize("theme", _SCALAR)
    def test_rows_that_fail(self, evaluate: Evaluate, theme: str) -> None:
        wrong = [text for vector in self._agreeing(theme) for text in self._failing(evaluate, vector)]
        assert not wrong, "\n".join(wrong)

    def test_values_of_aggregates(self, engine: Engine, frame: Frame) -> None:
        wrong: list[str] = []
        together: dict[str, list[Vector]] = {}
        for vector in self._agreeing("aggregates"):
            # What fails would take others along.
            alike = repr((vector.schema, vector.rows, _good(vector) or vector.name))
            together.setdefault(alike, []).append(vector)
        for group in together.values():
            wrong += _aggregated(engine, frame, group)
        assert not wrong, "\n".join(wrong)

    def test_branches_that_are_not_taken_do_not_fail(self, engine: Engine, frame: Frame, read: Read) -> None:
        source = frame(pa.table({"row": [1, 2, 3], "a": pa.array([1, 0, None], pa.int32()), "s": ["7", "x]y", None]}))
        results = engine.frames.with_columns(source, {text: parse(text) for text in _BRANCHES})
        table = read(results).sort_by("row")
        assert {text: table[text].to_pylist() for text in _BRANCHES} == _BRANCHES

    def test_what_spark_refuses_is_refused(self, engine: Engine, frame: Frame) -> None:
        sources: dict[str, object] = {}
        for vector in vectors():
            if vector.type is None:
                columns = str(vector.schema)
                if columns not in sources:
                    sources[columns] = frame(alone(vector))
                with pytest.raises(ExpressionError):
                    engine.frames.with_columns(sources[columns], {"r": parse(vector.expression)})

    def test_known_differences_differ(self, evaluate: Evaluate) -> None:
        known = {vector.name: vector for vector in vectors() if vector.name in self.differences}
        assert known.keys() == self.differences.keys()
        same = [name for name, vector in known.items() if not self._differs(evaluate, vector)]
        assert not same, f"these agree with Spark and are no differences: {same}"

    def _agreeing(self, theme: str) -> Iterator[Vector]:
        return (vector for vector in vectors(theme) if vector.type is not None and vector.name not in self.differences)

    def _differs(self, evaluate: Evaluate, vector: Vector) -> bool:
        rows = _good(vector)
        return bool(rows and _compared(evaluate, [(vector, rows)])) or any(self._failing(evaluate, vector))

    def _failing(self, evaluate: Evaluate, vector: Vector) -> Iterator[str]:
        """Evaluate rows for which Spark fails; return what is wrong."""
        bad = [at for at, result in enumerate(vector.results) if isinstance(result, dict)]
        for at in bad[: self.failures_per_vector]:
            expected = vector.results[at]
            assert isinstance(expected, dict)
            try:
                got = evaluate([(vector, (at,))])[vector.name]
            except TransformError as error:
                if same_error(error.details.get("condition"), expected["error"]):
                    continue
                got = [error]
            yield f"{vector.name}, {vector.rows[at]}: {got[0]!r} instead of {expected}"


def _good(vector: Vector) -> tuple[int, ...]:
    return tuple(at for at, result in enumerate(vector.results) if not isinstance(result, dict))


def _compared(evaluate: Evaluate, cases: Cases) -> list[str]:
    """Evaluate vectors together; return what is wrong, by themselves where they fail together."""
    try:
        results = evaluate(cases)
    except DataCoolieError as error:
        if len(cases) == 1:
            return [f"{cases[0][0].name}: {error}"]
        return [text for case in cases for text in _compared(evaluate, [case])]
    return [text for vector, rows in cases if (text := _wrong(vector, rows, results[vector.name]))]


def _wrong(vector: Vector, rows: Sequence[int], got: Sequence[object]) -> str:
    assert vector.type is not None
    texts = [
        f"{vector.rows[at]}: {value!r} instead of {vector.results[at]!r}"
        for at, value in zip(rows, got, strict=True)
        if not same(value, vector.results[at], vector.type)
    ]
    return f"{vector.name}, {'; '.join(texts[:5])}" if texts else ""


def _aggregated(engine: Engine, frame: Frame, group: Sequence[Vector]) -> list[str]:
    """Evaluate aggregates over the same rows; return what is wrong."""
    try:
        got = engine.frames.aggregate(frame(alone(group[0])), {vector.name: aggregate_of(vector) for vector in group})
    except TransformError as error:
        (expected,) = group[0].results
        right = isinstance(expected, dict) and same_error(error.details.get("condition"), expected["error"])
        return [] if right else [f"{vector.name}: {error} instead of {vector.results[0]!r}" for vector in group]
    values = {vector.name: written_value(got[vector.name]) for vector in group}
    return [
        f"{vector.name}: {values[vector.name]!r} instead of {vector.results[0]!r}"
        for vector in group
        if not _same_aggregate(values[vector.name], vector)
    ]


def _same_aggregate(got: object, vector: Vector) -> bool:
    (expected,) = vector.results
    assert vector.type is not None
    either = isinstance(got, float) and got == 0 and expected in {"0.0", "-0.0"}  # either zero may come first
    return not isinstance(expected, dict) and (either or same(got, expected, vector.type))
