"""The changelog fragments of the packages."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from tools.check.workspace import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.check.workspace import Package, Workspace

_NAME = re.compile(r"(?:\d+|\+[a-z0-9-]+)\.(?P<type>[a-z]+)(?:\.\d+)?\.md")


def check_fragments(workspace: Workspace) -> Iterator[Finding]:
    """Look at the fragments' names and that each package which changed since its last release has one."""
    types = _types(workspace)
    for package in workspace.packages:
        fragments = [path for path in sorted((package.folder / "changes").glob("*")) if path.name != ".gitkeep"]
        for path in fragments:
            name = package.relative(f"changes/{path.name}")
            match = _NAME.fullmatch(path.name)
            if not match or match["type"] not in types:
                expected = f"NUMBER.TYPE.md or +slug.TYPE.md, TYPE one of {', '.join(types)}"
                yield Finding(name, 1, f"not a fragment's name; expected {expected}")
            elif not path.read_text(encoding="utf-8").strip():
                yield Finding(name, 1, "the fragment is empty")
        if not fragments and _changed(workspace, package):
            message = f"{package.name} changed since its last release without a fragment in changes/"
            yield Finding(package.relative("changes"), 1, message)


def _types(workspace: Workspace) -> list[str]:
    settings = tomllib.loads((workspace.root / "pyproject.toml").read_text(encoding="utf-8"))
    return [entry["directory"] for entry in settings["tool"]["towncrier"]["type"]]


def _changed(workspace: Workspace, package: Package) -> bool:
    """Return whether what users install changed since the newest tag; a version in the changelog waits for its tag."""
    installed = [package.relative("src"), package.relative("pyproject.toml")]
    tag, version = workspace.newest_tag(package), str(package.project["version"])
    if tag != f"{package.name}-v{version}" and f"\n## {version} (" in _changelog(package):
        return False
    return tag is None or bool(workspace.git("diff", "--name-only", tag, "--", *installed))


def _changelog(package: Package) -> str:
    path = package.folder / "CHANGELOG.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""
