"""Which distributions of the product, and of plugins for it, are installed."""

from __future__ import annotations

import platform
from importlib.metadata import distributions


def installed() -> list[tuple[str, str]]:
    """Return names and versions: the framework first, the others by name, Python last."""
    found = {
        dist.metadata["Name"]: dist.version
        for dist in distributions()
        if dist.metadata["Name"].startswith("datacoolie")
        or any(point.group.startswith("datacoolie.") for point in dist.entry_points)
    }
    others = sorted(item for item in found.items() if item[0] != "datacoolie-core")
    core = found.get("datacoolie-core", "not installed")
    return [("datacoolie-core", core), *others, ("Python", platform.python_version())]
