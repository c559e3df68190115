"""`python -m tools.versions lowest|highest DIST...`: test packages at the ends of the ranges that they ask for.

Packages of ours that they need count too: at the lowest end these are the oldest releases that the ranges take.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.check.workspace import Workspace
from tools.release.model import ReleaseError, Steps, find_package, needs

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
        python = _install(workspace, packages, steps, Path(temporary), options.which)
        tests = [package.relative("tests") for package in packages if (package.folder / "tests").is_dir()]
        steps.run(python, "-m", "pytest", "--quiet", *tests, *pytest)


def _install(workspace: Workspace, packages: list[Package], steps: Steps, folder: Path, which: str) -> str:
    """Install what the packages, all their extras and their tests need, and return the interpreter."""
    environment, pins, tools = folder / "environment", folder / "pins.txt", folder / "tools.txt"
    python = str(environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    needed = _needed(workspace, packages)
    files = [package.relative("pyproject.toml") for package in (*packages, *needed)]
    ours = [f"--no-emit-package={package.name}" for package in workspace.packages]
    resolution = f"--resolution={RESOLUTIONS[which]}"
    chosen = [resolution, f"--python-version={sys.version_info.major}.{sys.version_info.minor}"]
    compiling = ["uv", "pip", "compile", "--quiet", "--all-extras", "--no-header", f"--output-file={pins}"]
    steps.run(*compiling, *chosen, *ours, *files)
    steps.write(tools, "\n".join([*_tools(workspace), ""]))
    steps.run("uv", "venv", "--quiet", f"--python={sys.executable}", str(environment))
    installing = ["uv", "pip", "install", "--quiet", f"--python={python}"]
    steps.run(*installing, f"--requirement={pins}", f"--requirement={tools}")
    here = [f"--editable={package.folder}" for package in packages]
    others = [_source(workspace, package, packages, which) for package in needed]
    steps.run(*installing, "--no-deps", *here, *others)
    return python


def _needed(workspace: Workspace, packages: list[Package]) -> list[Package]:
    """Return the other packages of the workspace that packages need."""
    found = list(packages)
    for package in found:
        names = needs(package)
        found += [each for each in workspace.packages if each.name in names and each not in found]
    return found[len(packages) :]


def _source(workspace: Workspace, package: Package, users: list[Package], which: str) -> str:
    """Return where a needed package is taken from: the oldest release that its users take, or what is here."""
    texts = {text for user in users for text in user.requirements()}
    ranges = [asked.specifier for asked in map(Requirement, texts) if canonicalize_name(asked.name) == package.name]
    tags = workspace.git("tag", "--list", f"{package.name}-v*", "--merged", "HEAD").split()
    releases = [Version(tag.removeprefix(f"{package.name}-v")) for tag in tags]
    taken = [release for release in releases if all(each.contains(release) for each in ranges)]
    if which == "highest" or not taken:
        return f"--editable={package.folder}"
    repository = f"git+{workspace.root.as_uri()}@{package.name}-v{min(taken)}"
    return f"{package.name} @ {repository}#subdirectory={package.relative('')}"


def _tools(workspace: Workspace) -> list[str]:
    """Return what tests need beside the packages: the development environment without our own packages."""
    groups = tomllib.loads((workspace.root / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    names = {package.name for package in workspace.packages}
    return [text for text in groups["dev"] if Requirement(text).name not in names]


if __name__ == "__main__":
    sys.exit(main())
