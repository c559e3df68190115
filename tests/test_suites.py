"""The suites for plugins: they catch what is broken, and say what they don't test."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from datacoolie.testing import Gap, StateStoreSuite, Suite

ROOT = Path(__file__).parents[1]

STORES = """
import threading
from dataclasses import replace

import pytest

from datacoolie.state import BaseStateStore, Stored
from datacoolie.testing import Gap, StateStoreSuite

class Memory(BaseStateStore):
    def __init__(self):
        self.found, self.lock = {}, threading.Lock()

    def key(self, dataflow_id):
        return dataflow_id

    def read(self, dataflow_id):
        return self.found.get(self.key(dataflow_id), Stored(state=None, version=None))

    def save(self, state, version):
        state.to_bytes()
        with self.lock:
            if not self.fits(state, version):
                return None
            new = str(int(self.read(state.dataflow_id).version or 0) + 1)
            self.found[self.key(state.dataflow_id)] = Stored(state=state, version=new)
            return new

    def fits(self, state, version):
        return self.read(state.dataflow_id).version == version

class LastWins(Memory):
    def fits(self, state, version):
        return True

class Creates(Memory):
    def fits(self, state, version):
        return version is None or super().fits(state, version)

class FoldsCase(Memory):
    def key(self, dataflow_id):
        return dataflow_id.lower()

class Forgets(Memory):
    def save(self, state, version):
        return super().save(replace(state, replay=None), version)

class Stores(StateStoreSuite):
    @pytest.fixture
    def store(self):
        return self.kind()

class TestMemory(Stores):
    kind = Memory

class TestLastWins(Stores):
    kind = LastWins

class TestCreates(Stores):
    kind = Creates

class TestFoldsCase(Stores):
    kind = FoldsCase

class TestForgets(Stores):
    kind = Forgets

class TestSaysItsGap(Stores):
    kind = FoldsCase
    gaps = {"test_states_of_other_flows_are_other_states[FLOW-1]": Gap("names are folded", raises=AssertionError)}

class TestSaysAGapThatIsNone(Stores):
    kind = Memory
    gaps = {"test_a_state_is_read_as_it_was_saved": Gap("mended long ago")}

class TestFailsOtherwiseThanItSays(Stores):
    kind = Forgets
    gaps = {"test_a_state_is_read_as_it_was_saved": Gap("it can't connect", raises=OSError)}
"""


ENGINES = """
from dataclasses import replace

import polars as pl
import pytest

from datacoolie.engines import CommitConflictError
from datacoolie.testing.commits import CommitSuite
from datacoolie.testing.frames import FrameSuite
from datacoolie.testing.merges import MergeSuite
from datacoolie.testing.reading import ReadingSuite
from datacoolie_engine_polars import PolarsEngine

class Frames(FrameSuite):
    @pytest.fixture
    def engine(self, monkeypatch):
        engine = PolarsEngine()
        self.harm(monkeypatch, engine.frames)
        return engine

class TestSound(Frames):
    def harm(self, monkeypatch, frames):
        pass

class TestJoinsByValueOnly(Frames):
    def harm(self, monkeypatch, frames):
        monkeypatch.setattr(frames, "join", lambda a, b, *, keys, how: a.join(b, on=keys, how=how))

class TestUnitesByPosition(Frames):
    def harm(self, monkeypatch, frames):
        monkeypatch.setattr(frames, "union", lambda many: pl.concat([one.rename(dict(zip(
            one.collect_schema(), many[0].collect_schema()))) for one in many]))

class TestKeepsTheFirst(Frames):
    def harm(self, monkeypatch, frames):
        monkeypatch.setattr(frames, "deduplicate", lambda frame, *, keys, order_by, ties:
            frame.sort(order_by, descending=True).unique(keys, keep="first"))

class TestKeepsNulls(Frames):
    def harm(self, monkeypatch, frames):
        sound = frames.filter
        monkeypatch.setattr(frames, "filter", lambda frame, condition:
            pl.concat([sound(frame, condition), frame.filter(pl.all_horizontal(pl.all().is_null()))]))

class TestPatterns(ReadingSuite):
    @pytest.fixture
    def engine(self, monkeypatch):
        monkeypatch.setattr("datacoolie_engine_polars.files.json.glob.escape", lambda path: path)
        return PolarsEngine()

class Tables:
    @pytest.fixture
    def engine(self, monkeypatch):
        engine = PolarsEngine()
        sound = engine.table
        monkeypatch.setattr(engine, "table", lambda ref: self.harmed(monkeypatch, sound(ref), lambda: sound(ref)))
        return engine

