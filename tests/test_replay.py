"""Replays: ranges of a source loaded again, chunk by chunk."""

from __future__ import annotations

import itertools
import json
import os
import signal
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from deltalake import DeltaTable

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.models import ReplaySettings
from tests.projects import append_flow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.projects import Project, Record


def upsert(column: str = "t", **source: object) -> Record:
    """Return a flow that upserts by `id` what is new by a column."""
    return append_flow(
        source={"watermark_columns": [column], **source},
        destination={"load_type": "merge_upsert", "merge_keys": ["id"]},
    )


def land(project: Project, name: str, values: Sequence[object], *, column: str = "t", text: str = "new") -> None:
    """Write one row per value, with ids from 0."""
    folder = project.landing / "events"
    folder.mkdir(exist_ok=True)
    ids = range(len(values))
    pl.DataFrame({"id": ids, column: values, "text": [text] * len(values)}).write_parquet(folder / name)


def days(*numbers: int, month: int = 3) -> list[datetime]:
    return [datetime(2024, month, day, 12, tzinfo=UTC) for day in numbers]


def texts(project: Project) -> list[tuple[int, str]]:
    return sorted(project.table("events").select("id", "text").rows())


def ranges(project: Project) -> list[tuple[object, object]]:
    """Return the chunks that the table's commits hold, oldest first."""
    commits = reversed(DeltaTable(project.lake / "events").history())
    entries = [json.loads(commit["userMetadata"]) for commit in commits]
    found = [(entry.get("datacoolie.low"), entry.get("datacoolie.replayed")) for entry in entries]
    return [(value(low), value(high)) for low, high in found if high]


def value(text: object) -> object:
    (one,) = json.loads(str(text)).values()
    return next(iter(one.values())) if isinstance(one, dict) else one


def saved_mark(project: Project) -> object:
    (state,) = project.states.glob("*.json")
    return json.loads(state.read_text())["mark"]


def test_a_replay_loads_a_range_again_and_leaves_the_mark(project: Project) -> None:
    project.write(upsert())
    land(project, "a.parquet", days(1, 2, 3, 4), text="old")
    project.load()
    mark = saved_mark(project)
    land(project, "a.parquet", days(1, 2, 3, 4))
    record = project.load(replay={"start": "2024-03-02", "end": "2024-03-04", "chunk_interval": "1 day"})
    assert texts(project) == [(0, "old"), (1, "new"), (2, "new"), (3, "old")]
    assert (record.status, record.guarantee) == ("succeeded", "idempotent")
    assert record.reason == "replayed t from 2024-03-02 00:00:00+00:00 to 2024-03-04 00:00:00+00:00 in 2 chunks"
    assert record.window is not None
    assert record.window.low == {"t": datetime(2024, 3, 2, tzinfo=UTC)}
    assert record.window.high == {"t": datetime(2024, 3, 4, tzinfo=UTC)}
    assert record.commit is not None
    assert (record.commit.rows, record.commit.updated, record.commit.seq) == (2, 2, 3)
    assert ranges(project) == [
        ("2024-03-02T00:00:00+00:00", "2024-03-03T00:00:00+00:00"),
        ("2024-03-03T00:00:00+00:00", "2024-03-04T00:00:00+00:00"),
    ]
    assert saved_mark(project) == mark


@pytest.mark.parametrize(
    ("start", "end", "interval", "bounds"),
    [
        ("2024-01-15", "2024-03-10", {"months": 1}, ["2024-01-15", "2024-02-01", "2024-03-01", "2024-03-10"]),
        ("2023-12-31", "2024-07-01", {"months": 3}, ["2023-12-31", "2024-01-01", "2024-04-01", "2024-07-01"]),
        ("2023-05-05", "2025-01-01", {"years": 1}, ["2023-05-05", "2024-01-01", "2025-01-01"]),
        ("2024-02-27", "2024-03-12", {"weeks": 1}, ["2024-02-27", "2024-03-04", "2024-03-11", "2024-03-12"]),
        ("2024-02-28", "2024-03-02", {"days": 1}, ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]),
        ("2024-02-28", "2024-03-02", None, ["2024-02-28", "2024-03-02"]),
    ],
)
def test_chunks_of_days_begin_where_the_calendar_does(
    project: Project, start: str, end: str, interval: dict[str, int] | None, bounds: list[str]
) -> None:
    project.write(upsert("d"))
    wanted = [date.fromisoformat(text) for text in bounds]
    land(project, "a.parquet", wanted, column="d")
    project.load(replay={"start": start, "end": end, "chunk_interval": interval})
    assert ranges(project) == list(itertools.pairwise(bounds))
    assert project.table("events")["d"].sort().to_list() == wanted[:-1]


