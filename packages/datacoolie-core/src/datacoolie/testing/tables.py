"""What the suites of tables share: tables of each format that the engine has, written through the engine's contract."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa
import pytest

from datacoolie.core.models import SchemaPolicy
from datacoolie.engines import Commit, MergePlan, PartitionField, Token, WriteRequest
from datacoolie.sql import parse
from datacoolie.testing.base import Engine, EngineTests, Row
from datacoolie.testing.places import PLACES, Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from datacoolie.engines import Observation, Observed, TableOps, WriteResult

Data: TypeAlias = "Mapping[str, object] | pa.Table"
"""Columns by name, or an Arrow table."""

_NUMBERS = itertools.count()
"""Each attempt has names of its own for its files, as those of different runs have."""

WRITES = ("append", "overwrite", "merge")


class RefusedError(Exception):
    """What a test's decision refuses with."""


def request_of(
    seq: int = 1,
    *,
    flow: str = "flow",
    stem: str = "",
    policy: SchemaPolicy = SchemaPolicy.EVOLVE,
    partition_by: tuple[str, ...] = (),
    observe: Mapping[str, Observation[object]] | None = None,
    options: Mapping[str, object] | None = None,
    renames: Mapping[str, str] | None = None,
    refuse: bool = False,
) -> WriteRequest[object]:
    """Return a request whose commit is number `seq` of a flow, in epoch 2, with `mark` and `observed` as metadata.

    Its files have the names of `stem`, or names that no other request has.
    """

    def decide(observed: Observed) -> Commit:
        if refuse:
            raise RefusedError
        token = Token(seq=seq, epoch=2, dataflow_id=flow)
        return Commit(token=token, metadata={"mark": f"mark {seq}", "observed": repr(dict(observed))})

    return WriteRequest(
        decide=decide,
        observe=observe or {},
        partition_by=tuple(PartitionField(column=column) for column in partition_by),
        schema_policy=policy,
        options=options or {},
        renames=renames or {},
        stem=stem or f"{flow}-{seq}-{next(_NUMBERS)}",
    )


@dataclass(frozen=True, slots=True)
class Tables:
    """Tables of one format, which an engine writes and the format's own library reads.

    Attributes:
        engine: the engine under test.
        place: where they are.
    """

    engine: Engine
    place: Place

    def frame(self, data: Data) -> object:
        """Make a frame of the engine."""
        return self.engine.frames.from_arrow(data if isinstance(data, pa.Table) else pa.table(dict(data)))

    def open(self, name: str = "t", version: str | None = None) -> TableOps[object]:
        """Open a table at its current version, or at `version`."""
        return self.engine.table(self.place.ref(name, version))

    def seen(self, name: str = "t") -> TableOps[object]:
        """Open a table and look at it, so that what comes later comes after."""
        table = self.open(name)
        _ = table.exists and table.version
        return table

    def append(self, data: Data, request: WriteRequest[object], name: str = "t") -> WriteResult:
        """Append rows."""
        return self.open(name).append(self.frame(data), request)

    def overwrite(
        self, data: Data, request: WriteRequest[object], where: str | None = None, name: str = "t"
    ) -> WriteResult:
        """Replace all rows, or those for which `where` is true."""
        condition = None if where is None else parse(where)
        return self.open(name).overwrite(self.frame(data), request, where=condition)

    def merge(
        self,
        data: Data,
        request: WriteRequest[object],
        *keys: str,
        keep: tuple[str, ...] = (),
        replace: bool = False,
        delete: str | None = None,
        name: str = "t",
    ) -> WriteResult:
        """Merge rows by keys."""
        plan: MergePlan[object] = MergePlan(keys=keys, keep=keep, replace=replace, delete=delete)
        return self.open(name).merge(self.frame(data), plan, request)

    def write(self, how: str, data: Data, request: WriteRequest[object], name: str = "t") -> WriteResult:
        """Append, overwrite, or merge by `id`."""
        match how:
            case "append":
                return self.append(data, request, name)
            case "overwrite":
                return self.overwrite(data, request, name=name)
            case _:
                return self.merge(data, request, "id", name=name)

    def rows(self, name: str = "t") -> list[Row]:
        """Return a table's rows as the format's own library reads them."""
        return self.place.rows(name)

    def types(self, name: str = "t") -> dict[str, str]:
        """Return a table's columns and their types as the engine sees them."""
        return {column: str(kind) for column, kind in self.open(name).schema().items()}


class TableTests(EngineTests):
    """Gives tests `tables`, once for each format that the engine has; `delta` and `iceberg` are one format's."""

    @pytest.fixture(params=list(PLACES))
    def tables(self, request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Tables:
        """Return a new, empty place for tables."""
        return _tables(request.param, engine, tmp_path)

    @pytest.fixture
    def delta(self, engine: Engine, tmp_path: Path) -> Tables:
        """Return a new, empty place for Delta tables."""
        return _tables("delta", engine, tmp_path)

    @pytest.fixture
    def iceberg(self, engine: Engine, tmp_path: Path) -> Tables:
        """Return a new, empty place for Iceberg tables."""
        return _tables("iceberg", engine, tmp_path)


def _tables(format_: str, engine: Engine, folder: Path) -> Tables:
    if format_ not in engine.capabilities.tables:
        pytest.skip(f"the engine's capabilities don't have tables: {format_}")
    root = folder / "tables"
    root.mkdir()
    return Tables(engine, PLACES[format_](root))
