"""The Java that a Spark in this process runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from datacoolie.core.exceptions import EngineError, ErrorClass

OLDEST = 17
"""The oldest Java that Spark 4 runs on."""

_PATIENCE = 30.0
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_ADVICE = (
    f"Install Java {OLDEST} or 21 and put it on PATH, or name its folder by the variable JAVA_HOME; or name a Spark "
    "Connect server (engine: {name: spark, remote: sc://HOST:PORT}), which needs no Java here"
)


def require_java() -> None:
    """Look for a Java that Spark can run on.

    Raises:
        EngineError: there is none, or it is too old.
    """
    command = _command()
    if command is None:
        home = os.environ.get("JAVA_HOME")
        where = f"there is none at JAVA_HOME, which is {home!r}" if home else "there is none on PATH"
        message = f"Spark needs Java {OLDEST} or newer, and {where}. {_ADVICE}"
        raise EngineError(message).classed(ErrorClass.CONFIGURATION)
    version = _version(command)
    if version < OLDEST:
        found = f"is Java {version}" if version else "does not say its version"
        message = f"Spark needs Java {OLDEST} or newer, and {command} {found}. {_ADVICE}"
        raise EngineError(message, {"java": command, "version": version}).classed(ErrorClass.CONFIGURATION)


def _command() -> str | None:
    """Return the Java that Spark's own scripts take."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(str(Path(home) / "bin/java")) if home else shutil.which("java")


def _version(command: str) -> int:
    """Return the major version, 0 when it can't be found out."""
    try:
        done = subprocess.run(  # noqa: S603 - the Java that Spark is about to start
            [command, "-version"], check=False, capture_output=True, text=True, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = _VERSION.search(done.stderr + done.stdout)
    return int(found[1]) if found else 0
