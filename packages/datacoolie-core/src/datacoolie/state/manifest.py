"""Manifests: what one commit into a folder of flat files adds and removes, and where manifests are found.

TABLE/_datacoolie/FLOW/EPOCH-SEQ.json          a manifest
TABLE/_datacoolie/FLOW/staged/SEQ-RUN/...      files of a load that is not published yet
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError
from datacoolie.engines.model import Token
from datacoolie.platforms.base import PathNotFoundError
from datacoolie.state.shapes import json_field, json_object, json_time, json_typed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from datacoolie.core.marks import Json
    from datacoolie.platforms.base import BasePlatform, FileInfo

CONTROL = "_datacoolie"
"""The folder of manifests inside a table's folder; other readers skip names that begin with `_`."""

SCHEMA_VERSION = 1
"""Version of a manifest's JSON."""

_NAME = re.compile(r"(\d+)-(\d{12,})\.json")


class Mode(StrEnum):
    """What a commit does with the files that were there."""

    APPEND = "append"
    OVERWRITE = "overwrite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """A file that a commit adds.

    Attributes:
        staged: where it waits, below the table's folder.
        path: where it goes, below the table's folder.
        size: bytes.
    """

    staged: str
    path: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One commit.

    Attributes:
        token: whose load it is, and which.
        metadata: what the load stored with it.
        mode: append or overwrite.
        staging: the folder of its staged files, below the table's folder.
        adds: files it adds.
        removes: files it removes, below the table's folder.
        created_at: UTC.
    """

    token: Token
    metadata: Mapping[str, str]
    mode: Mode
    staging: str
    adds: tuple[Add, ...]
    removes: tuple[str, ...]
    created_at: datetime

    @property
    def name(self) -> str:
        """Name of its file: no two commits of one number in one epoch."""
        return f"{self.token.epoch}-{self.token.seq:012}.json"

    def to_bytes(self) -> bytes:
        """Return it as JSON text in UTF-8."""
        data = {
            "schema_version": SCHEMA_VERSION,
            "dataflow_id": self.token.dataflow_id,
            "epoch": self.token.epoch,
            "seq": self.token.seq,
            "mode": self.mode,
            "created_at": self.created_at.isoformat(),
            "metadata": dict(self.metadata),
            "staging": self.staging,
            "adds": [{"staged": a.staged, "path": a.path, "size": a.size} for a in self.adds],
            "removes": self.removes,
        }
        return json.dumps(data, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFolder:
    """What a listing shows of one flow's folder.

    Attributes:
        manifests: names of manifests by seq and epoch, newest last.
        staged: staged files by the name of their folder below `staged`.
    """

    manifests: dict[tuple[int, int], str] = field(default_factory=dict)
    staged: Mapping[str, Sequence[FileInfo]] = field(default_factory=dict)

    @property
    def newest(self) -> tuple[int, int]:
        """Seq and epoch of the newest manifest; zeros when there is none."""
        return next(reversed(self.manifests), (0, 0))

    @property
    def may_be_unpublished(self) -> bool:
        """Whether files of the newest manifest may still be staged: of a run that did not know that manifest yet."""
        return bool(self.manifests) and any(map(self.is_outdated, self.staged))

    def is_outdated(self, staged: str) -> bool:
        """Whether a folder of staged files is of a run that did not know the newest manifest when it staged them."""
        return 0 <= _base(staged) < self.newest[0]

    def old(self, kept: int) -> list[str]:
        """Return the names of manifests that nobody needs, all but the newest ones.

        A name that is free again may be taken by a run that slept: not before the files that it staged are gone.
        """
        oldest = min(map(_base, self.staged), default=None)
        numbers = [*self.manifests][:-kept]
        return [self.manifests[seq, epoch] for seq, epoch in numbers if oldest is None or seq <= oldest]

    def staged_paths(self, manifest: Manifest) -> frozenset[str]:
        """Return the files that still are in the staging folder of a manifest."""
        return frozenset(file.path for file in self.staged.get(manifest.staging.rpartition("/")[2], ()))


def _base(staged: str) -> int:
    """Return the number of the newest commit that a run knew when it staged; the run wants one of the next numbers."""
    base = staged.partition("-")[0]
    return int(base) if base.isdecimal() else -1


def list_flow(platform: BasePlatform, folder: str) -> FlowFolder:
    """List the folder of one flow."""
    return _flow_folder(platform.list(folder), folder)


def list_flows(platform: BasePlatform, control: str) -> dict[str, FlowFolder]:
    """List the folders of all flows in a folder of manifests, by name."""
    files: dict[str, list[FileInfo]] = {}
    for file in platform.list(control):
        files.setdefault(file.path[len(control) + 1 :].partition("/")[0], []).append(file)
    return {flow: _flow_folder(found, f"{control}/{flow}") for flow, found in files.items()}


def _flow_folder(files: Iterable[FileInfo], folder: str) -> FlowFolder:
    manifests: dict[tuple[int, int], str] = {}
    staged: dict[str, list[FileInfo]] = {}
    for file in files:
        name, _, below = file.path[len(folder) + 1 :].partition("/")
        if matched := _NAME.fullmatch(name):
            manifests[int(matched[2]), int(matched[1])] = name
        elif name == "staged" and "/" in below:
            staged.setdefault(below.partition("/")[0], []).append(file)
    return FlowFolder(manifests=dict(sorted(manifests.items())), staged=staged)


def read_manifest(platform: BasePlatform, path: str) -> Manifest | None:
    """Read a manifest; `None` when it has gone.

    Raises:
        DestinationError: it is damaged, or another version of the framework wrote it.
    """
    try:
        data = platform.read(path).data
    except PathNotFoundError:
        return None
    try:
        return _parse(json_object(json.loads(data), "a manifest"))
    except (ValueError, RecursionError) as error:
        message = (
            f"{path}: the manifest of a commit can't be read: {error}. "
            "Restore it, or use the version of datacoolie-core that wrote it."
        )
        raise DestinationError(message, {"path": path}) from error


def _parse(data: Mapping[str, Json]) -> Manifest:
    if data.get("schema_version") != SCHEMA_VERSION:
        message = f"its schema version is {data.get('schema_version')!r}, known is {SCHEMA_VERSION}"
        raise ValueError(message)
    metadata = json_object(json_field(data, "metadata"), "metadata")
    return Manifest(
        token=Token(
            dataflow_id=json_typed(data, "dataflow_id", str),
            epoch=json_typed(data, "epoch", int),
            seq=json_typed(data, "seq", int),
        ),
        metadata={name: json_typed(metadata, name, str) for name in metadata},
        mode=Mode(json_typed(data, "mode", str)),
        staging=json_typed(data, "staging", str),
        adds=tuple(_parse_add(json_object(add, "a file")) for add in json_typed(data, "adds", list)),
        removes=tuple(map(str, json_typed(data, "removes", list))),
        created_at=json_time(data, "created_at"),
    )


def _parse_add(data: Mapping[str, Json]) -> Add:
    return Add(
        staged=json_typed(data, "staged", str),
        path=json_typed(data, "path", str),
        size=json_typed(data, "size", int),
    )
