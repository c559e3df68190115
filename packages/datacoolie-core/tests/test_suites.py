"""The suites for plugins: they catch what is broken, and say what they don't test."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from datacoolie.testing import Gap, StateStoreSuite, Suite

if TYPE_CHECKING:
    from pathlib import Path

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
        return super().save(replace(state, intent=None), version)

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


def failures(folder: Path, module: str) -> dict[str, set[str]]:
    """Run a module of tests in a process of its own; return by class what fails."""
    (folder / "test_plugins.py").write_text(module)
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider"]
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
