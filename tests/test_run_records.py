"""How long run records stay, and who can read them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from datacoolie.observability.retention import remove_old_records
from datacoolie.platforms.local import LocalPlatform
from tests.projects import Project, append_flow

if TYPE_CHECKING:
    from pathlib import Path


def record(folder: Path, name: str) -> Path:
    path = folder / ".datacoolie" / "runs" / name / "run" / "flow.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    return path


def test_days_that_are_over_long_enough_are_removed_once_a_day(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (project.landing / "events").mkdir(parents=True)
    pl.DataFrame({"id": [1]}).write_parquet(project.landing / "events" / "1.parquet")
    project.write(append_flow())
    now = datetime.now(UTC)
    ages = {days: f"{now - timedelta(days=days):%Y-%m-%d}" for days in (6, 7, 8, 9, 400)}
    paths = {days: record(tmp_path, name) for days, name in ages.items()}
    notes = record(tmp_path, "2020-notes")
    assert [each["status"] for each in project.run()] == ["succeeded"]
    # A day ended up to 24 hours after it began: that of 8 days ago may have ended 7 days ago or less.
    assert {days: path.exists() for days, path in paths.items() if days != 8} == {
        6: True,
        7: True,
        9: False,
        400: False,
    }
    assert not paths[400].parents[1].exists()
    assert notes.exists()
    again = record(tmp_path, ages[400])
    assert [each["status"] for each in project.run()] == ["skipped"]
    assert again.exists()


@pytest.mark.skipif(os.name == "nt", reason="has no modes")
def test_records_and_states_are_their_owners_alone(project: Project) -> None:
    (project.landing / "events").mkdir()
    pl.DataFrame({"id": [1]}).write_parquet(project.landing / "events" / "1.parquet")
    project.write(append_flow())
    project.load()
    kept = list((project.folder / ".datacoolie").rglob("*"))
    assert {path.suffix for path in kept if path.is_file()} >= {".json"}
    modes = {oct(path.stat().st_mode & 0o777) for path in kept if path.suffix == ".json"}
    assert modes == {"0o600"}


def test_a_day_goes_when_all_of_it_is_old(tmp_path: Path) -> None:
    kept, gone = record(tmp_path, "2026-01-10"), record(tmp_path, "2026-01-09")
    runs = tmp_path / ".datacoolie" / "runs"
    remove_old_records(LocalPlatform(), str(runs), before=datetime(2026, 1, 9, 23, 59, tzinfo=UTC))
    assert gone.exists()
    remove_old_records(LocalPlatform(), str(runs), before=datetime(2026, 1, 10, tzinfo=UTC))
    assert (gone.exists(), kept.exists()) == (False, True)
    remove_old_records(LocalPlatform(), str(tmp_path / "nothing"), before=datetime(2026, 1, 10, tzinfo=UTC))
