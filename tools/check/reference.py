"""The pages of the reference, which are generated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.check.workspace import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.check.workspace import Workspace


def check_reference(workspace: Workspace) -> Iterator[Finding]:
    """Look whether the pages in `docs/reference` say what models, commands and catalogue say now."""
    if not (workspace.root / "docs" / "reference").is_dir():
        return
    from tools.reference.pages import PAGES  # noqa: PLC0415 - takes the time of all models and commands

    for name, page in PAGES.items():
        path = f"docs/reference/{name}"
        if not (workspace.root / path).is_file() or workspace.text(path) != page():
            yield Finding(path, 1, "is out of date; run `uv run python -m tools.reference`")