def test_a_replay_replaces_all_rows_of_its_chunks(project: Project) -> None:
    destination = {"load_type": "merge_overwrite", "configure": {"replace_by_watermark": True}}
    project.write(append_flow(source={"watermark_columns": ["t"]}, destination=destination))
    land(project, "a.parquet", days(1, 2, 3), text="old")
    project.load()
    land(project, "a.parquet", days(1, 4), text="new")
    project.load(replay={"start": "2024-03-02", "end": "2024-03-05", "chunk_interval": "1 day", "chunk_column": "T"})
    assert texts(project) == [(0, "old"), (1, "new")]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", None])
def test_hours_across_a_change_of_clocks_hold_each_row_once(project: Project, zone: str | None) -> None:
    project.write(append_flow(source={"watermark_columns": ["t"]}))
    (project.landing / "events").mkdir()
    start, end = datetime(2024, 3, 31), datetime(2024, 3, 31, 6)  # noqa: DTZ001 - the zone is the case
    times = pl.datetime_range(start, end, "15m", time_zone="UTC" if zone else None, closed="left", eager=True)
    times = times.dt.convert_time_zone(zone) if zone else times
    pl.DataFrame({"id": range(24), "t": times}).write_parquet(project.landing / "events" / "a.parquet")
    replay = ReplaySettings.model_validate({"start": start, "end": end, "chunk_interval": {"hours": 1}})
    record = project.load(replay=replay)
    assert record.reason.endswith("in 6 chunks")
    assert sorted(project.table("events")["id"].to_list()) == list(range(24))
    assert len(set(ranges(project))) == 6


@pytest.mark.parametrize(
    ("values", "replay", "chunks", "ids"),
    [
        ([1, 5, 9, 10, 15], (5, 15, {"step": 10}), [(5, 10), (10, 15)], [1, 2, 3]),
        ([-11, -10, -1, 0], (-10, 0, 10), [(-10, 0)], [1, 2]),
        ([Decimal("-0.70"), Decimal("1.25")], (-0.75, "0", 0.5), [("-0.75", "-0.5"), ("-0.5", "0")], [0]),
        ([0.1, 0.3, 0.9], (0.25, 1, 0.5), [(0.25, 0.5), (0.5, 1.0)], [1, 2]),
        (["a", "b", "c"], ("b", "c", None), [("b", "c")], [1]),
    ],
)
def test_ranges_of_numbers_and_text(
    project: Project, values: list[object], replay: tuple[object, ...], chunks: list[object], ids: list[int]
) -> None:
    project.write(upsert("m"))
    land(project, "a.parquet", values, column="m")
    project.load(replay=dict(zip(("start", "end", "chunk_interval"), replay, strict=True)))
    assert ranges(project) == chunks
    assert sorted(project.table("events")["id"].to_list()) == ids


def test_an_append_adds_rows_again_and_says_so(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["t"]}))
    land(project, "a.parquet", days(1, 2))
    project.load()
    record = project.load(replay={"start": "2024-03-02", "end": "2024-03-03"})
    assert record.guarantee == "at-least-once"
    assert record.guarantee_reason == "a replay adds its rows, each chunk once, to those appended before"
    assert sorted(project.table("events")["id"].to_list()) == [0, 1, 1]


def test_a_backfill_that_moves_the_mark_is_gone_on_from(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["t"]}))
    land(project, "a.parquet", days(1, 2, 3, 4, 5))
    replay = {"start": "2024-03-02", "end": "2024-03-04", "chunk_interval": "1 day", "save_watermark": True}
    project.load(replay=replay)
    assert sorted(project.table("events")["id"].to_list()) == [1, 2]
    record = project.load()
    assert record.window is not None
    assert record.window.low == {"t": datetime(2024, 3, 3, 12, tzinfo=UTC)}
    assert sorted(project.table("events")["id"].to_list()) == [1, 2, 3, 4]


