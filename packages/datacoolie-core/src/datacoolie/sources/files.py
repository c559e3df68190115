"""Flat files as sources: one file, or all files of a format below a folder."""

from __future__ import annotations

import hashlib
from datetime import datetime
from fnmatch import fnmatch
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from datacoolie.core.exceptions import SourceError
from datacoolie.core.models import FileSettings
from datacoolie.core.suggest import listed
from datacoolie.engines import FileScan
from datacoolie.sources import watermarks
from datacoolie.sources.base import BaseSource, Window
from datacoolie.state import Mark
from datacoolie.state.folders import live_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.engines import Observation, Observed
    from datacoolie.platforms import FileInfo

Frame = TypeVar("Frame")

MODIFIED = "__file_modification_time"
"""The watermark column that makes files the unit of increment."""

FILE_COLUMNS = ("__file_name", "__file_path", MODIFIED)
"""Columns that every row of a file carries when the flow names them."""

_REMEMBERED = 500
"""How many file names a mark holds."""

_SUFFIXES = {
    "parquet": (".parquet",),
    "csv": (".csv", ".csv.gz", ".csv.zst"),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson", ".jsonl.gz", ".jsonl.zst", ".ndjson.gz", ".ndjson.zst"),
}


class FileSource(BaseSource[Frame], Generic[Frame]):
    """Rows of flat files; the listing is frozen before reading and compared again before the commit.

    With `__file_modification_time` as watermark column, files are new or not as a whole, and only new ones are read.
    With other watermark columns all files are scanned, rows at or below the mark pruned by the engine, and an
    unchanged listing means that nothing is new.
    """

    @property
    def location(self) -> str:
        """The file's or folder's path."""
        return self._location

    @cached_property
    def _location(self) -> str:
        source = self.flow.source
        return self.platform.resolve(self.connection.location(source.schema_name, source.table))

    def window(self, mark: Mark | None) -> Window | None:
        """List the files and keep the new ones."""
        files = self._list(first=mark is None)
        columns = self.flow.source.watermark_columns
        if columns == [MODIFIED]:
            return self._window_of_files(files, mark)
        position = {"fingerprint": _fingerprint(files)}
        if not files or (mark is not None and columns and mark.position == position):
            return None
        return Window(low=mark, files=files, position=position)

    def scan(self, window: Window) -> Frame:
        """Scan the window's files, above the mark."""
        frame = self.engine.files.scan(
            FileScan(
                format=self.connection.format,
                root=self.location,
                files=window.files,
                options={key: value for key, value in self._options().items() if key != "pathGlobFilter"},
                hive_partitioning=self._settings.use_hive_partitioning,
                file_columns=self._file_columns(),
                storage_options=self.platform.storage_options(self.location),
            )
        )
        return watermarks.above_mark(self.engine.frames, frame, self.row_watermarks, window.low, self.location)

    def observe(self, frame: Frame) -> Mapping[str, Observation[Frame]]:
        """Observe the largest watermark values; files as unit need none."""
        return watermarks.observations(self.engine.frames, frame, self.row_watermarks, self.location)

    def mark(self, window: Window, observed: Observed) -> Mark:
        """Return the largest modification time, or the largest values seen."""
        if self.flow.source.watermark_columns == [MODIFIED]:
            times = [file.modified for file in window.files]
            if window.low is not None and isinstance(low := window.low.values.get(MODIFIED), datetime):
                times.append(low)
            return Mark(values={MODIFIED: max(times)}, position=window.position)
        return watermarks.next_mark(window.low, self.row_watermarks, observed, window.position)

    def verify(self, window: Window) -> None:
        """Compare each file with what was listed."""
        for file in window.files:
            now = self.platform.stat(file.path)
            if now != file:
                message = (
                    f"{file.path}: the file {'changed' if now else 'went away'} while it was read; nothing was "
                    "written. "
                    "Write files elsewhere and move them here when they are complete, then run again"
                )
                raise SourceError(message, {"path": file.path})

    def _window_of_files(self, files: tuple[FileInfo, ...], mark: Mark | None) -> Window | None:
        """Keep the files that no earlier load has seen: newer than the mark, or arrived late with an older time.

        A file that is moved into the folder keeps its old time, so time alone would lose it: names of the newest
        `_REMEMBERED` files are part of the mark's position, and only files older than all of these go by time alone.
        """
        low = mark.values.get(MODIFIED) if mark else None
        new = files
        if mark is not None and isinstance(low, datetime):
            seen = set(cast("list[str]", mark.position.get("seen", [])))
            floor = mark.position.get("floor")
            since = datetime.fromisoformat(str(floor)) if floor else None
            new = tuple(
                file
                for file in files
                if file.modified > low or ((since is None or file.modified >= since) and self._key(file) not in seen)
            )
        if not new:
            return None
        known = sorted(files, key=lambda file: file.modified, reverse=True)
        position: dict[str, object] = {}
        if len(known) > _REMEMBERED:
            oldest = known[_REMEMBERED - 1].modified
            known = [file for file in known if file.modified >= oldest]
            position["floor"] = oldest.isoformat()
        position["seen"] = sorted(self._key(file) for file in known)
        return Window(low=mark, files=new, position=position)

    def _list(self, *, first: bool) -> tuple[FileInfo, ...]:
        """List the files of the format; an empty folder is an error until something was loaded from it."""
        if (single := self.platform.stat(self.location)) is not None:
            return (single,)
        everything = live_files(self.platform, self.location)
        files = tuple(file for file in everything if self._is_wanted(file))
        if files or (not first and everything):
            return files
        if not first and self.platform.exists(self.location):
            return ()
        raise self._nothing_there(everything)

    def _is_wanted(self, file: FileInfo) -> bool:
        name = PurePosixPath(file.path).name
        pattern = self._options().get("pathGlobFilter")
        if pattern is not None:
            return fnmatch(name, str(pattern))
        return name.lower().endswith(_SUFFIXES.get(self.connection.format, ()))

    def _nothing_there(self, everything: Sequence[FileInfo]) -> SourceError:
        what = f"{self.connection.format} file"
        if everything:
            names = listed([PurePosixPath(file.path).name for file in everything[:5]])
            message = (
                f"{self.location}: no {what} among {len(everything)} files ({names}). Files are chosen by their "
                "ending, or by read_options.pathGlobFilter"
            )
        elif self.platform.exists(self.location):
            message = f"{self.location}: the folder is empty; there is no {what} to read"
        else:
            message = f"{self.location}: there is no such file or folder"
        return SourceError(message, {"path": self.location})

    def _key(self, file: FileInfo) -> str:
        """Return a short name of the file, the same wherever the folder is mounted."""
        relative = file.path.removeprefix(self.location).replace("\\", "/").lstrip("/")
        return hashlib.blake2b(relative.encode(), digest_size=6).hexdigest()

    @property
    def row_watermarks(self) -> list[str]:
        """The watermark columns but for the time of files, by which whole files are new or not."""
        return [name for name in self.flow.source.watermark_columns if name != MODIFIED]

    def _options(self) -> Mapping[str, object]:
        return {**self._settings.read_options, **self.flow.source.settings.read_options}

    @property
    def _settings(self) -> FileSettings:
        return self.connection.settings_as(FileSettings)

    def _file_columns(self) -> frozenset[str]:
        """Return the file columns that anything in the flow names (except as the watermark that prunes the listing)."""
        text = self.flow.model_dump_json(exclude={"source": {"watermark_columns"}})
        return frozenset(name for name in FILE_COLUMNS if name in text)


def _fingerprint(files: Sequence[FileInfo]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(f"{file.path}\0{file.size}\0{file.etag}\n".encode())
    return digest.hexdigest()
