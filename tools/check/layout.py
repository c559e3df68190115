"""The files that every package has, and those that none has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.check.workspace import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.check.workspace import Package, Workspace

REQUIRED = ("LICENSE", "README.md", "CHANGELOG.md")


def check_layout(workspace: Workspace) -> Iterator[Finding]:
    """Look for required files, the one licence, type markers, and tests among what is installed."""
    licence = (workspace.root / "LICENSE").read_bytes()
    for package in workspace.packages:
        yield from _missing(package)
        if (package.folder / "LICENSE").is_file() and (package.folder / "LICENSE").read_bytes() != licence:
            yield Finding(package.relative("LICENSE"), 1, "differs from the LICENSE of the root")
        for path in sorted((package.folder / "src").rglob("*.py")):
            if path.stem.startswith("test_") or path.stem == "conftest" or path.parent.name == "tests":
                name = path.relative_to(workspace.root).as_posix()
                yield Finding(name, 1, "a test would be installed; tests are beside src, not in it")
    yield from _same_numbers(workspace)


def _same_numbers(workspace: Workspace) -> Iterator[Finding]:
    """Look for decisions of one number: two may have been written at the same time."""
    taken: dict[str, str] = {}
    for path in sorted((workspace.root / "docs" / "adr").glob("*.md")):
        number = path.name.partition("-")[0]
        if number in taken:
            name = path.relative_to(workspace.root).as_posix()
            yield Finding(name, 1, f"has the number of {taken[number]}; take the next one that is free")
        taken.setdefault(number, path.name)


def _missing(package: Package) -> Iterator[Finding]:
    markers = [(module / "py.typed").relative_to(package.folder).as_posix() for module in package.modules]
    for name in (*REQUIRED, *markers):
        if not (package.folder / name).is_file():
            yield Finding(package.relative(name), 1, "is missing")
