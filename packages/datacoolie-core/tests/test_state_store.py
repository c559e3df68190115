from __future__ import annotations

import json
import logging
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from datacoolie.platforms.local import LocalPlatform
from datacoolie.state import LoadState, PlatformStateStore, UnknownStateVersionError
from datacoolie.state.names import file_name
from datacoolie.testing import StateStoreSuite
from datacoolie.testing.states import FULL


@pytest.fixture
def store(tmp_path: Path) -> PlatformStateStore:
    return PlatformStateStore(LocalPlatform(), f"{tmp_path}/state/")


class TestPlatformStateStore(StateStoreSuite):
    """What every store does."""


def test_a_file_is_called_as_its_flow(store: PlatformStateStore, tmp_path: Path) -> None:
    store.save(FULL, None)
    assert store.path("flow-1") == f"{tmp_path}/state/flows/flow-1.json"
    assert Path(store.path("flow-1")).is_file()


def test_a_new_state_has_nothing_in_it(store: PlatformStateStore) -> None:
    store.save(LoadState(dataflow_id="f", name="n"), None)
    assert json.loads(Path(store.path("f")).read_text()) == {
        "schema_version": 1,
        "dataflow_id": "f",
        "name": "n",
        "epoch": 1,
        "seq": 0,
        "mark": None,
        "destination": None,
        "replay": None,
        "lease": None,
        "updated_at": None,
    }


def test_a_field_of_earlier_days_is_passed_over(store: PlatformStateStore) -> None:
    store.save(FULL, None)
    Path(store.path("flow-1")).write_text(json.dumps({**json.loads(FULL.to_bytes()), "intent": None}))
    assert store.read("flow-1").state == FULL


def test_a_state_that_is_gone_is_not_replaced(store: PlatformStateStore) -> None:
    version = store.save(FULL, None)
    Path(store.path("flow-1")).unlink()
    assert store.save(FULL, version) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_only_the_owner_can_read_it(store: PlatformStateStore) -> None:
    version = store.save(FULL, None)
    store.save(replace(FULL, seq=8), version)
    path = Path(store.path("flow-1"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


WHOLE = json.loads(FULL.to_bytes())


CHANGES: list[dict[str, object]] = [
    {"schema_version": "1"},
    {"schema_version": None},
    {"seq": "7"},
    {"seq": True},
    {"seq": None},
    {"name": 5},
    {"dataflow_id": "another"},
    {"mark": []},
    {"mark": {"values": {}}},
    {"mark": {"values": {"a": {"__date__": "soon"}}, "position": {}}},
    {"mark": {"values": {"a": [1]}, "position": {}}},
    {"replay": 1},
    {"destination": 1},
    {"lease": {}},
    {"lease": {**WHOLE["lease"], "expires_at": "2026-01-01"}},
    {"lease": {**WHOLE["lease"], "pid": "12"}},
    {"updated_at": 5},
]

DAMAGED: dict[str, bytes] = {
    "empty": b"",
    "brace": b"{",
    "truncated": FULL.to_bytes()[:-5],
    "zeros": b"\x00" * 400,
    "not utf-8": b"\xff\xfe",
    "null": b"null",
    "list": b"[]",
    "object": b"{}",
    "deep": b"[" * 100_000,
    **{str(change): json.dumps({**WHOLE, **change}).encode() for change in CHANGES},
    **{f"no {name}": json.dumps({k: v for k, v in WHOLE.items() if k != name}).encode() for name in WHOLE},
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_state_is_reported_and_can_be_replaced(
    store: PlatformStateStore, caplog: pytest.LogCaptureFixture, text: bytes
) -> None:
    store.save(FULL, None)
    Path(store.path("flow-1")).write_bytes(text)
    with caplog.at_level(logging.WARNING):
        found = store.read("flow-1")
    assert found.damaged
    assert found.state is None
    [message] = caplog.messages
    assert f"{store.path('flow-1')} is damaged (" in message
    assert "taken from the destination again" in message
    assert store.save(FULL, found.version) is not None
    assert not store.read("flow-1").damaged


def test_a_state_of_another_version_is_refused(store: PlatformStateStore) -> None:
    store.save(FULL, None)
    Path(store.path("flow-1")).write_text('{"schema_version": 2, "new": "form"}')
    with pytest.raises(
        UnknownStateVersionError,
        match=r"flow-1\.json: The state has schema version 2; .* knows 1\. Run with the version",
    ):
        store.read("flow-1")


@pytest.mark.parametrize(
    ("dataflow_id", "name"),
    [
        ("0b0e8400-e29b-41d4-a716-446655440000", "0b0e8400-e29b-41d4-a716-446655440000"),
        ("Orders", "~4frders"),
        ("orders", "orders"),
        ("../up", "~2e~2e~2fup"),
        ("a b~é", "a~20b~7e~c3a9"),
        ("", ""),
    ],
)
def test_names_of_files(dataflow_id: str, name: str) -> None:
    assert file_name(dataflow_id) == name


def test_long_names_stay_different() -> None:
    names = {file_name("x" * 300 + end) for end in ("a", "b")}
    assert len(names) == 2
    assert max(map(len, names)) < 150
