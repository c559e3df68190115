"""The command `datacoolie`: needs the extra `cli`, which brings click and rich."""

from __future__ import annotations

import gc
import sys
from importlib.util import find_spec
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that `sys.argv` names and exit with its code."""
    # What is imported stays, and looking through it again and again takes a tenth of the time of a small run. A start
    # makes 110,000 objects, and 200 flows 30,000 more.
    gc.set_threshold(400_000)
    missing = [name for name in ("click", "rich") if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"error: the command line needs {' and '.join(missing)}. "
            'Install what it needs: pip install "datacoolie-core[cli]"\n'
        )
        sys.exit(2)
    from datacoolie.cli.app import app  # noqa: PLC0415 - click may be missing

    try:
        app.main(prog_name="datacoolie")
    finally:
        # Nor is it looked through at the end.
        gc.freeze()
    raise AssertionError  # `App.main` exits
