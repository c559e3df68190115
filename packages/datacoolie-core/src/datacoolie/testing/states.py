"""What every store of load states does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from datacoolie.core.exceptions import WatermarkError
from datacoolie.state import BaseStateStore, Lease, LoadState, Mark, Stored
from datacoolie.testing.suite import Suite

_NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)

FULL = LoadState(
    dataflow_id="flow-1",
    name="Größe",
    epoch=2,
    seq=7,
    mark=Mark(
        values={
            "at": datetime(2026, 1, 1, 3, 4, 5, 678901, tzinfo=UTC),
            "local": datetime(2026, 1, 1),  # noqa: DTZ001 - naive
            "day": date(2026, 1, 1),
            "clock": time(1, 2, 3),
            "id": 2**63,
            "price": Decimal("1.10"),
            "ratio": 0.1,
            "name": "ünï",
            "bytes": b"\x00\xff",
            "none": None,
        },
        position={"fingerprint": "abc", "files": ["a", "b"], "n": {"deep": [1, None, True]}},
    ),
    destination="table-1",
    replay={"done": 3},
    lease=Lease(
        run_id="run",
        host="here",
        pid=12,
        process_started="345",
        boot_id="b",
        pid_namespace="p",
        acquired_at=_NOON,
        expires_at=_NOON.replace(minute=1),
    ),
    updated_at=_NOON,
)
"""A state with something in every field."""

_NOTHING = Stored(state=None, version=None)
_ROUNDS, _WRITERS = 20, 8


class StateStoreSuite(Suite):
    """Tests a `BaseStateStore`. A subclass has a fixture `store`: an empty store for each test."""

    def test_a_state_is_read_as_it_was_saved(self, store: BaseStateStore) -> None:
        assert store.read("flow-1") == _NOTHING
        version = store.save(FULL, None)
        assert version is not None
        found = store.read("flow-1")
        assert found == Stored(state=FULL, version=version)
        assert found.state is not None
        assert found.state.mark is not None
        assert FULL.mark is not None
        kinds = {name: type(value) for name, value in found.state.mark.values.items()}
        assert kinds == {name: type(value) for name, value in FULL.mark.values.items()}

    def test_only_the_version_that_was_read_is_replaced(self, store: BaseStateStore) -> None:
        assert store.save(FULL, "a version that never was") is None
        first = store.save(FULL, None)
        assert store.save(FULL, None) is None
        second = store.save(replace(FULL, seq=8), first)
        assert second not in {None, first}
        assert store.save(replace(FULL, seq=9), first) is None
        assert store.read("flow-1") == Stored(state=replace(FULL, seq=8), version=second)

    @pytest.mark.parametrize("other", ["FLOW-1", "flow-1 ", "flow/1", "../flow-1", "flow%2d1", "größe", "f" * 300, ""])
    def test_states_of_other_flows_are_other_states(self, store: BaseStateStore, other: str) -> None:
        store.save(FULL, None)
        assert store.read(other) == _NOTHING
        state = LoadState(dataflow_id=other, name="another")
        assert store.save(state, None) is not None
        assert store.read(other).state == state
        assert store.read("flow-1").state == FULL

    def test_of_many_writers_one_wins(self, store: BaseStateStore) -> None:
        version = store.save(FULL, None)
        for seq in range(_ROUNDS):
            [(name, version)] = _race(store, replace(FULL, seq=seq), version)
            assert store.read("flow-1") == Stored(state=replace(FULL, seq=seq, name=name), version=version)

    def test_a_mark_of_an_impossible_type_is_not_saved(self, store: BaseStateStore) -> None:
        with pytest.raises(WatermarkError, match="can't be a watermark"):
            store.save(replace(FULL, mark=Mark(values={"a": object()})), None)
        assert store.read("flow-1") == _NOTHING


def _race(store: BaseStateStore, state: LoadState, version: str | None) -> list[tuple[str, str]]:
    """Let many writers replace one version at once; return the names and new versions of those that could."""
    start = threading.Barrier(_WRITERS)

    def write(name: str) -> tuple[str, str] | None:
        start.wait()
        saved = store.save(replace(state, name=name), version)
        return None if saved is None else (name, saved)

    with ThreadPoolExecutor(_WRITERS) as writers:
        return [won for won in writers.map(write, map(str, range(_WRITERS))) if won is not None]