def test_a_replay_above_the_mark_leaves_it_there(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["t"]}))
    land(project, "a.parquet", days(1, 2))
    project.load()
    mark = saved_mark(project)
    land(project, "a.parquet", days(1, 2, 3, 4))
    project.load(replay={"start": "2024-03-03", "end": "2024-03-04"})
    assert saved_mark(project) == mark
    next(project.states.glob("*.json")).unlink()
    project.load()
    assert sorted(project.table("events")["id"].to_list()) == [0, 1, 2, 2, 3]


def test_a_replay_never_moves_the_mark_back(project: Project) -> None:
    project.write(upsert())
    land(project, "a.parquet", days(1, 2, 3))
    project.load()
    mark = saved_mark(project)
    project.load(replay={"start": "2024-03-01", "end": "2024-03-02", "save_watermark": True})
    assert saved_mark(project) == mark
    assert project.load().status == "skipped"


def test_a_replay_that_is_finished_begins_anew_only_when_asked(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["t"]}))
    land(project, "a.parquet", days(1, 2))
    replay = {"start": "2024-03-01", "end": "2024-03-03", "chunk_interval": "1 day"}
    project.load(replay=replay)
    again = project.load(replay=replay)
    assert again.status == "skipped"
    assert "was finished before; restart loads it again" in again.reason
    assert project.load(replay={**replay, "restart": True}).status == "succeeded"
    assert sorted(project.table("events")["id"].to_list()) == [0, 0, 1, 1]


def test_files_are_replayed_by_their_times(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["__file_modification_time"]}))
    for number, moment in enumerate(days(1, 2, 3)):
        land(project, f"{number}.parquet", [number], column="n")
        path = project.landing / "events" / f"{number}.parquet"
        os.utime(path, (moment.timestamp(),) * 2)
    replay = {"start": "2024-03-02", "end": "2024-03-03", "chunk_interval": "12 hours", "save_watermark": True}
    record = project.load(replay=replay)
    assert record.window is not None
    assert record.window.files == 1
    assert project.table("events")["n"].to_list() == [1]
    record = project.load()
    assert sorted(project.table("events")["n"].to_list()) == [1, 2]


def test_a_replay_of_a_range_without_files_says_so(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["__file_modification_time"]}))
    land(project, "a.parquet", days(1))
    record = project.load(replay={"start": "2001-01-01", "end": "2001-02-01"})
    assert record.status == "skipped"
    assert record.reason == (
        "nothing was left to load by the replay of __file_modification_time from 2001-01-01 00:00:00+00:00 to "
        "2001-02-01 00:00:00+00:00"
    )


def test_a_chunk_column_need_not_be_a_watermark(project: Project) -> None:
    project.write(upsert("id"))
    land(project, "a.parquet", [date(2024, 3, 1), date(2024, 3, 2), None], column="day")
    record = project.load(replay={"start": "2024-03-01", "end": "2024-03-02", "chunk_column": "DAY"})
    assert record.commit is not None
    assert record.commit.rows == 1
    assert saved_mark(project) is None
    assert project.load().window is not None
    assert [id_ for id_, _ in texts(project)] == [0, 1, 2]


def test_a_table_is_replayed(project: Project) -> None:
    project.write(upsert(connection_name="lake", table="raw"))
    frame = pl.DataFrame({"id": [0, 1], "t": days(1, 2), "text": ["old", "old"]})
    frame.write_delta(project.lake / "raw")
    project.load()
    frame.with_columns(text=pl.lit("new")).write_delta(project.lake / "raw", mode="overwrite")
    project.load(replay={"start": "2024-03-01", "end": "2024-03-02"})
    assert texts(project) == [(0, "new"), (1, "old")]


