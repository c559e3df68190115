"""`python -m tools.pages.picture`: run the example twice and draw what a terminal shows, into `docs/run.svg`."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from datacoolie import Project

if TYPE_CHECKING:
    from datacoolie.orchestration.results import Plan, RunResult

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "nycflights"
_WIDTH = 80


def picture(project: Path) -> str:
    """Return an SVG of two runs of a project, which is run in a copy."""
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, project.name)
        shutil.copytree(project, copy, ignore=shutil.ignore_patterns("lakehouse", ".datacoolie"))
        for _ in range(2):
            console.print(f"[bold green]$[/] datacoolie run {project.name}")
            _show(console, Project.load(copy).run())
    svg = console.export_svg(title="", unique_id="run")
    # A picture asks no other server for a font.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def _show(console: Console, result: RunResult | Plan) -> None:
    """Print a result as the command line does."""
    for line in result.table().lines(_WIDTH):
        console.print(Text.assemble(*line), soft_wrap=True)
    console.print("", *result.remarks(), "", sep="\n", markup=False)


if __name__ == "__main__":
    (ROOT / "docs" / "run.svg").write_text(picture(EXAMPLE), encoding="utf-8")
