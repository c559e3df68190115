"""DataCoolie moves data as one metadata document says: the same rows on every engine, each row once.

Three lines run a project:

    from datacoolie import Project

    Project.load("my_project").run()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datacoolie.core.exceptions import DataCoolieError
    from datacoolie.observability.log import configure_logging
    from datacoolie.orchestration.project import Project
    from datacoolie.plugins import (
        destination_registry,
        engine_registry,
        metadata_registry,
        platform_registry,
        resolver_registry,
        source_registry,
        transformer_registry,
    )

__all__ = [
    "DataCoolieError",
    "Project",
    "configure_logging",
    "destination_registry",
    "engine_registry",
    "metadata_registry",
    "platform_registry",
    "resolver_registry",
    "source_registry",
    "transformer_registry",
]

_HOMES = {
    "DataCoolieError": "datacoolie.core.exceptions",
    "Project": "datacoolie.orchestration.project",
    "configure_logging": "datacoolie.observability.log",
}


def __getattr__(name: str) -> object:
    """Import public names when they are first used: `import datacoolie` alone stays instant."""
    if name not in __all__:
        message = f"module 'datacoolie' has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(_HOMES.get(name, "datacoolie.plugins")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