@pytest.mark.parametrize(
    ("changes", "replay", "message"),
    [
        ({"destination": {"load_type": "overwrite"}}, {}, "load_type overwrite would leave nothing but its last chunk"),
        ({"source": {"watermark_columns": []}}, {}, "a replay needs chunk_column"),
        (
            {"source": {"watermark_columns": []}},
            {"chunk_column": "t", "save_watermark": True},
            "save_watermark needs",
        ),
        (
            {"source": {"watermark_columns": ["__file_modification_time"]}},
            {"chunk_column": "t", "save_watermark": True},
            "save_watermark needs chunk_column __file_modification_time",
        ),
        (
            {"source": {"watermark_columns": ["t"], "configure": {"watermark": {"boundary": "inclusive"}}}},
            {"save_watermark": True},
            "save_watermark would not remember which rows at the mark are loaded",
        ),
        (
            {},
            {"chunk_interval": "1 fortnight"},
            r"^replay\.chunk_interval: is no interval; .* or a step alone \(value '1 fortnight'\)$",
        ),
        (
            {},
            {"chunk_interval": {"days": 1, "hours": 1}},
            r"replay\.chunk_interval: needs exactly one of years, months",
        ),
        ({}, {"chunk_interval": "0 days"}, "needs exactly one of .*, above 0"),
        (
            {},
            {"begin": 1},
            r"^replay\.begin: is not a known field \(possible: start, .*\)$",
        ),
        (
            {},
            {"chunk_colum": "t"},
            r"did you mean 'chunk_column'\?",
        ),
        ({}, {"start": "2024-03-02"}, "replay: start, '2024-03-02', is not before end, '2024-03-02'"),
        ({}, {"start": 10, "end": -9.5}, "start, 10, is not before end, -9.5"),
        ({}, {"start": datetime(2024, 3, 3, 1, tzinfo=UTC), "end": "2024-03-03T00:59:59Z"}, "is not before end"),
    ],
)
def test_what_cannot_be_replayed_is_refused_before_anything_runs(
    project: Project, changes: dict[str, Any], replay: dict[str, Any], message: str
) -> None:
    project.write(append_flow(**{"source": {"watermark_columns": ["t"]}, **changes}))
    land(project, "a.parquet", days(1))
    with pytest.raises(ConfigurationError, match=message):
        project.attempt(replay={"start": "2024-03-01", "end": "2024-03-02", **replay})
    assert not project.states.exists()


@pytest.mark.parametrize(
    ("replay", "message"),
    [
        ({"start": "March"}, "The start of the replay is 'March', which is no timestamp, the type of the column"),
        ({"start": "9", "end": "10", "chunk_column": "text"}, "begins at 9, which is not before its end, 10"),
        ({"chunk_interval": 5}, "chunk_interval step doesn't fit"),
        ({"chunk_column": "text", "chunk_interval": "1 day"}, "text has no intervals; leave chunk_interval out"),
        ({"chunk_column": "tt"}, "There is no column 'tt'. Columns: id, t, text."),
    ],
)
def test_a_range_that_does_not_fit_the_column_fails(project: Project, replay: dict[str, Any], message: str) -> None:
    project.write(upsert())
    land(project, "a.parquet", days(1))
    record = project.attempt(replay={"start": "2024-03-01", "end": "2024-03-02", **replay})
    assert record.error is not None
    assert message in record.error.message
    assert not (project.lake / "events").exists()


KILL = "import os, signal\ndef die(*a, **k): os.kill(os.getpid(), signal.SIGKILL)\n"

SECOND = (
    "calls = []\ndef second(*a, **k):\n    calls.append(1)\n    return die() if len(calls) == 2 else old(*a, **k)\n"
)

STEPS = {
    "before a chunk": (
        "import datacoolie.orchestration.replay as m; old = m.Replay._attempt; m.Replay._attempt = second"
    ),
    "before anything is staged": (
        "import datacoolie.destinations.lakehouse as m; old = m.TableDestination.load; m.TableDestination.load = second"
    ),
    "after staging": "import datacoolie.sources.files as m; old = m.FileSource.verify; m.FileSource.verify = second",
    "after the commit": "import datacoolie.orchestration.replay as m; old = m.Replay._save; m.Replay._save = second",
    "before the end": "import datacoolie.state as m; old = m.HeldLease.finish; m.HeldLease.finish = die",
}

REPLAY = {"start": "2024-03-01", "end": "2024-03-04", "chunk_interval": "1 day"}


def kill(project: Project, step: str, replay: dict[str, str]) -> None:
    """Begin a replay in a process that dies at a step of its second chunk."""
    code = f"{KILL}{SECOND}{step}\nfrom datacoolie import Project\nProject.load(path).run(replay={replay!r})\n"
    killed = project.python(code)
    assert killed.returncode == -signal.SIGKILL, killed.stderr


