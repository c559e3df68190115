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


def install(*, spark: bool = False) -> Path:
    """Install our packages as they are now, and what they need as it is locked; return the Python that has them.

    Args:
        spark: with Spark, which brings numpy too.

    Raises:
        subprocess.CalledProcessError: something can't be installed; uv says what.
    """
    folder = ENVIRONMENT.with_name(f"{ENVIRONMENT.name}-spark") if spark else ENVIRONMENT
    ours = [f"--reinstall-package={path.parent.name}" for path in ROOT.glob("packages/*/pyproject.toml")]
    what = ["--package=datacoolie", "--extra=polars", "--extra=iceberg"]
    what += ["--package=datacoolie-engine-spark", "--extra=local"] if spark else []
    how = ["--frozen", "--quiet", "--no-default-groups", "--no-editable", "--compile-bytecode"]
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder)}
    command = ["uv", "sync", f"--python={sys.executable}", *how, *what, *ours]
    subprocess.run(command, check=True, cwd=ROOT, env=environment)
    return folder / "bin" / "python"


if __name__ == "__main__":
    arguments = sys.argv[1:]
    python = install(spark=any("spark" in argument for argument in arguments))
    sys.exit(subprocess.call([python, "-m", "tools.bench.run", *arguments]))
