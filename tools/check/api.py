"""Public names, as the last release of each package has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import griffe

from tools.check.workspace import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.check.workspace import Package, Workspace

_COLOURS = re.compile(r"\x1b\[\d*m")


def check_api(workspace: Workspace) -> Iterator[Finding]:
    """Look for public names that went away or changed since the last release, without a fragment of type `breaking`.

    A name is public when an `__all__` lists it. The tag of the release is the record.
    """
    for package in workspace.packages:
        tag = workspace.newest_tag(package)
        source = package.relative("src")
        told = any((package.folder / "changes").glob("*.breaking*.md"))
        if tag and not told and workspace.git("diff", "--name-only", tag, "--", source):
            for module in package.modules:
                yield from _broken(workspace, package, module.name, tag)


def _broken(workspace: Workspace, package: Package, module: str, tag: str) -> Iterator[Finding]:
    folder = package.relative("src")
    old = griffe.load_git(
        module, ref=tag, repo=workspace.root, search_paths=[folder], resolve_aliases=True, allow_inspection=False
    )
    new = griffe.load(
        module,
        search_paths=[workspace.root / folder],
        resolve_aliases=True,
        allow_inspection=False,
        force_inspection=False,
    )
    public = set(_public(old))
    seen = set[str]()
    for breakage in griffe.find_breaking_changes(old, new):
        path = breakage.obj.canonical_path
        _, _, what = _COLOURS.sub("", breakage.explain(griffe.ExplanationStyle.ONE_LINE)).partition(": ")
        if what not in seen and any(f"{path}.".startswith(f"{name}.") for name in public):
            seen.add(what)
            name = f"{folder}/{breakage.obj.relative_package_filepath.as_posix()}"
            yield Finding(name, 1, f"{what} since {tag}, and no fragment of type breaking says so")


def _public(module: griffe.Object | griffe.Alias) -> Iterator[str]:
    """Yield where each name that an `__all__` lists is defined."""
    for name in module.exports or ():
        member = module.members.get(str(name))
        if member is not None:
            yield member.canonical_path
    for below in module.modules.values():
        if not below.is_alias:
            yield from _public(below)
