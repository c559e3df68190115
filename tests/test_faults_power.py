"""A power cut keeps what was forced to disk: data before the commit that shows them, the commit before the state."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable
from sqlalchemy import Engine, event

from datacoolie import Project
from datacoolie.platforms.local import LocalPlatform
from tools.crash.arena import Arena
from tools.crash.cases import CASES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

BY_NAME = {str(case): case for case in CASES}


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return what happens from now on: what is forced to disk, commits, and writes of a platform, by kind of file."""
    seen: list[str] = []

    def noted(name: str, call: Callable[..., object]) -> Callable[..., object]:
        def note(*arguments: object, **named: object) -> object:
            seen.append(f"{name} {_kind(str(arguments[1]))}" if name == "write" else name)
            return call(*arguments, **named)

        return note

    def fsync(descriptor: int) -> None:
        seen.append(f"force {_kind(str(Path(f'/proc/self/fd/{descriptor}').readlink()))}")
        real(descriptor)

    real = os.fsync
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(DeltaTable, "create_write_transaction", noted("commit", DeltaTable.create_write_transaction))
    for name in ("write_if_absent", "write_if_match", "move"):
        monkeypatch.setattr(LocalPlatform, name, noted("write", getattr(LocalPlatform, name)))

    def committed(_: Connection) -> None:
        seen.append("commit")

    event.listen(Engine, "commit", committed)
    yield seen
    event.remove(Engine, "commit", committed)


def _kind(path: str) -> str:
    if "/flows/" in path:
        return "state"
    if "_delta_log" in path:
        return "log"
    if "/metadata/" in path:
        return "metadata"
    if path.endswith(".parquet"):
        return "data"
    return "manifest" if "_datacoolie" in path else path


@pytest.mark.skipif(sys.platform != "linux", reason="tells files by their descriptors")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("delta-append", ["write state", "force data", "commit", "force log", "write state"]),
        ("delta-merge_upsert", ["write state", "force data", "commit", "force log", "write state"]),
        (
            "iceberg-append",
            ["write state", "force data", *["force metadata"] * 3, "commit", "write state"],
        ),
        (
            "parquet-append",
            [
                "write state",
                "force data",
                "write manifest",
                "force manifest",
                "force manifest",
                "write data",
                "write state",
            ],
        ),
    ],
)
def test_what_is_on_disk_when(name: str, expected: list[str], tmp_path: Path, order: list[str]) -> None:
    arena = Arena(tmp_path, BY_NAME[name])
    project = Project.load(arena.document)
    arena.land()
    project.run()
    arena.land()
    order.clear()
    project.run()
    assert order == expected
    assert arena.loaded() == 2
