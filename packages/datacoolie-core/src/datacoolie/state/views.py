"""What is in a folder of flat files now: which commits there are, and which files are rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import ErrorClass, SourceError
from datacoolie.state.manifest import CONTROL, FlowFolder, Manifest, list_flows, read_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacoolie.platforms.base import BasePlatform, FileInfo

_TRIES = 100
"""How often a listing is repeated because commits came in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A commit whose publication is not finished.

    Attributes:
        manifest: the commit.
        moving: not all of its files are in place.
    """

    manifest: Manifest
    moving: bool

    @property
    def hidden(self) -> tuple[str, ...]:
        """Files that readers leave out, below the table's folder."""
        return tuple(add.path for add in self.manifest.adds) if self.moving else self.manifest.removes


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What decides which files are part of a table: equal views of it mean that nothing happened in between.

    Attributes:
        newest: seq and epoch of the newest commit of each flow that has one.
        unfinished: publications by flow.
        flows: all that the folder of manifests holds, by flow.
    """

    newest: Mapping[str, tuple[int, int]]
    unfinished: Mapping[str, Publication]
    flows: Mapping[str, FlowFolder] = field(compare=False)


def look(platform: BasePlatform, root: str, control: str) -> View:
    """List the manifests of all flows, and read those whose publication may not be finished.

    Args:
        platform: where the table is.
        root: the table's folder.
        control: the folder of its manifests.

    Raises:
        DestinationError: the manifest of a commit is damaged.
    """
    unfinished = {}
    flows = list_flows(platform, control)
    for flow, listed in flows.items():
        if listed.may_be_unpublished:
            manifest = read_manifest(platform, f"{control}/{flow}/{listed.manifests[listed.newest]}")
            if manifest and (waiting := listed.staged_paths(manifest)):
                moving = any(f"{root}/{add.staged}" in waiting for add in manifest.adds)
                unfinished[flow] = Publication(manifest=manifest, moving=moving)
    newest = {flow: listed.newest for flow, listed in flows.items() if listed.manifests}
    return View(newest=newest, unfinished=unfinished, flows=flows)


def live_files(platform: BasePlatform, folder: str, before: View | None = None) -> tuple[FileInfo, ...]:
    """Return the files that are a table's rows now, sorted by path: all of a commit's files, or none.

    Files and folders whose names begin with `_` or `.` are left out, but not partitions (`_day=1`).

    Args:
        platform: where the table is.
        folder: the table's folder.
        before: an earlier look at it: it saves one if nothing was committed since.

    Raises:
        SourceError: commits come in all the time, so that no listing is of one moment.
        DestinationError: the manifest of a commit is damaged.
    """
    root = platform.resolve(folder)
    before = before or look(platform, root, f"{root}/{CONTROL}")
    for _ in range(_TRIES):
        files = tuple(platform.list(root))
        after = look(platform, root, f"{root}/{CONTROL}")
        if before == after:
            hidden = {f"{root}/{path}" for unfinished in after.unfinished.values() for path in unfinished.hidden}
            return tuple(file for file in files if is_visible(file.path[len(root) + 1 :]) and file.path not in hidden)
        before = after
    message = f"{root}: loads commit into this folder faster than it can be listed. Run again."
    raise SourceError(message, {"path": root}).classed(ErrorClass.TRANSIENT)


def is_file_name(name: str) -> bool:
    """Whether a target of this name is one file: it has an extension."""
    return re.search(r"[^.].*\.[A-Za-z][A-Za-z0-9]*$", name) is not None


def is_visible(relative: str) -> bool:
    """Whether a file is a row of the table, by its path below the table's folder."""
    return not any(part[0] == "." or (part[0] == "_" and "=" not in part) for part in relative.split("/"))
