"""Rows are reported while a load runs, to listeners that want them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.observability.events import FlowFinished, RowsPassed, StageStarted
from tests.projects import append_flow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacoolie.observability.events import Event
    from tests.projects import Project, Record

ROWS = 400_000
"""More than Polars passes on at once."""


class Recorder:
    """Keeps all events."""

    def __init__(self, *, wants_rows: bool) -> None:
        self.wants_rows = wants_rows
        self.events: list[Event] = []

    def begin(self, run_id: str, flows: Sequence[str]) -> None:
        """Not kept."""

    def handle(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)

    def end(self) -> None:
        """Not kept."""

    def rows(self) -> list[int]:
        """Return the rows of each report."""
        return [event.rows for event in self.events if isinstance(event, RowsPassed)]


@pytest.mark.parametrize(
    "destination",
    [
        {"load_type": "append"},
        {"load_type": "overwrite"},
        {"load_type": "merge_upsert", "merge_keys": ["id"]},
        {"load_type": "append", "partition_columns": ["part"]},
        {"connection_name": "out_parquet", "load_type": "append"},
        {"connection_name": "out_csv", "load_type": "overwrite"},
    ],
    ids=str,
)
def test_every_row_is_reported_once_before_the_commit(project: Project, destination: Record) -> None:
    frame = pl.select(id=pl.int_range(ROWS), part=pl.int_range(ROWS) % 3)
    frame.write_parquet(project.landing / "events" / "1.parquet", mkdir=True)
    project.write(append_flow(destination=destination))
    listener = Recorder(wants_rows=True)
    project.load(listener=listener)
    assert sum(listener.rows()) == ROWS
    assert len(listener.rows()) > 1
    kinds = [event.stage if isinstance(event, StageStarted) else type(event) for event in listener.events]
    last = max(at for at, kind in enumerate(kinds) if kind is RowsPassed)
    assert kinds.index("write") < kinds.index(RowsPassed)
    assert last < kinds.index("commit") < kinds.index(FlowFinished)


def test_nobody_is_told_of_rows_who_does_not_want_them(project: Project) -> None:
    pl.DataFrame({"id": [1, 2]}).write_parquet(project.landing / "events" / "1.parquet", mkdir=True)
    project.write(append_flow())
    listener = Recorder(wants_rows=False)
    project.load(listener=listener)
    assert listener.rows() == []
    assert project.table("events")["id"].to_list() == [1, 2]
