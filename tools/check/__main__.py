"""`python -m tools.check`: run the checks, print what they find."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.check.api import check_api
from tools.check.code import check_code
from tools.check.commands import check_commands
from tools.check.entry_points import check_entry_points
from tools.check.fragments import check_fragments
from tools.check.imports import check_imports
from tools.check.layout import check_layout
from tools.check.ranges import check_ranges
from tools.check.reference import check_reference
from tools.check.registered import check_registered
from tools.check.words import check_words
from tools.check.workspace import Finding, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKS: dict[str, Callable[[Workspace], Iterator[Finding]]] = {
    "api": check_api,
    "code": check_code,
    "commands": check_commands,
    "entry-points": check_entry_points,
    "fragments": check_fragments,
    "imports": check_imports,
    "layout": check_layout,
    "ranges": check_ranges,
    "reference": check_reference,
    "registered": check_registered,
    "words": check_words,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the checks named, or all; 0 when they find nothing, 1 when they do."""
    parser = argparse.ArgumentParser(prog="python -m tools.check", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(CHECKS)}")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[2], help="the repository to look at")
    options = parser.parse_args(arguments)
    names = options.names or list(CHECKS)
    if unknown := sorted(set(names) - set(CHECKS)):
        parser.error(f"no check is called {', '.join(unknown)}; there are: {', '.join(CHECKS)}")
    workspace = Workspace(options.root.resolve())
    findings = [(name, finding) for name in names for finding in CHECKS[name](workspace)]
    for name, finding in findings:
        print(f"{finding} [{name}]")
    print(f"checks: {len(names)}, files: {len(workspace.files)}, findings: {len(findings)}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
