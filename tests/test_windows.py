"""Windows by watermark columns: what a load reads, what it leaves for later, and what it never reads twice."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import polars as pl
import pytest

import datacoolie
from datacoolie.sources.files import FileSource
from tests.projects import append_flow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.observability.records import FlowRecord
    from datacoolie.sources.base import Reading, Window
    from tests.projects import Project, Record


Frame = TypeVar("Frame")


def land(project: Project, name: str, **columns: Sequence[object]) -> None:
    """Write a Parquet file of these columns below `landing/events`."""
    path = project.landing / "events" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(dict(columns)).write_parquet(path)


def flow(columns: str, watermark: Mapping[str, object] | None = None, **changes: object) -> Record:
    """Return a flow that appends what is new by `columns`."""
    configure = {"watermark": watermark} if watermark else {}
    return append_flow(source={"watermark_columns": columns.split(","), "configure": configure}, **changes)


def looking_back(**backward: int) -> Record:
    """Return a flow that upserts by `id` what is new by `t`, with a look-back."""
    return append_flow(
        source={"watermark_columns": ["t"], "configure": {f"backward_{name}": n for name, n in backward.items()}},
        destination={"load_type": "merge_upsert", "merge_keys": ["id"]},
    )


def bounds(record: FlowRecord) -> tuple[object, object]:
    """Return the low and high values of a record's window by its only column."""
    assert record.window is not None
    (high,) = record.window.high.values()
    return next(iter(record.window.low.values()), None), high


def loaded(project: Project) -> list[int]:
    return sorted(project.table("events")["id"].to_list())


def at(day: int, hour: int = 0, minute: int = 0, *, month: int = 3, year: int = 2024) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def test_rows_within_the_lag_of_the_newest_are_loaded_later(project: Project) -> None:
    project.write(flow("t", {"lag": "1h"}))
    land(project, "a.parquet", id=[1, 2, 3], t=[at(1, 8), at(1, 9), at(1, 9, 30)])
    assert bounds(project.load()) == (None, at(1, 8, 30))
    assert loaded(project) == [1]
    assert project.load().reason == "nothing new"

    land(project, "b.parquet", id=[4, 5], t=[at(1, 9, 10), at(1, 10, 30)])
    assert bounds(project.load()) == (at(1, 8, 30), at(1, 9, 30))
    assert loaded(project) == [1, 2, 3, 4]
    assert project.load().status == "skipped"


@pytest.mark.parametrize("settings", [{}, {"lag": "1h"}, {"boundary": "inclusive"}])
def test_what_arrives_while_a_load_reads_is_left_to_the_next(
    project: Project, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]
) -> None:
    project.write(flow("t", settings))
    land(project, "a.parquet", id=[1], t=[at(1)])
    before = FileSource.read

    def arriving(source: FileSource[Frame], window: Window) -> Reading[Frame]:
        land(project, "b.parquet", id=[2, 3], t=[at(1), at(2)])
        return before(source, window)

    monkeypatch.setattr(FileSource, "read", arriving)
    first = project.load()
    monkeypatch.undo()
    lagged = at(29, 23, month=2) if "lag" in settings else at(1)
    assert bounds(first) == (None, lagged)
    project.load()
    land(project, "c.parquet", id=[4], t=[at(3)])
    project.load()
    assert loaded(project) == {"lag": [1, 2, 3], "boundary": [1, 2, 3, 4]}.get(next(iter(settings), ""), [1, 3, 4])


def test_a_lag_on_several_columns_loads_each_row_once(project: Project) -> None:
    project.write(flow("a,b", {"lag": "1d"}))
    land(project, "1.parquet", id=[1, 2, 3], a=[at(1), at(5), at(4)], b=[at(1), at(2), at(5)])
    project.load()
    assert loaded(project) == [1]
    land(project, "2.parquet", id=[4], a=[at(6)], b=[at(5)])
    project.load()
    assert loaded(project) == [1, 2]
    land(project, "3.parquet", id=[5], a=[at(9)], b=[at(9)])
    project.load()
    assert loaded(project) == [1, 2, 3, 4]


def test_a_lag_on_dates_holds_back_whole_days(project: Project) -> None:
    project.write(flow("d", {"lag": "12h"}))
    land(project, "a.parquet", id=[1, 2], d=[date(2024, 2, 29), date(2024, 3, 1)])
    assert bounds(project.load()) == (None, date(2024, 2, 29))
    assert loaded(project) == [1]


