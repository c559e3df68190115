"""What is published, and what has to be true before it is."""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
from email.parser import Parser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tools.check.ranges import check_ranges
from tools.release.model import ReleaseError, Steps, dependants, fragments, tag_of, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.check.workspace import Package, Workspace


def build(workspace: Workspace, package: Package, steps: Steps, folder: Path) -> None:
    """Build sdist and wheel into `<dist>-<version>/` of `folder`, and beside it a bill of materials and checksums.

    Raises:
        ReleaseError: a command fails.
    """
    name = f"{package.name}-{version_of(package)}"
    bill = folder / f"{name}.cdx.json"
    _build(workspace, steps, folder / name, f"--package={package.name}", "--sdist")
    export = ["uv", "export", "--quiet", "--frozen", "--no-dev", "--all-extras", f"--package={package.name}"]
    steps.run(*export, "--preview-features=sbom-export", "--format=cyclonedx1.5", f"--output-file={bill}")
    paths = [path for path in (*sorted((folder / name).glob("datacoolie*")), bill) if path.is_file()]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}" for path in paths]
    steps.write(folder / f"{name}.sha256", "\n".join([*sums, ""]))


def check_source(workspace: Workspace, package: Package) -> None:
    """Look whether what is committed is ready to be tagged.

    Raises:
        ReleaseError: something is not; the message names all that is not.
    """
    if faults := list(_faults(workspace, package)):
        raise ReleaseError("\n".join(faults))


def check(workspace: Workspace, package: Package, steps: Steps, pytest: list[str]) -> None:
    """Look at the source and the built distributions, and run the tests of package and dependants on built wheels.

    Args:
        workspace: the repository.
        package: what is to be released.
        steps: runs the commands.
        pytest: more arguments of pytest.

    Raises:
        ReleaseError: something is not right.
    """
    check_source(workspace, package)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _build(workspace, steps, folder / "dist", f"--package={package.name}", "--sdist")
        steps.run(sys.executable, "-m", "twine", "check", "--strict", *map(str, (folder / "dist").glob("datacoolie*")))
        for wheel in (folder / "dist").glob("*.whl"):
            _check_wheel(workspace, package, wheel)
        _build(workspace, steps, folder / "wheels", "--all-packages")
        _test(workspace, package, steps, folder, pytest)


def _build(workspace: Workspace, steps: Steps, folder: Path, *options: str) -> None:
    """Build wheels with the locked build backend and the time of the commit: the same commit gives the same bytes."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": workspace.git("log", "-1", "--format=%ct").strip()}
    locked = ["--no-build-isolation", f"--python={sys.executable}"]
    steps.run("uv", "build", "--quiet", "--wheel", *locked, f"--out-dir={folder}", *options, environment=environment)


def _faults(workspace: Workspace, package: Package) -> Iterator[str]:
    if workspace.git("status", "--porcelain"):
        yield "The tree is not clean: commit or remove what `git status` names"
    if waiting := fragments(package):
        yield f"{waiting.total()} fragments wait: run `python -m tools.release prepare {package.name}`"
    if f"\n## {version_of(package)} (" not in (package.folder / "CHANGELOG.md").read_text(encoding="utf-8"):
        yield f"{package.relative('CHANGELOG.md')} says nothing of {version_of(package)}"
    tags = workspace.git("tag", "--points-at", "HEAD", "--list", f"{package.name}-v*").split()
    if tags and tags != [tag_of(package)]:
        yield f"This commit is tagged {', '.join(tags)}, and pyproject.toml makes it {tag_of(package)}"
    yield from map(str, check_ranges(workspace))


def _check_wheel(workspace: Workspace, package: Package, wheel: Path) -> None:
    """Refuse a wheel with another name, version or licence than the repository says."""
    with zipfile.ZipFile(wheel) as archive:
        info = next(name.partition("/")[0] for name in archive.namelist() if ".dist-info/" in name)
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        licence = archive.read(f"{info}/licenses/LICENSE")
    expected = {"Name": package.name, "Version": str(version_of(package)), "License-Expression": "Apache-2.0"}
    found = {field: metadata[field] for field in expected}
    if found != expected or licence != (workspace.root / "LICENSE").read_bytes():
        message = f"{wheel.name} says {found}, expected are {expected} and the LICENSE of the root"
        raise ReleaseError(message)


def _test(workspace: Workspace, package: Package, steps: Steps, folder: Path, pytest: list[str]) -> None:
    """Run tests in an environment that has all packages as wheels, and none of the sources on its path."""
    environment = folder / "environment"
    python = str(environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    sync = ["uv", "sync", "--quiet", "--frozen", "--no-install-workspace", f"--python={sys.executable}"]
    steps.run(*sync, environment={**os.environ, "UV_PROJECT_ENVIRONMENT": str(environment)})
    wheels = map(str, (folder / "wheels").glob("*.whl"))
    steps.run("uv", "pip", "install", "--quiet", f"--python={python}", *wheels)
    folders = [each.folder / "tests" for each in (package, *dependants(workspace, package))]
    tests = [str(path.relative_to(workspace.root)) for path in folders if path.is_dir()]
    if tests:
        steps.run(python, "-m", "pytest", "--quiet", *tests, *pytest)
