"""The ranges of the packages' requirements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.check.workspace import Finding, Package, Workspace

UNBOUNDED = frozenset({"pyarrow"})
"""Projects whose major number only counts their releases: an upper bound would say nothing."""


def check_ranges(workspace: Workspace) -> Iterator[Finding]:
    """Compare ranges between packages with versions, which uv ignores in a workspace; others have two bounds."""
    versions = {package.name: Version(str(package.project["version"])) for package in workspace.packages}
    for package in workspace.packages:
        for text in package.requirements():
            requirement = Requirement(text)
            name = canonicalize_name(requirement.name)
            if name in versions:
                yield from _internal(package, requirement, versions[name])
            elif name not in UNBOUNDED:
                yield from _bounded(package, requirement)


def internal_range(version: Version) -> SpecifierSet:
    """Return the range that a sibling asks for: `>=0.N,<0.N+1` before 1.0, then `>=N.M,<N+1`."""
    if version.major == 0:
        return SpecifierSet(f">=0.{version.minor},<0.{version.minor + 1}")
    return SpecifierSet(f">={version.major}.{version.minor},<{version.major + 1}")


def _internal(package: Package, requirement: Requirement, version: Version) -> Iterator[Finding]:
    if requirement.name == package.name and not requirement.specifier:
        return  # an extra made of the package's other extras
    if requirement.specifier != (expected := internal_range(version)):
        message = f"{requirement} is not the range of {requirement.name} {version}: expected {range_text(expected)}"
        yield package.found(str(requirement.name), message)


def _bounded(package: Package, requirement: Requirement) -> Iterator[Finding]:
    operators = {specifier.operator for specifier in requirement.specifier}
    if operators != {">=", "<"}:
        message = f"{requirement} needs a lower and an upper bound: >=oldest,<next major"
        yield package.found(str(requirement.name), message)


def range_text(specifiers: SpecifierSet) -> str:
    """Return a range as it is written here, the lower bound first."""
    return ",".join(sorted(map(str, specifiers), reverse=True))