def test_a_lag_needs_a_time(project: Project) -> None:
    project.write(flow("id", {"lag": "1h"}))
    land(project, "a.parquet", id=[1])
    record = project.attempt()
    assert record.error is not None
    assert record.error.message == "Watermark column 'id' holds 1 (int), but a lag needs a date or time"


def test_rows_that_arrive_late_with_the_value_of_the_mark_are_loaded_once(project: Project) -> None:
    project.write(flow("t", {"boundary": "inclusive"}))
    land(project, "a.parquet", id=[1, 2, 3], t=[at(1), at(2), at(2)])
    project.load()
    land(project, "b.parquet", id=[4, 2, 0], t=[at(2), at(2), at(1)])
    project.load()
    assert loaded(project) == [1, 2, 2, 3, 4]
    assert project.load().status == "skipped"
    land(project, "c.parquet", id=[5, 6], t=[at(3), at(2)])
    project.load()
    assert loaded(project) == [1, 2, 2, 3, 4, 5, 6]


def test_an_inclusive_boundary_of_several_columns(project: Project) -> None:
    project.write(flow("a,b", {"boundary": "inclusive"}))
    land(project, "1.parquet", id=[1, 2], a=[5, None], b=[1, 7])
    project.load()
    land(project, "2.parquet", id=[3, 4, 5, 6], a=[5, 4, 9, 4], b=[7, 7, 1, 6])
    project.load()
    assert loaded(project) == [1, 2, 3, 4, 5]
    land(project, "3.parquet", id=[7, 8], a=[9, 8], b=[7, 6])
    project.load()
    assert loaded(project) == [1, 2, 3, 4, 5, 7]


def test_rows_at_the_boundary_are_told_apart_by_every_column(project: Project) -> None:
    project.write(flow("t", {"boundary": "inclusive"}, transform={"system_columns": False}))
    columns = {
        "id": [1, 1, 1, 1],
        "t": [at(1)] * 4,
        "text": ["a", None, "", "a;"],
        "blob": [b"a", b"a", None, b"a"],
        "amount": [Decimal("1.5"), None, Decimal("1.5"), None],
        "ok": [True, True, None, True],
    }
    frame = pl.DataFrame(columns)
    (project.landing / "events").mkdir()
    for number in range(3):
        frame.head(number + 1).write_parquet(project.landing / "events" / "all.parquet")
        project.load()
    frame.write_parquet(project.landing / "events" / "all.parquet")
    project.load()
    assert sorted(project.table("events").rows(), key=str) == sorted(frame.rows(), key=str)


def test_values_in_other_columns_make_another_row(project: Project) -> None:
    project.write(flow("t", {"boundary": "inclusive"}))
    land(project, "all.parquet", id=[1, 1], t=[at(1), at(2)], a=["w", "x"], b=["w", None])
    project.load()
    land(project, "all.parquet", id=[1, 1, 1], t=[at(2)] * 3, a=[None, "x", "x"], b=["x", "", None])
    project.load()
    rows = project.table("events").select("a", "b").rows()
    assert sorted(rows, key=str) == [("w", "w"), ("x", ""), ("x", None), (None, "x")]


def test_rows_at_the_boundary_stay_loaded_when_the_source_gets_a_column(project: Project) -> None:
    project.write(flow("id", {"boundary": "inclusive"}))
    land(project, "a.parquet", id=[1, 2])
    project.load()
    land(project, "b.parquet", id=[2, 3], extra=["late", "new"])
    project.load()
    assert project.table("events").sort("id", "extra").rows() == [(1, None), (2, None), (2, "late"), (3, "new")]


def test_an_inclusive_boundary_refuses_rows_it_cannot_tell_apart(project: Project) -> None:
    project.write(flow("id", {"boundary": "inclusive"}))
    land(project, "a.parquet", id=[1], tags=[["x"]])
    record = project.attempt()
    assert record.error is not None
    assert "boundary inclusive can't tell rows apart by column 'tags', which is array<string>" in record.error.message


