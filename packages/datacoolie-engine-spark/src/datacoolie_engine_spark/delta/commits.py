"""The log of a Delta table in a folder, by the files that it consists of: Spark would run a job for each look at it."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError
from datacoolie.platforms import PathNotFoundError
from datacoolie_engine_spark.delta.log import TABLE_ID, Log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datacoolie.platforms import BasePlatform
    from datacoolie_engine_spark.delta.log import Entry
    from datacoolie_engine_spark.session import Sessions

_VERSION = re.compile(r"(\d{20})\.(?:json|checkpoint\..*)")
_AT_ONCE = 16
"""How many commits are read in parallel, after the newest one."""

_SAID = re.compile(rb'\{\s*"(commitInfo|metaData)"')


class FileLog(Log):
    """The log of the table in one folder.

    Args:
        folder: of the table.
        target: the table, as SQL names it.
        platform: reads the files.
        sessions: where statements run.
    """

    def __init__(self, folder: str, target: str, platform: BasePlatform, sessions: Sessions) -> None:
        """Remember the table."""
        super().__init__(target, folder, sessions)
        self._folder = f"{folder}/_delta_log"
        self._platform = platform

    def detail(self) -> Mapping[str, object] | None:
        """Return what is in the checksum that Spark writes beside its commits; ask Spark without a whole one."""
        path = f"{self._folder}/{max(self._listed.values(), default=0):020}.crc"
        try:
            said = json.loads(self._platform.read(path).data)
            table, protocol = said["metadata"], said["protocol"]
            return {
                "id": table["id"],
                "location": self._where,
                "partitionColumns": table["partitionColumns"],
                "properties": table["configuration"],
                "numFiles": said["numFiles"],
                "sizeInBytes": said["tableSizeBytes"],
                "minWriterVersion": protocol["minWriterVersion"],
                "tableFeatures": protocol.get("writerFeatures", []),
            }
        except (PathNotFoundError, ValueError, KeyError):
            return super().detail()

    @property
    def version(self) -> int:
        """The newest version now."""
        found = self.opened_at
        while self._platform.stat(self._path(found + 1)) is not None:
            found += 1
        return found

    @property
    def opened_at(self) -> int:
        """The newest version when it was first asked for."""
        return max(self._listed.values())

    @cached_property
    def _listed(self) -> Mapping[str, int]:
        """The versions in the log by the names of their commits and checkpoints."""
        names = (_VERSION.fullmatch(file.path.rpartition("/")[2]) for file in self._platform.list(self._folder))
        return {name[0]: int(name[1]) for name in names if name}

    def _newest_first(self) -> Iterator[Entry]:
        versions = sorted((number for name, number in self._listed.items() if name == _name(number)), reverse=True)
        yield from map(self._entry, versions[:1])
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for at in range(1, len(versions), _AT_ONCE):
                yield from pool.map(self._entry, versions[at : at + _AT_ONCE])

    def _later(self, since: int) -> Iterator[Entry]:
        version = since + 1
        while self._platform.stat(self._path(version)) is not None:
            yield self._entry(version)
            version += 1

    def _path(self, version: int) -> str:
        return f"{self._folder}/{_name(version)}"

    def _entry(self, version: int) -> Entry:
        """Return what a commit says of itself, under the names that `DESCRIBE HISTORY` has.

        Raises:
            DestinationError: the file holds something else.
        """
        path = self._path(version)
        lines = self._platform.read(path).data.splitlines()
        try:
            said = {name: action for line in lines if _SAID.match(line) for name, action in json.loads(line).items()}
        except ValueError as error:
            message = f"{path}: this is no commit of a Delta table: {error}"
            raise DestinationError(message, {"path": path}) from error
        return {**said.get("commitInfo", {}), "version": version, TABLE_ID: said.get("metaData", {}).get("id")}


def _name(version: int) -> str:
    """Return what the file of a commit is called."""
    return f"{version:020}.json"
