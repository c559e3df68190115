"""What releases are about: versions, tags, fragments, and which package needs which."""

from __future__ import annotations

import shlex
import subprocess
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tools.check.workspace import Package, Workspace

BREAKING = frozenset({"breaking", "removed"})
NEW = frozenset({"added", "changed", "deprecated"})
"""Types of fragments that move more than the last part of a version; the other ones are repairs."""


class ReleaseError(Exception):
    """A release can't go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Does what a release consists of, and says it; a dry run only says it.

    Attributes:
        root: the repository.
        dry_run: whether nothing is changed.
    """

    root: Path
    dry_run: bool = False

    def run(self, *command: str, environment: Mapping[str, str] | None = None) -> None:
        """Run a command in the root.

        Raises:
            ReleaseError: it fails.
        """
        print(f"$ {shlex.join(command)}", flush=True)
        if self.dry_run:
            return
        if code := subprocess.run(command, check=False, cwd=self.root, env=environment).returncode:
            message = f"{shlex.join(command)} ended with {code}"
            raise ReleaseError(message)

    def write(self, path: Path, text: str) -> None:
        """Write a file."""
        print(f"write {path}", flush=True)
        if not self.dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def version_of(package: Package) -> Version:
    """Return the version that its `pyproject.toml` says."""
    return Version(str(package.project["version"]))


def tag_of(package: Package) -> str:
    """Return the tag of the version that its `pyproject.toml` says."""
    return f"{package.name}-v{version_of(package)}"


def find_package(workspace: Workspace, name: str) -> Package:
    """Return the package of a name, or of the tag of its version.

    Raises:
        ReleaseError: there is no such package, or the tag is of another version.
    """
    for package in workspace.packages:
        if name in {package.name, tag_of(package)}:
            return package
    message = f"{name!r} is none of {', '.join(f'{each.name} ({tag_of(each)})' for each in workspace.packages)}"
    raise ReleaseError(message)


def fragments(package: Package) -> Counter[str]:
    """Return how many changelog fragments of each type wait."""
    paths = (package.folder / "changes").glob("*.md")
    return Counter(path.name.removeprefix("+").split(".")[1] for path in paths)


def needs(package: Package) -> set[str]:
    """Return the names of all that it requires, extras included, itself not."""
    return {str(canonicalize_name(Requirement(text).name)) for text in package.requirements()} - {package.name}


def dependants(workspace: Workspace, package: Package) -> list[Package]:
    """Return the packages that require a package directly."""
    return [other for other in workspace.packages if package.name in needs(other)]


def in_order(packages: Iterable[Package]) -> list[Package]:
    """Return the packages, each after those that it needs.

    Raises:
        ReleaseError: some need each other.
    """
    waiting = list(packages)
    ordered: list[Package] = []
    while waiting:
        names = {package.name for package in waiting}
        ready = [package for package in waiting if not needs(package) & names]
        if not ready:
            message = f"These packages need each other: {', '.join(sorted(names))}"
            raise ReleaseError(message)
        ordered += ready
        waiting = [package for package in waiting if package not in ready]
    return ordered


def next_version(workspace: Workspace, package: Package, kinds: Iterable[str]) -> Version:
    """Return the version after changes of these types; a package that was never released has its own already.

    From 1.0 on as semantic versioning says. Before it everything moves one place to the right, but an addition counts
    as much as a break, so that the ranges between packages can say which addition they need.
    """
    if not (tag := workspace.newest_tag(package)):
        return version_of(package)
    major, minor, patch = Version(tag.removeprefix(f"{package.name}-v")).release
    if not set(kinds) & (BREAKING | NEW):
        return Version(f"{major}.{minor}.{patch + 1}")
    if major and set(kinds) & BREAKING:
        return Version(f"{major + 1}.0.0")
    return Version(f"{major}.{minor + 1}.0")
