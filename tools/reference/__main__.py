"""`python -m tools.reference [--check]`: write the pages below `docs/reference`, or say which are out of date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.reference.functions import page

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def main(arguments: list[str] | None = None) -> int:
    """Write or check the pages and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a page is out of date")
    check = parser.parse_args(arguments).check
    path, text = FOLDER / "functions.md", page()
    if not check:
        path.write_text(text, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != text:
        print(f"{path}: out of date; run `uv run python -m tools.reference`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
