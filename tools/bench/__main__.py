"""`python -m tools.bench`: measure in an environment that has what users install, and nothing else.

That of development has two hundred distributions, all of which are looked through for plugins when a run starts, and
numpy, which pyarrow imports where it finds it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENT = Path.home() / ".cache" / "datacoolie-bench" / "environment"


def install() -> Path:
    """Install our packages as they are now, and what they need as it is locked; return the Python that has them.

    Raises:
        subprocess.CalledProcessError: something can't be installed; uv says what.
    """
    ours = [f"--reinstall-package={path.parent.name}" for path in ROOT.glob("packages/*/pyproject.toml")]
    what = ["--package=datacoolie", "--extra=polars", "--extra=iceberg", "--extra=spark"]
    how = [
        "--frozen",
        "--quiet",
        "--no-default-groups",
        "--no-editable",
        "--compile-bytecode",
        f"--python={sys.executable}",
    ]
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT)}
    subprocess.run(["uv", "sync", *how, *what, *ours], check=True, cwd=ROOT, env=environment)
    return ENVIRONMENT / "bin" / "python"


if __name__ == "__main__":
    sys.exit(subprocess.call([install(), "-m", "tools.bench.run", *sys.argv[1:]]))
