"""The command line as a whole: help, usage, exit codes, errors, what it imports."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner, Result

from datacoolie.cli import app as app_module
from datacoolie.cli.app import COMMANDS, app
from datacoolie.cli.options import verbose_option
from datacoolie.core.exceptions import ConfigurationError, MetadataError, SourceError
from datacoolie.core.redaction import register_secret_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOGGER = logging.getLogger("datacoolie")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, prog_name="datacoolie")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    handlers, level, propagate = list(LOGGER.handlers), LOGGER.level, LOGGER.propagate
    yield
    LOGGER.handlers[:], LOGGER.propagate = handlers, propagate
    LOGGER.setLevel(level)


def add_command(monkeypatch: pytest.MonkeyPatch, does: Callable[[], None]) -> None:
    """Add a command `fail` for one test."""

    @click.command
    @verbose_option
    def command() -> None:
        does()

    module = ModuleType("datacoolie.cli.fail")
    module.__dict__["command"] = command
    monkeypatch.setitem(sys.modules, "datacoolie.cli.fail", module)
    monkeypatch.setitem(app_module.COMMANDS, "fail", "Fail.")


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Add a command `fail` that raises what the list holds."""
    errors: list[BaseException] = []

    def fail() -> None:
        raise errors[0]

    add_command(monkeypatch, fail)
    return errors


def test_help_lists_every_command_in_the_words_of_its_own_help() -> None:
    help_text = call("--help").stdout
    for name, line in COMMANDS.items():
        assert f"  {name.ljust(8)}  {line}\n" in help_text
        assert f"\n\n  {line}\n" in call(name, "--help").stdout


def test_help_imports_neither_rich_nor_pydantic_nor_an_engine() -> None:
    code = (
        "import sys\n"
        "from datacoolie.cli.app import app\n"
        "try: app.main(['--help'])\n"
        "except SystemExit as exit: assert exit.code == 0\n"
        "heavy = {'rich', 'pydantic', 'yaml', 'sqlglot', 'polars', 'deltalake', 'pyarrow', 'asyncio', 'ssl'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert python(code).stdout.splitlines()[-1] == "[]"


def test_without_arguments_it_shows_help() -> None:
    result = call()
    assert result.exit_code == 2
    assert "Commands:" in result.output


def test_version_names_the_framework_first_and_python_last() -> None:
    pytest.importorskip("datacoolie_engine_polars", reason="the engine is a package of its own")
    lines = call("--version").stdout.splitlines()
    assert lines[0].startswith("datacoolie-core 0.")
    assert lines[-1].startswith("Python 3.")
    assert any(line.startswith("datacoolie-engine-polars ") for line in lines)


def test_an_unknown_command_names_a_near_one() -> None:
    result = call("rum")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: No command is called 'rum'. Commands: init, validate, plan, run, state, maintain, check, doctor, "
        "plugins, schema. Did you mean 'run'?\n"
        "See: datacoolie --help\n"
    )


def test_an_unknown_option_is_bad_usage() -> None:
    result = call("run", "--frob")
    assert result.exit_code == 2
    assert re.match(r"error: No such option:? '?--frob", result.stderr)
    assert result.stderr.endswith("See: datacoolie run --help\n")


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        (MetadataError("a.yaml: no"), 2, "error: [MetadataError] a.yaml: no\n"),
        (ConfigurationError("no engine"), 2, "error: [ConfigurationError] no engine\n"),
        (SourceError("no file"), 1, "error: [SourceError] no file\n"),
        (KeyboardInterrupt(), 130, "\nerror: interrupted\n"),
        (
            KeyError("x"),
            1,
            "error: KeyError: 'x'\nThis is a bug of datacoolie or of a plugin; -v after the command shows where.\n",
        ),
        (
            PermissionError(13, "Permission denied", "x"),
            1,
            "error: PermissionError: [Errno 13] Permission denied: 'x'\n",
        ),
    ],
)
def test_errors_become_a_message_and_an_exit_code(
    raising: list[BaseException], error: BaseException, code: int, printed: str
) -> None:
    raising.append(error)
    result = call("fail")
    assert (result.exit_code, result.stderr, result.stdout) == (code, printed, "")


def test_verbose_shows_the_traceback_before_the_error(raising: list[BaseException]) -> None:
    register_secret_values("hunter2-app")
    raising.append(SourceError("no right for hunter2-app"))
    result = call("fail", "-v")
    assert result.exit_code == 1
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert result.stderr.endswith("error: [SourceError] no right for ***\n")
    assert "hunter2-app" not in result.output


def log_an_error() -> None:
    try:
        raise KeyError("hunter2-app")  # noqa: EM101, TRY301 - the traceback is what is tested
    except KeyError:
        LOGGER.exception("lease of hunter2-app lost")
    logging.getLogger("datacoolie.state").warning("%s was rebuilt", "orders")
    LOGGER.info("fine")


def test_warnings_are_one_line_each_without_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    register_secret_values("hunter2-app")
    add_command(monkeypatch, log_an_error)
    result = call("fail")
    assert result.stderr == "error: lease of *** lost\nwarning: orders was rebuilt\n"
    assert not any(type(handler).__module__.startswith("datacoolie.cli") for handler in LOGGER.handlers)


def test_verbose_logs_everything_with_tracebacks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    register_secret_values("hunter2-app")
    add_command(monkeypatch, log_an_error)
    printed = call("fail", "-v").stderr
    assert printed.count("lease of *** lost\nTraceback (most recent call last):\n") == 1
    assert printed.count("was rebuilt") == 1
    assert " INFO datacoolie: fine\n" in printed
    assert "hunter2-app" not in printed


def test_python_m_is_the_same_command() -> None:
    done = subprocess.run([sys.executable, "-m", "datacoolie", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == call("--version").stdout


def test_without_click_it_says_what_to_install() -> None:
    code = (
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "find = PathFinder.find_spec\n"
        "PathFinder.find_spec = lambda name, *rest: None if name == 'click' else find(name, *rest)\n"
        "from datacoolie.cli import main\n"
        "main()"
    )
    done = python(code)
    assert done.returncode == 2
    assert done.stderr == (
        'error: the command line needs click. Install what it needs: pip install "datacoolie-core[cli]"\n'
    )


def test_a_reader_that_goes_away_gets_no_traceback() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "datacoolie", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 1


def test_a_name_that_the_encoding_lacks_is_escaped(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "datacoolie", "init", str(tmp_path / "Süden→")],
        capture_output=True,
        encoding="latin-1",
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("/Süden\\u2192'\n")
