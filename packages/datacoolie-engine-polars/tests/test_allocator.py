"""Memory that Polars' passes free goes back to the system, unless a user says how it is to be kept."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

VARIABLE = "_RJEM_MALLOC_CONF"

SCRIPT = f"""
import builtins, os
plain = builtins.__import__

def watched(name, *rest):
    if name == "_polars_runtime_32" or name == "polars":
        print(os.environ.get({VARIABLE!r}))
        raise SystemExit
    return plain(name, *rest)

builtins.__import__ = watched
import datacoolie_engine_polars
"""


@pytest.mark.parametrize(
    ("given", "seen"),
    [(None, f"dirty_decay_ms:500,muzzy_decay_ms:0,narenas:{os.cpu_count()}"), ("narenas:1", "narenas:1")],
)
def test_the_allocator_is_told_before_polars_is_imported(given: str | None, seen: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    if given:
        environment[VARIABLE] = given
    run = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == f"{seen}\n"
