"""The command `datacoolie`: needs the extra `cli`, which brings click and rich."""

from __future__ import annotations

import gc
import sys
from importlib.util import find_spec
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that `sys.argv` names and exit with its code."""
    # What is imported stays. Looking through it again at every 700 new objects takes a tenth of the time of a start.
    gc.set_threshold(100_000)
    missing = [name for name in ("click", "rich") if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"error: the command line needs {' and '.join(missing)}. "
            'Install what it needs: pip install "datacoolie-core[cli]"\n'
        )
        sys.exit(2)
    from datacoolie.cli.app import app  # noqa: PLC0415 - click may be missing

    app.main(prog_name="datacoolie")
    raise AssertionError  # `App.main` exits
