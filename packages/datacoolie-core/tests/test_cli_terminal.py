"""What a terminal sees: colours, a display that is drawn again, a table."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from datacoolie.cli.app import app

if TYPE_CHECKING:
    from pathlib import Path

pty = pytest.importorskip("pty", reason="pseudo-terminals are POSIX", exc_type=ImportError)

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_terminal(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run a command in a pseudo-terminal; return its exit code and what it printed, standard error included."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    variables = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "datacoolie", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**inherited, **variables, **environment},
    )
    os.close(theirs)
    printed = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return process.wait(timeout=60), printed.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux reports the end
        return b""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    pytest.importorskip("datacoolie_engine_polars", reason="the engine is a package of its own")
    folder = tmp_path / "shop"
    assert CliRunner().invoke(app, ["init", str(folder)]).exit_code == 0
    return folder


def test_an_error_is_red_and_broken_between_words() -> None:
    code, printed = in_terminal("rum", COLUMNS="40")
    assert code == 2
    assert printed.startswith("\x1b[31m\x1b[1merror:\x1b[0m No command is called 'rum'.\n")
    lines = ESCAPES.sub("", printed).splitlines()
    assert max(map(len, lines)) <= 40
    assert all(line.startswith("  ") for line in lines[1:-1])
    text = " ".join(" ".join(lines).split())
    assert text.startswith("error: No command is called 'rum'. Commands: init, validate, plan, run, ")
    assert text.endswith(" schema. Did you mean 'run'? See: datacoolie --help")


def test_a_path_is_never_broken(tmp_path: Path) -> None:
    file = tmp_path / ("a" * 60)
    file.touch()
    _, printed = in_terminal("init", str(file), COLUMNS="40")
    assert str(file) in printed.split()


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_turned_off(environment: dict[str, str]) -> None:
    _, printed = in_terminal("rum", **environment)
    assert printed.startswith("error: No command")


def test_a_run_is_drawn_and_ends_with_a_table(project: Path) -> None:
    code, printed = in_terminal("run", str(project))
    assert code == 0
    assert re.search(r"\d of 3 flows ended", printed)
    table = ESCAPES.sub("", printed[printed.rindex("status") :])
    assert re.search(
        r"^orders +succeeded +10 +1 +\S+ kB +[\d.]+ m?s\n  mark start -> 1010, effectively-once$", table, re.MULTILINE
    )
    assert re.search(r"^customers +succeeded +5 .*\n  mark start -> .*Z, idempotent$", table, re.MULTILINE)
    assert re.search(r"^3 flows: 3 succeeded; 18 rows, ", table, re.MULTILINE)
    assert max(map(len, table.splitlines())) <= 80
    assert "\x1b[32msucceeded" in printed


def test_a_run_without_colours_has_none(project: Path) -> None:
    _, printed = in_terminal("run", str(project), NO_COLOR="1")
    assert not re.search(r"\x1b\[(?:[0-9]+;)*3[0-9]m", printed)
    assert "succeeded" in printed


def test_a_dumb_terminal_gets_lines(project: Path) -> None:
    _, printed = in_terminal("run", str(project), TERM="dumb")
    assert "\x1b" not in printed
    assert printed.count(": succeeded, ") == 3
    assert printed.splitlines()[-1].startswith("3 flows: 3 succeeded; ")


def test_a_plan_is_a_table_of_eighty_columns(project: Path) -> None:
    code, printed = in_terminal("plan", str(project))
    lines = ESCAPES.sub("", printed).splitlines()
    assert code == 0
    assert lines[0].split() == ["flow", "load", "reads", "since", "guarantee"]
    assert "  landing.orders -> lake.orders" in lines
    assert "  lake.orders -> lake.large_orders, after orders" in lines
    assert max(map(len, lines)) <= 80
