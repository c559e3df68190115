"""Paths that the command line is given."""

from __future__ import annotations

from pathlib import Path

from datacoolie.core.exceptions import MetadataError
from datacoolie.core.suggest import did_you_mean, listed

_SHOWN = 8


def existing(path: str) -> str:
    """Return `path` if something is there.

    Raises:
        MetadataError: nothing is; it names what is there instead.
    """
    wanted = Path(path)
    if wanted.exists():
        return path
    # The first part that is missing is where the typing slip is.
    missing = next(part for part in reversed((wanted, *wanted.parents)) if not part.exists())
    if not missing.parent.is_dir():
        message = f"{path}: there is no such file or folder: {missing.parent} is a file."
        raise MetadataError(message, {"path": path})
    names = sorted(item.name for item in missing.parent.iterdir() if not item.name.startswith("."))
    where = "the current folder" if missing.parent == Path() else str(missing.parent)
    more = ", ..." if len(names) > _SHOWN else ""
    message = (
        f"{path}: there is no such file or folder. In {where}: {listed(names[:_SHOWN])}{more}."
        f"{did_you_mean(missing.name, names)}"
    )
    raise MetadataError(message, {"path": path, "possible": names})
