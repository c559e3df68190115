"""Programs for Node, from npm."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tools.services import process, store

if TYPE_CHECKING:
    from pathlib import Path


def installed(name: str, version: str) -> Path:
    """Return the folder of a package, which is installed when it isn't there.

    Raises:
        MissingError: there is no Node or npm, or it can't be installed.
    """
    process.run(["node", "--version"], name)
    return store.installed(f"{name}-{version}", partial(_install, f"{name}@{version}")) / "node_modules" / name


def _install(package: str, folder: Path) -> None:
    options = ["--prefix", str(folder), "--no-audit", "--no-fund", "--silent"]
    process.run(["npm", "install", *options, package], package)
