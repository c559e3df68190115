"""Clones of this repository, in which tests release and add packages."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tools.check.workspace import Workspace
from tools.release.__main__ import main

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]


class Clone(Workspace):
    """A clone in which releases are made."""

    def release(self, *arguments: str) -> int:
        """Run the release tool and return its exit code."""
        return main(["--root", str(self.root), *arguments])

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=Change")

    def tagged(self, *tags: str) -> None:
        """Make it look as if packages were released just now."""
        for path in self.root.glob("packages/*/changes/*.md"):
            path.unlink()
        self.commit()
        for tag in tags:
            self.git("tag", tag)

    def planned(self, capsys: pytest.CaptureFixture[str]) -> list[str]:
        """Return the lines of the plan."""
        capsys.readouterr()
        assert self.release("plan") == 0  # noqa: S101 - a test's own assertion
        return capsys.readouterr().out.splitlines()

    def fresh(self) -> Clone:
        """Look again: what was read of the packages is kept."""
        return Clone(self.root)


def cloned(origin: Path, root: Path) -> Clone:
    """Clone a repository, so that commits can be made."""
    subprocess.run(["git", "clone", "--quiet", "--no-tags", str(origin), str(root)], check=True)
    found = Clone(root)
    found.git("config", "user.name", "Test")
    found.git("config", "user.email", "test@example.org")
    return found
