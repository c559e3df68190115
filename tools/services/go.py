"""Programs in Go, built from the module proxy."""

from __future__ import annotations

import os
import shutil
from functools import partial
from typing import TYPE_CHECKING

from tools.services import process, store

if TYPE_CHECKING:
    from pathlib import Path


def program(name: str, version: str, module: str) -> str:
    """Return the path of a program: from PATH, else built when it isn't there.

    Args:
        name: of the program.
        version: of the module, without `v`.
        module: the path of its main package.

    Raises:
        MissingError: there is no Go, or it can't be built.
    """
    build = partial(_build, name, f"{module}@v{version}")
    return shutil.which(name) or str(store.installed(f"{name}-{version}", build) / name)


def _build(name: str, module: str, folder: Path) -> None:
    environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
    process.run(["go", "install", module], name, env=environment)
