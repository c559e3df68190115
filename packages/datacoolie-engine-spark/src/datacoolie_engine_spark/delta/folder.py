"""The folder of a Delta table: what may be in it, and where its files are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError, ErrorClass
from datacoolie.core.suggest import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacoolie.platforms import BasePlatform

_SHOWN = 5
"""How many files a message names."""


def refuse_foreign_files(platform: BasePlatform, folder: str) -> None:
    """Make no table of a folder that holds somebody's files.

    Raises:
        DestinationError: naming some of them.
    """
    relative = [file.path.removeprefix(folder).lstrip("/") for file in platform.list(folder)]
    foreign = [name for name in relative if not _may_be_ours(name)]
    # Spark marks folders of plain files that it wrote; what a first load that died has left has no such mark.
    if foreign or "_SUCCESS" in relative:
        shown = listed((foreign or relative)[:_SHOWN])
        message = (
            f"{folder}: this is no Delta table, but files are here ({shown}). Load into an empty folder, or "
            "move these files away"
        )
        raise DestinationError(message, {"path": folder}).classed(ErrorClass.CONFIGURATION)


def by_partition(uris: Iterable[str], root: str) -> dict[str, list[str]]:
    """Return paths of files by the folder of their partition, both as storage spells them.

    Args:
        uris: of files of the table, not quoted.
        root: of the table, not quoted.
    """
    root = _local(root).rstrip("/")
    found: dict[str, list[str]] = {}
    for uri in uris:
        relative = _local(uri).removeprefix(root).lstrip("/")
        folder, _, _ = relative.rpartition("/")
        found.setdefault(folder, []).append(f"{root}/{relative}")
    return found


def _local(uri: str) -> str:
    """Return the path of a local file, any other URI as it is."""
    return re.sub(r"^file:/+", "/", uri)


def _may_be_ours(relative: str) -> bool:
    """Whether a file below a folder may be what a first load that died has left, part of a log, or hidden."""
    *folders, name = relative.split("/")
    hidden = any(part.startswith(("_", ".")) for part in (*folders, name))
    return hidden or re.fullmatch(r"dc-.*|part-\d{5}-[0-9a-f-]{36}.*\.parquet", name) is not None
