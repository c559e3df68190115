from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tools.check.workspace import Workspace
from tools.tests.clones import ROOT, Clone, cloned

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "LICENSE": "the licence\n",
    "README.md": "# Tree\n\n```console\n$ uv run pytest packages/one\n3 passed\n```\n",
    "pyproject.toml": (
        "[tool.uv.sources]\none = { workspace = true }\ndatacoolie-core = { workspace = true }\n"
        '[tool.coverage.run]\nsource_pkgs = ["datacoolie"]\n'
        '[tool.importlinter]\nroot_packages = ["datacoolie"]\n'
        '[[tool.towncrier.type]]\ndirectory = "added"\n[[tool.towncrier.type]]\ndirectory = "fixed"\n'
    ),
    "packages/datacoolie-core/LICENSE": "the licence\n",
    "packages/datacoolie-core/README.md": "# core\n",
    "packages/datacoolie-core/CHANGELOG.md": "# Changelog\n",
    "packages/datacoolie-core/changes/+start.added.md": "The start.\n",
    "packages/datacoolie-core/pyproject.toml": (
        "[project]\n"
        'name = "datacoolie-core"\n'
        'version = "0.3.1"\n'
        'dependencies = ["pydantic>=2,<3"]\n'
        "[project.scripts]\n"
        'tree = "json:loads"\n'
    ),
    "packages/datacoolie-core/src/datacoolie/__init__.py": "import json\n",
    "packages/datacoolie-core/src/datacoolie/py.typed": "",
    "packages/one/LICENSE": "the licence\n",
    "packages/one/README.md": "# one\n\n[core](../datacoolie-core/README.md)\n",
    "packages/one/CHANGELOG.md": "# Changelog\n",
    "packages/one/changes/7.fixed.md": "A fault.\n",
    "packages/one/pyproject.toml": (
        "[project]\n"
        'name = "one"\n'
        'version = "0.2.0"\n'
        'dependencies = ["datacoolie-core>=0.3,<0.4", "pyarrow>=21"]\n'
        "[project.optional-dependencies]\n"
        'more = ["polars>=2,<3"]\n'
        'all = ["one[more]"]\n'
    ),
}
"""A repository in which nothing is wrong."""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "tree"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", ".")
    git(root, "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "--quiet", "-m", "Start")
    return Workspace(root)


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True)


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the repository as before all first releases, and without pyspark, which would be built at each change."""
    root = tmp_path_factory.mktemp("origin")
    found = cloned(ROOT, root)
    for package in found.packages:
        text = re.sub(r'^version = ".*"', 'version = "0.1.0"', package.pyproject, flags=re.MULTILINE)
        text = re.sub(r'"(datacoolie[a-z-]*(?:\[[a-z,]*\])?)>=.*?"', r'"\1>=0.1,<0.2"', text)
        found.write(package.relative("pyproject.toml"), re.sub(r'"pyspark[^"]*",? ?', "", text))
        found.write(package.relative("CHANGELOG.md"), "# Changelog\n\n<!-- towncrier release notes start -->\n")
        found.write(package.relative("changes/+start.added.md"), "The start.\n")
    subprocess.run(["uv", "lock", "--quiet"], check=True, cwd=root)
    found.commit()
    return root


@pytest.fixture
def clone(origin: Path, tmp_path: Path) -> Clone:
    return cloned(origin, tmp_path / "clone")