def test_an_inclusive_boundary_refuses_more_rows_than_a_mark_remembers(project: Project) -> None:
    project.write(flow("day", {"boundary": "inclusive"}))
    land(project, "a.parquet", id=range(10_001), day=[date(2024, 1, 1)] * 10_001)
    record = project.attempt()
    assert record.error is not None
    assert "10,001 rows have the value of the mark (day = 2024-01-01)" in record.error.message
    assert not (project.lake / "events").exists()


@pytest.mark.parametrize(
    ("mark", "backward", "low"),
    [
        (at(31), {"months": 1}, at(29, month=2)),
        (at(31, year=2023), {"months": 1}, at(28, month=2, year=2023)),
        (at(29, month=2), {"years": 1}, at(28, month=2, year=2023)),
        (at(15, month=1), {"months": 13}, at(15, month=12, year=2022)),
        (at(31, 6), {"days": 1, "hours": 6}, at(30)),
        (at(1), {"days": 1}, at(29, month=2)),
        (at(5, 13), {"closing_day": 5}, at(1, month=2)),
        (at(6, 13), {"closing_day": 5}, at(1)),
        (at(3, month=1), {"closing_day": 5}, at(1, month=12, year=2023)),
        (date(2024, 3, 31), {"months": 1}, date(2024, 2, 29)),
        (date(2024, 3, 1), {"hours": 1}, date(2024, 2, 29)),
        (datetime(2024, 3, 31, 2, 30), {"months": 1}, datetime(2024, 2, 29, 2, 30)),  # noqa: DTZ001 - no zone is the case
    ],
)
def test_a_look_back_begins_at_the_shifted_mark(
    project: Project, mark: date, backward: dict[str, int], low: date
) -> None:
    project.write(looking_back(**backward))
    epsilon = pl.duration(days=1) if type(low) is date else pl.duration(microseconds=1)
    land(project, "a.parquet", id=[1], t=[mark], v=["first"])
    project.load()
    early = pl.DataFrame({"id": [2, 3], "t": [low, low], "v": ["at the low bound", "below"]})
    early = early.with_columns(pl.when(pl.col("id") == 3).then(pl.col("t") - epsilon).otherwise("t").alias("t"))
    early.write_parquet(project.landing / "events" / "b.parquet")
    assert bounds(project.load()) == (low, mark)
    assert loaded(project) == [1, 2]
    assert project.load().status == "skipped"


def test_a_look_back_across_a_change_of_clocks_is_a_span_of_time(project: Project) -> None:
    project.write(looking_back(days=1))
    (project.landing / "events").mkdir()
    berlin = pl.Datetime("us", "Europe/Berlin")
    noon = pl.DataFrame({"id": [1], "t": [at(31, 10)]}, {"id": pl.Int64, "t": berlin})
    noon.write_parquet(project.landing / "events" / "a.parquet")
    project.load()
    early = pl.DataFrame({"id": [2, 3], "t": [at(30, 10), at(30, 9, 59)]}, {"id": pl.Int64, "t": berlin})
    early.write_parquet(project.landing / "events" / "b.parquet")
    assert bounds(project.load()) == (at(30, 10), at(31, 10))
    assert loaded(project) == [1, 2]


def test_the_source_overrides_the_look_back_of_its_connection(project: Project) -> None:
    connection: Record = {
        "name": "with_look_back",
        "format": "parquet",
        "configure": {"base_path": "landing", "backward": {"days": 2}},
    }
    ends = {"connection_name": "with_look_back", "watermark_columns": ["t"]}
    project.write(append_flow(source=ends), connections=[connection])
    land(project, "a.parquet", id=[1, 2], t=[at(3), at(1)])
    assert project.load().guarantee == "at-least-once"
    land(project, "b.parquet", id=[3], t=[at(4)])
    assert bounds(project.load()) == (at(1), at(4))
    assert loaded(project) == [1, 1, 2, 2, 3]

    project.write(append_flow(source={**ends, "configure": {"backward_days": 0}}), connections=[connection])
    land(project, "c.parquet", id=[4], t=[at(5)])
    record = project.load()
    assert (bounds(record), record.guarantee) == ((at(4), at(5)), "effectively-once")


def test_a_look_back_that_finds_only_old_rows_keeps_the_mark(project: Project) -> None:
    project.write(looking_back(days=3))
    land(project, "a.parquet", id=[1], t=[at(10)])
    project.load()
    (project.landing / "events" / "a.parquet").unlink()
    land(project, "b.parquet", id=[2], t=[at(8)])
    assert bounds(project.load()) == (at(7), at(10))
    assert loaded(project) == [1, 2]


