"""`python -m tools.versions lowest|highest DIST...`: test packages at the ends of the ranges that they ask for."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from tools.check.workspace import Workspace
from tools.release.model import ReleaseError, Steps, find_package

if TYPE_CHECKING:
    from tools.check.workspace import Package

RESOLUTIONS = {"lowest": "lowest-direct", "highest": "highest"}


def main(arguments: list[str] | None = None) -> int:
    """Install the packages with all their extras, and run their tests; 1 when they fail."""
    parser = argparse.ArgumentParser(prog="python -m tools.versions", description=__doc__)
    parser.add_argument("which", choices=RESOLUTIONS)
    parser.add_argument("distributions", nargs="+", metavar="DIST")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[2], help="the repository")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    options, pytest = parser.parse_known_args(arguments)
    try:
        _run(Workspace(options.root.resolve()), options, pytest)
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(workspace: Workspace, options: argparse.Namespace, pytest: list[str]) -> None:
    packages = [find_package(workspace, name) for name in options.distributions]
    steps = Steps(root=workspace.root, dry_run=options.dry_run)
    with TemporaryDirectory() as temporary:
        python = _install(workspace, packages, steps, Path(temporary), RESOLUTIONS[options.which])
        tests = [package.relative("tests") for package in packages if (package.folder / "tests").is_dir()]
        steps.run(python, "-m", "pytest", "--quiet", *tests, *pytest)


def _install(workspace: Workspace, packages: list[Package], steps: Steps, folder: Path, resolution: str) -> str:
    """Install what the packages, all their extras and their tests need, and return the interpreter."""
    environment, pins, tools = folder / "environment", folder / "pins.txt", folder / "tools.txt"
    python = str(environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    files = [package.relative("pyproject.toml") for package in packages]
    ours = [f"--no-emit-package={package.name}" for package in workspace.packages]
    chosen = [f"--resolution={resolution}", f"--python-version={sys.version_info.major}.{sys.version_info.minor}"]
    compiling = ["uv", "pip", "compile", "--quiet", "--all-extras", "--no-header", f"--output-file={pins}"]
    steps.run(*compiling, *chosen, *ours, *files)
    steps.write(tools, "\n".join([*_tools(workspace), ""]))
    steps.run("uv", "venv", "--quiet", f"--python={sys.executable}", str(environment))
    installing = ["uv", "pip", "install", "--quiet", f"--python={python}"]
    steps.run(*installing, f"--requirement={pins}", f"--requirement={tools}")
    steps.run(*installing, "--no-deps", *(f"--editable={package.folder}" for package in packages))
    return python


def _tools(workspace: Workspace) -> list[str]:
    """Return what tests need beside the packages: the development environment without our own packages."""
    groups = tomllib.loads((workspace.root / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    names = {package.name for package in workspace.packages}
    return [text for text in groups["dev"] if Requirement(text).name not in names]


if __name__ == "__main__":
    sys.exit(main())
