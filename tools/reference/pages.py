"""Which pages are generated, by their path below `docs/reference`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.reference import benchmarks, commands, fields, functions, matrix

if TYPE_CHECKING:
    from collections.abc import Callable

PAGES: dict[str, Callable[[], str]] = {
    "benchmarks.md": benchmarks.page,
    "commands.md": commands.page,
    "connections.md": lambda: fields.page("Connections", fields.CONNECTIONS),
    "dataflows.md": lambda: fields.page("Dataflows", fields.DATAFLOWS),
    "functions.md": functions.page,
    "matrix.md": matrix.page,
    "project-file.md": lambda: fields.page("The project file", fields.PROJECT),
}
"""What makes each page."""