class TestForgetsCommits(Tables, CommitSuite):
    def harmed(self, monkeypatch, table, again):
        monkeypatch.setattr(table, "committed", lambda flow, *, after=-1: None)
        return table

class TestTriesAgainUnasked(Tables, CommitSuite):
    def harmed(self, monkeypatch, table, again):
        sound = table.merge

        def merge(*arguments):
            try:
                return sound(*arguments)
            except CommitConflictError:
                return again().merge(*arguments)

        monkeypatch.setattr(table, "merge", merge)
        return table

class TestOverwritesInTwoCommits(Tables, CommitSuite):
    def harmed(self, monkeypatch, table, again):
        sound = table.overwrite

        def overwrite(frame, request, *, where=None):
            if where is None and table.exists:
                again().append(frame.clear(), replace(request, stem=request.stem + "x"))
                return again().overwrite(frame, request)
            return sound(frame, request, where=where)

        monkeypatch.setattr(table, "overwrite", overwrite)
        return table

class TestUpdatesKeptColumns(Tables, MergeSuite):
    def harmed(self, monkeypatch, table, again):
        sound = table.merge
        monkeypatch.setattr(table, "merge", lambda frame, plan, request: sound(frame, replace(plan, keep=()), request))
        return table
"""


def failures(folder: Path, module: str, *more: str) -> dict[str, set[str]]:
    """Run a module of tests in a process of its own; return by class what fails."""
    (folder / "test_plugins.py").write_text(module)
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", *more]
    output = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True).stdout
    found: dict[str, set[str]] = {}
    for one, test in re.findall(r"^(?:FAILED|ERROR) .*?::(\w+)::(\w+)", output, re.MULTILINE):
        found.setdefault(one, set()).add(test.removeprefix("test_"))
    return found


def test_broken_stores_are_caught(tmp_path: Path) -> None:
    saved, replaced, race, others = (
        "a_state_is_read_as_it_was_saved",
        "only_the_version_that_was_read_is_replaced",
        "of_many_writers_one_wins",
        "states_of_other_flows_are_other_states",
    )
    assert failures(tmp_path, STORES) == {
        "TestLastWins": {replaced, race},
        "TestCreates": {replaced},
        "TestFoldsCase": {others},
        "TestForgets": {saved, replaced, race, others},
        "TestSaysAGapThatIsNone": {saved},
        "TestFailsOtherwiseThanItSays": {saved, replaced, race, others},
    }


def test_a_test_of_a_suite_can_not_be_overridden() -> None:
    name = "test_of_many_writers_one_wins"
    message = rf"Quiet\.{name} would hide the test of StateStoreSuite\. Say in `gaps` what the plugin can't do"
    with pytest.raises(TypeError, match=message):
        type("Quiet", (StateStoreSuite,), {name: None})
    hiding = type("Hiding", (Suite,), {name: lambda _: None})
    with pytest.raises(TypeError, match=r"StateStoreSuite\.\w+ would hide the test of Hiding"):
        type("Both", (StateStoreSuite, hiding), {})


def test_a_gap_names_a_test() -> None:
    with pytest.raises(TypeError, match="names test_of_one_winner, but there are no such tests"):
        type("Wrong", (StateStoreSuite,), {"gaps": {"test_of_one_winner": Gap("it is slow")}})


def test_broken_engines_are_caught(tmp_path: Path) -> None:
    stale, same_flow = "a_write_on_an_older_version_conflicts", "of_two_loads_of_one_flow_at_once_one_wins"
    assert failures(tmp_path, ENGINES, "-k", "not iceberg") == {
        "TestJoinsByValueOnly": {"joins_are_null_safe", "a_frame_is_joined_with_what_was_made_of_it"},
        "TestUnitesByPosition": {"union_matches_by_name"},
        "TestKeepsTheFirst": {
            "the_newest_row_per_key",
            "all_that_tie_for_the_newest",
            "one_of_many_that_tie_does_not_depend_on_their_order",
            "nan_is_newest_and_whole_rows_count_without_an_order",
        },
        "TestKeepsNulls": {"a_frame_is_empty_or_not"},
        "TestPatterns": {"exactly_the_files_that_are_named_are_read", "columns_about_files"},
        "TestForgetsCommits": {"a_commit_says_what_was_decided"},
        "TestTriesAgainUnasked": {stale, same_flow},
        "TestOverwritesInTwoCommits": {"an_overwrite_replaces_rows_in_one_commit", stale, same_flow},
        "TestUpdatesKeptColumns": {
            "kept_columns_and_columns_without_values_stay",
            "all_rows_of_a_key_that_the_table_has_several_times_are_updated",
            "a_rebuild_gets_the_rows_of_its_keys_and_its_result_is_merged",
        },
    }
