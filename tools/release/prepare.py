"""What is due, and the commit before a release: version, changelog, ranges of dependants, lock."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.check.ranges import internal_range, range_text
from tools.release.model import ReleaseError, Steps, dependants, fragments, in_order, needs, next_version, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.version import Version

    from tools.check.workspace import Package, Workspace


def plan(workspace: Workspace) -> Iterator[str]:
    """Yield a line for each package that is due: by its fragments, or because one leaves the range that it asks for."""
    moved: set[str] = set()
    for package in in_order(workspace.packages):
        follows, changes = sorted(needs(package) & moved), fragments(package)
        if not changes and not follows:
            continue
        version = next_version(workspace, package, [*changes, *("changed" for _ in follows)])
        if internal_range(version) != internal_range(version_of(package)):
            moved.add(package.name)
        why = [
            *(f"{count} {kind}" for kind, count in sorted(changes.items())),
            *(f"follows {name}" for name in follows),
        ]
        needed = ", ".join(each.name for each in dependants(workspace, package))
        yield f"{package.name} {version}: {', '.join(why)}" + (f"; needed by {needed}" if needed else "")


def prepare(workspace: Workspace, package: Package, steps: Steps, version: Version | None) -> None:
    """Write version, changelog, lock, and the ranges of dependants where the version leaves them.

    Args:
        workspace: the repository.
        package: what is to be released.
        steps: does it.
        version: another version than the one that follows from the fragments.

    Raises:
        ReleaseError: nothing changed since the last release, or a command fails.
    """
    if not (changes := fragments(package)):
        message = f"{package.name} has no fragments in changes/: there is nothing to release"
        raise ReleaseError(message)
    version = version or next_version(workspace, package, changes)
    steps.run("uv", "version", "--quiet", "--frozen", f"--package={package.name}", str(version))
    towncrier = [sys.executable, "-m", "towncrier", "build", "--yes", "--config=pyproject.toml"]
    steps.run(*towncrier, f"--dir={package.folder.relative_to(workspace.root)}", f"--version={version}")
    for other in dependants(workspace, package):
        _ask_for(package.name, version, other, steps)
    steps.run("uv", "lock", "--quiet")


def _ask_for(name: str, version: Version, dependant: Package, steps: Steps) -> None:
    """Have `dependant` ask for the range of this version, and tell its users."""
    text, expected = dependant.pyproject, internal_range(version)
    for written in dependant.requirements():
        requirement = Requirement(written)
        if canonicalize_name(requirement.name) == name:
            extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
            text = text.replace(f'"{written}"', f'"{requirement.name}{extras}{range_text(expected)}"')
    if text != dependant.pyproject:
        steps.write(dependant.folder / "pyproject.toml", text)
        fragment = f"+{name}-{version.major}-{version.minor}.changed.md"
        steps.write(dependant.folder / "changes" / fragment, f"It needs {name} {range_text(expected)}.\n")
