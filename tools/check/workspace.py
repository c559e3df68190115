"""What the checks look at: the packages of the workspace, its files, and findings about them."""

from __future__ import annotations

import subprocess
import tomllib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, and where; `path` is relative to the root."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        """Return `path:line: message`, which editors open."""
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Package:
    """A distribution below `packages/`."""

    root: Path
    folder: Path

    @cached_property
    def pyproject(self) -> str:
        """The text of its `pyproject.toml`."""
        return (self.folder / "pyproject.toml").read_text(encoding="utf-8")

    @cached_property
    def project(self) -> Mapping[str, object]:
        """Its table `[project]`."""
        table = tomllib.loads(self.pyproject)["project"]
        return table if isinstance(table, dict) else {}

    @property
    def name(self) -> str:
        """Its name, as an index normalizes it."""
        return canonicalize_name(str(self.project["name"]))

    @property
    def modules(self) -> list[Path]:
        """The import packages below `src`; none where only metadata is distributed."""
        return sorted(path for path in (self.folder / "src").glob("*") if path.is_dir() and path.suffix != ".egg-info")

    def table(self, name: str) -> Mapping[str, object]:
        """Return a table of `[project]`, empty where there is none."""
        table = self.project.get(name, {})
        return table if isinstance(table, dict) else {}

    def requirements(self) -> Iterator[str]:
        """Yield the requirements, also those of the extras, as they are written."""
        groups = [self.project.get("dependencies", []), *self.table("optional-dependencies").values()]
        for group in groups:
            if isinstance(group, list):
                yield from map(str, group)

    def found(self, text: str, message: str) -> Finding:
        """Return a finding at the first line of `pyproject.toml` that holds `text`."""
        lines = self.pyproject.splitlines()
        line = next((number for number, line in enumerate(lines, 1) if text in line), 1)
        return Finding(self.relative("pyproject.toml"), line, message)

    def relative(self, name: str) -> str:
        """Return the path of one of its files relative to the root."""
        return (self.folder / name).relative_to(self.root).as_posix()


@dataclass(frozen=True)
class Workspace:
    """The repository."""

    root: Path

    @cached_property
    def packages(self) -> list[Package]:
        """The distributions, by folder name."""
        return [Package(self.root, path.parent) for path in sorted(self.root.glob("packages/*/pyproject.toml"))]

    @cached_property
    def files(self) -> list[str]:
        """Paths of all files that are committed or would be, relative to the root."""
        listed = self.git("ls-files", "--cached", "--others", "--exclude-standard", "-z")
        return sorted(name for name in set(listed.split("\0")) if name and (self.root / name).is_file())

    def git(self, *arguments: str) -> str:
        """Run git in the root and return what it prints.

        Raises:
            subprocess.CalledProcessError: git refuses.
        """
        command = ["git", "-C", str(self.root), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout

    def newest_tag(self, package: Package) -> str | None:
        """Return the tag of a package's last release in the history; `None` before the first."""
        found = self.git("tag", "--list", f"{package.name}-v*", "--merged", "HEAD", "--sort=-version:refname")
        return next(iter(found.split()), None)

    def text(self, name: str) -> str | None:
        """Return the text of a file, or nothing when it is not UTF-8."""
        try:
            return (self.root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return None
