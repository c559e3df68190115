"""A replay is killed before each of its steps, and after the last: the run after it leaves every row there once."""

from __future__ import annotations

import json
import os
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tools.crash.boundaries import Fault, load_with, trace
from tools.crash.children import Child, load

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked, to be many")

REPLAY = {"start": "2024-02-28", "end": "2024-03-01", "chunk_interval": {"days": 1}}


def make(folder: Path, format_: str) -> Path:
    """Write a project whose runs replay two days of one row each, appended to a table."""
    (folder / "landing").mkdir(parents=True)
    rows = {"id": [0, 1, 2, 3], "day": [date(2024, 2, 27), date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]}
    pl.DataFrame(rows).write_parquet(folder / "landing" / "days.parquet")
    flow = {
        "name": "days",
        "source": {"connection_name": "landing", "watermark_columns": ["day"], "table": "days.parquet"},
        "destination": {"connection_name": "out", "table": "days"},
        "transform": {"system_columns": False},
    }
    connections = [
        {"name": "landing", "format": "parquet", "configure": {"base_path": "landing"}},
        {"name": "out", "format": format_, "configure": {"base_path": "out"}},
    ]
    (folder / "flow.yaml").write_text(json.dumps({"connections": connections, "dataflows": [flow]}))
    (folder / "datacoolie.yaml").write_text(json.dumps({"metadata": ["flow.yaml"], "run": {"replay": REPLAY}}))
    return folder


def ids(folder: Path, format_: str) -> list[int]:
    """Return what other readers see."""
    table = folder / "out" / "days"
    if format_ == "delta":
        return pl.read_delta(str(table))["id"].sort().to_list() if (table / "_delta_log").exists() else []
    return sorted(row for path in table.glob("*.parquet") for row in pl.read_parquet(path)["id"])


@pytest.mark.parametrize("format_", ["delta", "parquet"])
def test_kill_around_each_step_of_a_replay(format_: str, tmp_path: Path) -> None:
    steps = Child(trace, make(tmp_path / "traced", format_)).value()
    assert steps
    assert ids(tmp_path / "traced", format_) == [1, 2]
    places = [Fault(at=at, when="before", kind="kill") for at in range(len(steps))]
    for number, fault in enumerate([*places, Fault(at=len(steps) - 1, when="after", kind="kill")]):
        folder, step = make(tmp_path / str(number), format_), (fault, steps[fault.at])
        assert Child(load_with, folder, fault).value() is None, step
        first = Child(load, folder).value()
        assert first is not None, step
        assert first.status in {"succeeded", "skipped"}, (step, first)
        assert ids(folder, format_) == [1, 2], step
        again = Child(load, folder).value()
        assert again is not None, step
        assert again.reason.endswith("was finished before; restart loads it again"), (step, again)
        assert ids(folder, format_) == [1, 2], step
