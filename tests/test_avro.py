"""Avro as source and destination, run as a user runs it and read back by fastavro."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import fastavro
import polars as pl

from tests.projects import Project, Record, append_flow

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
AVRO: Record = {
    "name": "avro",
    "format": "avro",
    "configure": {"base_path": "avro", "use_hive_partitioning": True},
}


def rows(folder: Path) -> list[tuple[str, object]]:
    """Return folder and id of all rows of the files that are not hidden."""
    found = []
    for path in folder.rglob("*.avro"):
        relative = path.relative_to(folder)
        if not relative.parts[0].startswith("_"):
            with path.open("rb") as file:
                found += [(relative.parts[0], record["id"]) for record in fastavro.reader(file)]  # type: ignore[index,call-overload]
    return sorted(found)


def land(project: Project, name: str, ids: list[int]) -> None:
    (project.landing / "events").mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame({"id": ids, "day": [f"d{number % 2}" for number in ids], "at": [NOON] * len(ids)})
    frame.write_parquet(project.landing / "events" / name)


def test_appended_and_overwritten_by_partition(tmp_path: Path) -> None:
    project = Project(tmp_path)
    flow = append_flow(destination={"connection_name": "avro", "partition_columns": ["day"]})
    back: Record = {
        "name": "back",
        "source": {"connection_name": "avro", "table": "events"},
        "destination": {"connection_name": "lake", "table": "back", "load_type": "overwrite"},
        "transform": {"system_columns": False},
    }
    project.write(flow, back, connections=[AVRO])
    land(project, "1.parquet", [1, 2])
    assert [record["status"] for record in project.run()] == ["succeeded", "succeeded"]
    land(project, "2.parquet", [3])
    assert [record["status"] for record in project.run()] == ["succeeded", "succeeded"]
    assert rows(tmp_path / "avro/events") == [("day=d0", 2), ("day=d1", 1), ("day=d1", 3)]
    assert project.table("back").sort("id").rows() == [(1, NOON, "d1"), (2, NOON, "d0"), (3, NOON, "d1")]
    whole = append_flow(
        source={"watermark_columns": []},
        destination={"connection_name": "avro", "partition_columns": ["day"], "load_type": "overwrite"},
    )
    project.write(whole, connections=[AVRO])
    (project.landing / "events" / "1.parquet").unlink()
    assert [record["status"] for record in project.run()] == ["succeeded"]
    assert rows(tmp_path / "avro/events") == [("day=d1", 3)]
