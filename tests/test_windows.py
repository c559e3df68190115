"""Windows by watermark columns: what a load reads, what it leaves for later, and what it never reads twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from tests.projects import append_flow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.projects import Project, Record


def land(project: Project, name: str, **columns: Sequence[object]) -> None:
    """Write a Parquet file of these columns below `landing/events`."""
    path = project.landing / "events" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(dict(columns)).write_parquet(path)


def land_in_table(project: Project, _: str, **columns: Sequence[object]) -> None:
    """Append rows of these columns to the Delta table `raw/events`."""
    pl.DataFrame(dict(columns)).write_delta(project.lake / "raw_events", mode="append")


def flow(columns: str, watermark: Mapping[str, object] | None = None, **changes: object) -> Record:
    """Return a flow that appends what is new by `columns`."""
    configure = {"watermark": watermark} if watermark else {}
    return append_flow(source={"watermark_columns": columns.split(","), "configure": configure}, **changes)


def run(project: Project) -> dict[str, Any]:
    """Run the only flow, which must not fail."""
    (record,) = project.run()
    assert record["status"] in {"succeeded", "skipped"}, record["error"]
    return cast("dict[str, Any]", record)


def loaded(project: Project) -> list[int]:
    return sorted(project.table("events")["id"].to_list())


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2024, 3, day, hour, minute, tzinfo=UTC)


def test_rows_within_the_lag_of_the_newest_are_loaded_later(project: Project) -> None:
    project.write(flow("t", {"lag": "1h"}))
    land(project, "a.parquet", id=[1, 2, 3], t=[at(1, 8), at(1, 9), at(1, 9, 30)])
    record = run(project)
    assert record["window"]["high"] == {"t": {"__datetime__": "2024-03-01T08:30:00+00:00"}}
    assert loaded(project) == [1]
    assert run(project)["reason"] == "nothing new"

    land(project, "b.parquet", id=[4, 5], t=[at(1, 9, 10), at(1, 10, 30)])
    assert run(project)["window"]["high"] == {"t": {"__datetime__": "2024-03-01T09:30:00+00:00"}}
    assert loaded(project) == [1, 2, 3, 4]
    assert run(project)["status"] == "skipped"


def test_rows_that_arrive_late_with_the_value_of_the_mark_are_loaded_once(project: Project) -> None:
    project.write(flow("t", {"boundary": "inclusive"}))
    land(project, "a.parquet", id=[1, 2, 3], t=[at(1), at(2), at(2)])
    run(project)
    land(project, "b.parquet", id=[4, 2, 0], t=[at(2), at(2), at(1)])
    run(project)
    assert loaded(project) == [1, 2, 2, 3, 4]
    assert run(project)["status"] == "skipped"
    land(project, "c.parquet", id=[5, 6], t=[at(3), at(2)])
    run(project)
    assert loaded(project) == [1, 2, 2, 3, 4, 5, 6]
