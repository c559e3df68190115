"""What the suites of engines share: frames from literal data, and rows read back by another library."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacoolie.engines import BaseEngine, FileWrite
from datacoolie.testing.suite import Suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

Engine: TypeAlias = BaseEngine[object]
"""The engine under test; suites never look into its frames."""

Row: TypeAlias = tuple[object, ...]

Frame: TypeAlias = "Callable[..., object]"
"""`frame(id=[1, 2], v=["a", None])`, or of an Arrow table: a frame of the engine."""

Read: TypeAlias = "Callable[[object], pa.Table]"
"""Evaluate a frame of the engine."""

Rows: TypeAlias = "Callable[[object], list[Row]]"
"""Evaluate a frame of the engine; its rows in one order."""

Test = TypeVar("Test", bound="Callable[..., None]")


def needs(capability: str, member: str | None = None) -> Callable[[Test], Test]:
    """Leave a test out where the engine's capabilities don't have something.

    Args:
        capability: a field of `EngineCapabilities` that has to be true, or to have the member.
        member: of a set or mapping; `{format}` stands for the parameter `format` of the test.
    """

    def mark(test: Test) -> Test:
        test.__dict__.setdefault("needs", []).append((capability, member))
        return test

    return mark


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Return rows in the one order in which suites compare them."""
    return sorted(rows, key=repr)


def rows_of(table: pa.Table) -> list[Row]:
    """Return the rows of an Arrow table in the one order in which suites compare them."""
    return in_order(tuple(row.values()) for row in table.to_pylist())


def written(folder: Path) -> dict[str, Path]:
    """Return the files that an engine staged in a folder, by their paths below it, in order."""
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path for name, path in paths.items() if not path.name.startswith(("_", "."))}


class EngineTests(Suite):
    """Gives tests of an engine what they need. A subclass has a fixture `engine`, of any scope."""

    @pytest.fixture(autouse=True)
    def _capable(self, request: pytest.FixtureRequest, engine: Engine) -> None:
        parameters = getattr(request.node, "callspec", None)
        for capability, member in getattr(request.function, "needs", ()):
            value = getattr(engine.capabilities, capability)
            name = member and member.format(**parameters.params if parameters else {})
            if not (value if name is None else name in value):
                pytest.skip(f"the engine's capabilities don't have {capability}{f': {name}' if name else ''}")

    @pytest.fixture
    def frame(self, engine: Engine) -> Frame:
        """Make frames of literal data."""

        def make(table: pa.Table | None = None, /, **columns: object) -> object:
            return engine.frames.from_arrow(pa.table(columns) if table is None else table)

        return make

    @pytest.fixture
    def read(self, engine: Engine, tmp_path: Path) -> Read:
        """Evaluate frames: the engine stages them as Parquet, and Arrow reads that."""
        numbers = count()

        def evaluate(frame: object) -> pa.Table:
            folder = tmp_path / f"evaluated-{next(numbers)}"
            engine.files.stage(frame, FileWrite(format="parquet", folder=str(folder), stem="f"))
            return pa.concat_tables(pq.read_table(path, partitioning=None) for path in written(folder).values())

        return evaluate

    @pytest.fixture
    def rows(self, read: Read) -> Rows:
        """Evaluate frames and return their rows in the one order in which suites compare them."""
        return lambda frame: rows_of(read(frame))
