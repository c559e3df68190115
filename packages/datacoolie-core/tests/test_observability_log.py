"""Logging: nothing without being asked, no secret when asked."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from datacoolie.core.exceptions import ConfigurationError
from datacoolie.core.redaction import register_secret_values
from datacoolie.observability.log import configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGGER = logging.getLogger("datacoolie")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers, level, propagate = list(LOGGER.handlers), LOGGER.level, LOGGER.propagate
    yield
    LOGGER.handlers[:], LOGGER.propagate = handlers, propagate
    LOGGER.setLevel(level)


def test_no_handlers_until_asked() -> None:
    code = "import datacoolie.observability.log, logging; print(logging.getLogger('datacoolie').handlers)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_text_has_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    register_secret_values("hunter2-log")
    configure_logging()
    logging.getLogger("datacoolie.x").info("opening %s", "db://u:hunter2-log@h")
    logging.getLogger("datacoolie.x").debug("too fine")
    assert capsys.readouterr().err.endswith(" INFO datacoolie.x: opening db://u:***@h\n")


def test_json_has_one_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    register_secret_values("hunter2-log")
    configure_logging("DEBUG", json=True)
    try:
        raise ValueError("hunter2-log")  # noqa: EM101, TRY301 - the traceback is what is tested
    except ValueError:
        logging.getLogger("datacoolie.x").exception("it\nfailed", extra={"flow": "orders", "url": "hunter2-log"})
    line, rest = capsys.readouterr().err.split("\n", 1)
    data = json.loads(line)
    assert rest == ""
    assert data["time"].endswith("+00:00")
    assert {name: data[name] for name in ("level", "logger", "message", "flow", "url")} == {
        "level": "ERROR",
        "logger": "datacoolie.x",
        "message": "it\nfailed",
        "flow": "orders",
        "url": "***",
    }
    assert data["traceback"].endswith("ValueError: ***")


def test_a_traceback_without_secrets_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(json=True)
    try:
        raise ValueError("plain")  # noqa: EM101, TRY301 - the traceback is what is tested
    except ValueError:
        LOGGER.exception("failed")
    assert json.loads(capsys.readouterr().err)["traceback"].startswith("Traceback (most recent call last):\n")


def test_a_second_call_replaces_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    other = logging.NullHandler()
    LOGGER.addHandler(other)
    configure_logging()
    configure_logging("WARNING")
    LOGGER.info("hidden")
    LOGGER.warning("once")
    assert capsys.readouterr().err.count("once") == 1
    assert other in LOGGER.handlers


def test_handlers_of_the_application_do_not_print_it_again(caplog: pytest.LogCaptureFixture) -> None:
    configure_logging()
    LOGGER.info("once")
    assert caplog.records == []


def test_an_unknown_level_is_named_with_a_near_one() -> None:
    with pytest.raises(ConfigurationError) as caught:
        configure_logging("info ")  # type: ignore[arg-type] # what is tested
    assert caught.value.message == (
        "No log level is called 'info '. Possible: DEBUG, INFO, WARNING, ERROR, CRITICAL. Did you mean 'INFO'?"
    )
