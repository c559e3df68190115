"""What stands for Fabric's `notebookutils` in tests: it refuses calls that its public stub does not have."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING
from unittest.mock import MagicMock, create_autospec

from tools.services import process, store

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

STUB = "1.6.3"


def stand_in() -> MagicMock:
    """Return a stand-in with `credentials`, `fs` and `runtime`; what calls return is for the test to say.

    Raises:
        MissingError: the stub can't be had.
    """
    package = store.installed(f"dummy-notebookutils-{STUB}", _install) / "notebookutils"
    parts = {name: create_autospec(_loaded(package / f"{name}.py")) for name in ("credentials", "fs")}
    found = MagicMock(spec=["credentials", "fs", "runtime", "__spec__"], **parts)
    found.__spec__ = ModuleSpec("notebookutils", None)
    found.runtime.context = {}
    return found


def _loaded(file: Path) -> ModuleType:
    """Load a module of the stub under another name: installed under its own, it would look like Fabric everywhere."""
    spec = importlib.util.spec_from_file_location(f"stub_of_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ImportError(file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _install(folder: Path) -> None:
    package = f"dummy-notebookutils=={STUB}"
    command = ["uv", "pip", "install", "--no-deps", "--target", str(folder), "--python", sys.executable, package]
    process.run(command, "notebookutils")
