"""What `import datacoolie` brings along."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tools.check.workspace import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.check.workspace import Workspace

HEAVY = ("azure", "boto3", "click", "databricks", "deltalake", "hvac", "polars", "pyarrow", "pydantic", "pyiceberg")
HEAVIER = ("pyspark", "rich", "sqlglot", "yaml")
"""Top-level modules that are imported when they are needed and not before."""

SOURCE = "packages/datacoolie-core/src"


def check_imports(workspace: Workspace) -> Iterator[Finding]:
    """Import `datacoolie` in a fresh process and look for heavy modules."""
    loaded = imported_by("datacoolie", workspace)
    for name in (*HEAVY, *HEAVIER):
        if name in loaded:
            yield Finding(f"{SOURCE}/datacoolie/__init__.py", 1, f"import datacoolie brings {name} along")


def imported_by(module: str, workspace: Workspace) -> set[str]:
    """Return the names of all modules that a fresh process holds after one import.

    Raises:
        subprocess.CalledProcessError: the import fails.
    """
    code = f"import sys, {module}; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(workspace.root / SOURCE)}
    command = [sys.executable, "-P", "-c", code]
    return set(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split())
