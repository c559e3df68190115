"""Every step of every load type on every format is killed once, and made to fail once: nothing is lost or doubled."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tools.crash.arena import Arena
from tools.crash.boundaries import FAILING, Fault, load_with, trace
from tools.crash.cases import CASES
from tools.crash.children import Child, Loaded, load

if TYPE_CHECKING:
    from pathlib import Path

    from tools.crash.cases import Case

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked, to be many")
every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_commit = pytest.mark.parametrize(
    "case", [case for case in CASES if case.format not in {"csv", "jsonl", "json", "avro"}], ids=str
)
"""Flat files of all formats are committed by the same code."""


def settled(arena: Arena, after: object) -> None:
    """Run again, once without and once with nothing to do: everything that landed is there, for every reader."""
    first = Child(load, arena.document).value()
    assert first is not None
    assert first.status in {"succeeded", "skipped"}, (after, first)
    assert arena.loaded() == len(arena.batches), after
    assert arena.read_as_others() == arena.expected(), after
    assert not arena.leftovers(), after


@every_case
def test_kill_before_each_step_of_a_first_load(case: Case, tmp_path: Path) -> None:
    arena = Arena(tmp_path / "traced", case)
    arena.land()
    steps = Child(trace, arena.document).value()
    assert steps
    for at, step in enumerate(steps):
        killed = Arena(tmp_path / str(at), case)
        killed.land()
        assert Child(load_with, killed.document, Fault(at=at, when="before", kind="kill")).value() is None
        assert killed.loaded() is not None, step
        settled(killed, (at, step))


@every_case
def test_kill_around_each_step_of_a_later_load(case: Case, tmp_path: Path) -> None:
    arena = Arena(tmp_path / "arena", case)
    arena.land()
    Child(load, arena.document).value()
    arena.land()
    steps = Child(trace, arena.document).value()
    assert steps
    places = [Fault(at=at, when="before", kind="kill") for at in range(len(steps))]
    for fault in [*places, Fault(at=len(steps) - 1, when="after", kind="kill")]:
        arena.land()
        assert Child(load_with, arena.document, fault).value() is None
        assert arena.loaded() is not None, steps[fault.at]
        settled(arena, (fault, steps[fault.at]))


@every_commit
def test_a_storage_that_fails_at_any_step(case: Case, tmp_path: Path) -> None:
    """Before a call it fails for sure; after it the caller can't know that the call was done (a lost connection)."""
    arena = Arena(tmp_path / "arena", case)
    arena.land()
    Child(load, arena.document).value()
    arena.land()
    steps = Child(trace, arena.document).value()
    assert steps
    failing = [at for at, step in enumerate(steps) if step.startswith(FAILING)]
    assert len(failing) > 3
    for fault in [Fault(at=at, when=when, kind="fail") for at in failing for when in ("before", "after")]:
        arena.land()
        ended = Child(load_with, arena.document, fault).value()
        assert isinstance(ended, Loaded)
        now = arena.loaded()
        assert now is not None, (fault, steps[fault.at])
        assert ended.status == "failed" or now == len(arena.batches), (fault, steps[fault.at], ended)
        assert "bug" not in ended.message, (fault, ended)
        settled(arena, (fault, steps[fault.at]))