def test_a_look_back_needs_a_time(project: Project) -> None:
    project.write(append_flow(source={"configure": {"backward_days": 1}}))
    land(project, "a.parquet", id=[1])
    project.load()
    land(project, "b.parquet", id=[2])
    record = project.attempt()
    assert record.error is not None
    assert record.error.message == "Watermark column 'id' holds 1 (int), but a look-back needs a date or time"


def test_settings_of_the_window_that_have_no_effect_are_refused(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": [], "configure": {"watermark": {"lag": "1h"}}}))
    with pytest.raises(datacoolie.DataCoolieError, match=r"watermark: needs watermark_columns"):
        datacoolie.Project.load(project.folder / "project.yaml")
    project.write(append_flow(source={"configure": {"watermark": {"boundary": "inclusive"}, "backward_days": 1}}))
    with pytest.raises(datacoolie.DataCoolieError, match=r"watermark\.boundary: .*has no effect beside a look-back"):
        datacoolie.Project.load(project.folder / "project.yaml")
    project.write(flow("__file_modification_time,id", {"null_watermark": "fail"}))
    with pytest.raises(datacoolie.DataCoolieError, match=r"null_watermark: .*has no effect beside __file_mod.*'?fail"):
        datacoolie.Project.load(project.folder / "project.yaml")


@pytest.mark.parametrize(("policy", "ids"), [("skip", [1, 2, 3]), ("load", [1, 2, 2, 3, 4])])
def test_rows_without_watermark(project: Project, policy: str, ids: list[int]) -> None:
    project.write(flow("t", {"null_watermark": policy}))
    land(project, "a.parquet", id=[1, 2], t=[at(1), None])
    record = project.load()
    assert record.guarantee == ("effectively-once" if policy == "skip" else "at-least-once")
    land(project, "b.parquet", id=[3, 4], t=[at(2), None])
    window = project.load().window
    assert window is not None
    assert window.null_watermarks == 2
    assert loaded(project) == ids


def test_rows_without_watermark_are_in_no_window_to_replace(project: Project) -> None:
    destination = {"load_type": "merge_overwrite", "configure": {"replace_by_watermark": True}}
    project.write(flow("t", {"null_watermark": "load"}, destination=destination))
    land(project, "a.parquet", id=[1], t=[at(1)])
    record = project.load()
    assert record.guarantee == "at-least-once"
    assert record.guarantee_reason == "rows without watermark are read each time, and added again"


def test_rows_without_watermark_can_fail_the_load(project: Project) -> None:
    project.write(flow("t,u", {"null_watermark": "fail"}))
    land(project, "a.parquet", id=[1, 2], t=[at(1), None], u=[at(1), None])
    record = project.attempt()
    assert record.error is not None
    assert "1 row without a value in t or u, and null_watermark is 'fail'" in record.error.message
    assert not list((project.lake / "events").rglob("*.parquet"))
    land(project, "a.parquet", id=[1, 2], t=[at(1), None], u=[at(1), at(2)])
    project.load()
    assert loaded(project) == [1, 2]


def test_a_row_is_new_when_any_of_several_columns_is(project: Project) -> None:
    project.write(flow("a,b"))
    land(project, "1.parquet", id=[1], a=[5], b=["k"])
    project.load()
    land(project, "2.parquet", id=[2, 3, 4, 5], a=[6, 1, None, 5], b=["a", "l", "l", "k"])
    record = project.load()
    assert loaded(project) == [1, 2, 3, 4]
    assert record.window is not None
    assert record.window.high == {"a": 6, "b": "l"}


@pytest.mark.parametrize("table", [False, True], ids=["files", "table"])
@pytest.mark.parametrize(
    "values",
    [
        [at(31, month=12), at(31, 23, 59, month=12), at(1, year=2025, month=1)],
        [datetime(2024, 2, 28), datetime(2024, 2, 29, 12), datetime(2024, 3, 1)],  # noqa: DTZ001 - no zone is the case
        [date(2024, 2, 29), date(2024, 12, 31), date(2025, 1, 1)],
        [9, 10, 2**40],
        [Decimal("9.99"), Decimal("10.00"), Decimal("10.01")],
        ["B", "a", "ä"],
    ],
    ids=["datetime with zone", "datetime", "date", "integer", "decimal", "string"],
)
def test_marks_compare_by_their_type(project: Project, values: list[object], *, table: bool) -> None:
    source = {"connection_name": "lake" if table else "landing", "table": "raw" if table else "events"}
    project.write(append_flow(source={**source, "watermark_columns": ["m"]}))
    for number, value in enumerate(values):
        frame = pl.DataFrame({"id": [number, 100], "m": [value, values[0]]})
        if table:
            frame.write_delta(project.lake / "raw", mode="append")
        else:
            land(project, f"{number}.parquet", **frame.to_dict(as_series=False))
        assert bounds(project.load()) == (values[number - 1] if number else None, value)
    assert loaded(project) == [0, 1, 2, 100]
    assert project.load().status == "skipped"


def test_a_table_has_lag_and_inclusive_boundary_too(project: Project) -> None:
    settings = {"watermark": {"lag": "1h", "boundary": "inclusive"}}
    project.write(
        append_flow(
            source={"connection_name": "lake", "table": "raw", "watermark_columns": ["t"], "configure": settings}
        )
    )
    pl.DataFrame({"id": [1, 2], "t": [at(1, 8), at(1, 9)]}).write_delta(project.lake / "raw")
    assert bounds(project.load()) == (None, at(1, 8))
    assert loaded(project) == [1]
    pl.DataFrame({"id": [3], "t": [at(1, 8)]}).write_delta(project.lake / "raw", mode="append")
    project.load()
    pl.DataFrame({"id": [4], "t": [at(1, 10)]}).write_delta(project.lake / "raw", mode="append")
    assert bounds(project.load()) == (at(1, 8), at(1, 9))
    assert loaded(project) == [1, 2, 3]


def test_an_append_does_not_add_rows_again_because_of_a_new_watermark_column(project: Project) -> None:
    project.write(flow("id"))
    land(project, "a.parquet", id=[1, 2], t=[at(1), at(2)])
    project.load()
    project.write(flow("id,t"))
    land(project, "b.parquet", id=[3], t=[at(3)])
    error = project.attempt().error
    assert error is not None
    assert error.message == (
        "events: watermark column 't' is new: the saved mark is of id. Each row would count as new and be appended "
        "again. Say up to where it is loaded: datacoolie state set --select events --mark t=VALUE. To load everything "
        "again: datacoolie state reset --select events"
    )
    assert loaded(project) == [1, 2]
    opened = datacoolie.Project.load(project.folder / "project.yaml")
    opened.states.set("events", {"t": "2024-03-02T00:00:00Z"})
    project.load()
    assert loaded(project) == [1, 2, 3]


def test_a_merge_reads_everything_again_for_a_new_watermark_column(project: Project) -> None:
    upsert = {"destination": {"load_type": "merge_upsert", "merge_keys": ["id"]}}
    project.write(flow("id", **upsert))
    land(project, "a.parquet", id=[1, 2], t=[at(1), at(2)])
    project.load()
    project.write(flow("id,t", **upsert))
    land(project, "b.parquet", id=[3], t=[at(3)])
    project.load()
    assert loaded(project) == [1, 2, 3]


def test_numbers_that_are_text_are_refused_before_rows_are_passed_over(project: Project) -> None:
    csv: Record = {"connection_name": "landing_csv", "watermark_columns": ["id"]}
    project.write(append_flow(source=csv))
    folder = project.landing / "events"
    folder.mkdir()
    (folder / "a.csv").write_text("id,day\n8,x\n9,x\n")
    project.load()
    (folder / "b.csv").write_text("id,day\n91,x\n10,x\n")
    error = project.attempt().error
    assert error is not None
    assert error.type == "WatermarkError"
    assert "'id' is text and holds numbers of 1 to 2 digits" in error.message
    assert project.table("events").height == 2
    (folder / "b.csv").unlink()
    project.write(append_flow(name="days", source={**csv, "watermark_columns": ["day"]}))
    (folder / "a.csv").write_text("id,day\n8,20240229\n10,2024-02-29\n")
    project.load()
    project.write(append_flow(name="all", source=csv, destination={"table": "all"}))
    error = project.attempt().error
    assert error is not None
    assert "'id' is text and holds numbers of 1 to 2 digits" in error.message
    assert not (project.lake / "all").exists()
