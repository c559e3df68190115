"""Windows of file sources: which files are new, frozen, and compared again."""

from __future__ import annotations

import os
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from datacoolie.core.exceptions import SourceError
from datacoolie.core.models import MODIFIED, Connection, DataFlow
from datacoolie.platforms.local import LocalPlatform
from datacoolie.sources import arrivals
from datacoolie.sources.files import FileSource

if TYPE_CHECKING:
    from pathlib import Path

    from datacoolie.sources.base import Window
    from datacoolie.state import Mark


def source(folder: Path, columns: list[str], **fields: object) -> FileSource[object]:
    connection = Connection.model_validate(
        {"name": "landing", "format": "parquet", "configure": {"base_path": str(folder)}}
    )
    flow = DataFlow.model_validate(
        {
            "name": "f",
            "source": {"connection_name": "landing", "watermark_columns": columns, **fields},
            "destination": {"connection_name": "lake", "table": "t"},
        }
    )
    # Windows are resolved without evaluating anything.
    engine = cast("Any", SimpleNamespace(frames=None))
    return FileSource(flow=flow, connection=connection, engine=engine, platform=LocalPlatform())


def land(folder: Path, name: str, *, at: int) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(name.encode())
    os.utime(path, (at, at))
    return path


def names(window: Window | None) -> list[str]:
    return [] if window is None else [file.path.rpartition("/")[2] for file in window.files]


def load(folder: Path, mark: Mark | None) -> tuple[list[str], Mark | None]:
    """Resolve a window by file times as a load does, and return what it reads and the next mark."""
    of_files = source(folder, [MODIFIED])
    window = of_files.window(mark)
    return names(window), mark if window is None else of_files.mark(window, {})


def test_only_files_that_no_load_has_seen_are_new(tmp_path: Path) -> None:
    land(tmp_path, "a.parquet", at=1_000)
    land(tmp_path, "b.parquet", at=2_000)
    first, mark = load(tmp_path, None)
    assert first == ["a.parquet", "b.parquet"]
    assert mark is not None
    assert cast("Any", mark.values[MODIFIED]).timestamp() == 2_000
    assert load(tmp_path, mark) == ([], mark)

    land(tmp_path, "c.parquet", at=3_000)
    land(tmp_path, "same_time_as_b.parquet", at=2_000)
    land(tmp_path, "older_than_all.parquet", at=10)
    second, mark = load(tmp_path, mark)
    assert second == ["c.parquet", "older_than_all.parquet", "same_time_as_b.parquet"]
    assert load(tmp_path, mark) == ([], mark)


def test_a_file_that_is_written_again_is_new(tmp_path: Path) -> None:
    land(tmp_path, "a.parquet", at=1_000)
    _, mark = load(tmp_path, None)
    land(tmp_path, "a.parquet", at=2_000)
    assert load(tmp_path, mark)[0] == ["a.parquet"]


def test_the_mark_never_goes_back(tmp_path: Path) -> None:
    land(tmp_path, "a.parquet", at=2_000)
    _, mark = load(tmp_path, None)
    land(tmp_path, "late.parquet", at=1_000)
    _, mark = load(tmp_path, mark)
    assert mark is not None
    assert cast("Any", mark.values[MODIFIED]).timestamp() == 2_000


def test_beyond_the_files_that_a_mark_remembers_time_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "_REMEMBERED", 2)
    for number in range(4):
        land(tmp_path, f"{number}.parquet", at=1_000 + number)
    _, mark = load(tmp_path, None)
    assert mark is not None
    assert len(cast("list[str]", mark.position["seen"])) == 2
    assert load(tmp_path, mark)[0] == []
    land(tmp_path, "between.parquet", at=1_002)
    land(tmp_path, "too_old.parquet", at=900)
    assert load(tmp_path, mark)[0] == ["between.parquet"]


def test_moving_the_folder_makes_no_file_new(tmp_path: Path) -> None:
    land(tmp_path / "one", "a.parquet", at=1_000)
    _, mark = load(tmp_path / "one", None)
    (tmp_path / "one").rename(tmp_path / "two")
    assert load(tmp_path / "two", mark)[0] == []


def test_an_unchanged_listing_means_that_nothing_is_above_a_mark_on_rows(tmp_path: Path) -> None:
    land(tmp_path, "a.parquet", at=1_000)
    rows = source(tmp_path, ["id"])
    window = rows.window(None)
    assert window is not None
    mark = rows.mark(window, {"watermark.max.id": 7})
    assert mark.values == {"id": 7}
    assert rows.window(mark) is None
    land(tmp_path, "b.parquet", at=500)
    assert names(rows.window(mark)) == ["a.parquet", "b.parquet"]


def test_a_window_without_rows_keeps_the_old_mark(tmp_path: Path) -> None:
    land(tmp_path, "a.parquet", at=1_000)
    rows = source(tmp_path, ["id"])
    window = rows.window(None)
    assert window is not None
    mark = rows.mark(window, {"watermark.max.id": 7})
    assert rows.mark(replace(window, mark=mark), {"watermark.max.id": None}).values == {"id": 7}


def test_without_watermark_everything_is_read_each_time(tmp_path: Path) -> None:
    land(tmp_path, "a.parquet", at=1_000)
    everything = source(tmp_path, [])
    window = everything.window(None)
    assert window is not None
    assert names(everything.window(everything.mark(window, {}))) == ["a.parquet"]


def test_other_files_and_hidden_ones_are_not_read(tmp_path: Path) -> None:
    for name in ("a.parquet", "b.csv", "_SUCCESS", "_tmp/c.parquet", ".hidden.parquet", "sub/d.PARQUET"):
        land(tmp_path, name, at=1_000)
    assert names(source(tmp_path, []).window(None)) == ["a.parquet", "d.PARQUET"]


def test_a_glob_chooses_other_names(tmp_path: Path) -> None:
    for name in ("a.dat", "b.parquet"):
        land(tmp_path, name, at=1_000)
    options = {"configure": {"read_options": {"pathGlobFilter": "*.dat"}}}
    assert names(source(tmp_path, [], **options).window(None)) == ["a.dat"]


def test_one_file_is_a_source_too(tmp_path: Path) -> None:
    land(tmp_path, "t/one.parquet", at=1_000)
    assert names(source(tmp_path, [], schema_name="t", table="one.parquet").window(None)) == ["one.parquet"]


def test_an_emptied_folder_holds_nothing_new(tmp_path: Path) -> None:
    path = land(tmp_path / "in", "a.parquet", at=1_000)
    _, mark = load(tmp_path / "in", None)
    path.unlink()
    assert load(tmp_path / "in", mark)[0] == []
    path.parent.rmdir()
    with pytest.raises(SourceError, match="there is no such file or folder"):
        load(tmp_path / "in", mark)


@pytest.mark.parametrize("change", ["rewritten", "deleted"])
def test_a_file_that_changes_after_the_listing_is_found_out(tmp_path: Path, change: str) -> None:
    path = land(tmp_path, "a.parquet", at=1_000)
    rows = source(tmp_path, [])
    window = rows.window(None)
    assert window is not None
    rows.verify(window)
    if change == "rewritten":
        land(tmp_path, "a.parquet", at=1_001)
    else:
        path.unlink()
    with pytest.raises(SourceError, match=r"a\.parquet: the file (changed|went away) while it was read"):
        rows.verify(window)