@pytest.mark.parametrize("state", ["kept", "deleted"])
@pytest.mark.parametrize("step", STEPS)
def test_a_replay_that_is_killed_goes_on_where_it_was(project: Project, step: str, state: str) -> None:
    project.write(append_flow(source={"watermark_columns": ["t"]}))
    land(project, "a.parquet", days(1, 2, 3, 4))
    project.load()
    mark = saved_mark(project)
    kill(project, STEPS[step], REPLAY)
    if state == "deleted":
        next(project.states.glob("*.json")).unlink()

    record = project.load(replay=REPLAY)
    assert record.status == ("skipped" if step == "before the end" else "succeeded")
    assert sorted(project.table("events")["id"].to_list()) == [0, 0, 1, 1, 2, 2, 3]
    assert saved_mark(project) == mark
    assert project.load(replay=REPLAY).status == "skipped"
    assert project.load().status == "skipped"


def test_a_load_between_a_replay_that_was_killed_and_its_end(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["t"]}))
    land(project, "a.parquet", days(1, 2, 3))
    project.load()
    kill(project, STEPS["after the commit"], REPLAY)
    land(project, "b.parquet", days(4, 5))
    record = project.load()
    assert record.window is not None
    assert record.window.low == {"t": days(3)[0]}
    assert sorted(project.table("events")["id"].to_list()) == [0, 0, 0, 1, 1, 1, 2]
    next(project.states.glob("*.json")).unlink()
    assert project.load(replay=REPLAY).reason.endswith("in 1 chunk")
    assert sorted(project.table("events")["id"].to_list()) == [0, 0, 0, 1, 1, 1, 2, 2]


def test_a_load_without_watermark_is_not_taken_for_the_replay_before_it(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": []}))
    land(project, "a.parquet", days(1, 2))
    project.load()
    step = STEPS["after the commit"].replace("second", "die")
    kill(project, step, {"start": "2024-03-01", "end": "2024-03-02", "chunk_column": "t"})
    assert project.load().status == "succeeded"
    assert sorted(project.table("events")["id"].to_list()) == [0, 0, 0, 1, 1]


def test_ctrl_c_ends_a_replay_after_its_chunk(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["t"]}))
    land(project, "a.parquet", days(1, 2, 3))
    code = (
        "import os, signal, time\nimport datacoolie.orchestration.replay as m\nold = m.Replay._save\n"
        "def interrupted(*a):\n    old(*a); os.kill(os.getpid(), signal.SIGINT); time.sleep(1)\n"
        "m.Replay._save = interrupted\nfrom datacoolie import Project\n"
    )
    stopped = project.python(f"{code}Project.load(path).run(replay={REPLAY!r})\n")
    assert "KeyboardInterrupt" in stopped.stderr
    assert project.table("events")["id"].to_list() == [0]
    (state,) = project.states.glob("*.json")
    assert json.loads(state.read_text())["lease"] is None
    assert project.load(replay=REPLAY).reason.endswith("in 2 chunks")
    assert sorted(project.table("events")["id"].to_list()) == [0, 1, 2]


def test_flat_files_are_committed_chunk_by_chunk(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["t"]}, destination={"connection_name": "out_parquet"}))
    land(project, "a.parquet", days(1, 2, 3))
    project.load(replay=REPLAY)
    files = (project.folder / "out" / "events").glob("*.parquet")
    assert sorted(pl.read_parquet(path)["id"].to_list() for path in files) == [[0], [1], [2]]


def test_the_command_line_replays(project: Project) -> None:
    project.write(append_flow(source={"watermark_columns": ["t"]}))
    land(project, "a.parquet", days(1, 2, 3))
    options = ["--start", "2024-03-01", "--end=2024-03-03", "--chunk-interval", "1 day", "--chunk-column", "t"]
    planned = project.start(*options, "--dry-run")
    assert planned.returncode == 0
    assert "t until 2024-03-03" in planned.stdout
    done = project.start(*options, "--save-watermark")
    assert done.returncode == 0, done.stderr
    assert "range 2024-03-01 00:00:00Z -> 2024-03-03 00:00:00Z, at-least-once" in done.stdout
    assert project.start(*options, "--restart").returncode == 0
    assert sorted(project.table("events")["id"].to_list()) == [0, 0, 1, 1]

    alone = project.start("--start", "2024-03-01")
    assert alone.returncode == 2
    assert "a replay needs --start and --end" in alone.stderr
