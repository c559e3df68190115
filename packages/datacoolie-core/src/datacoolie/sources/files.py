"""Flat files as sources: one file, or all files of a format below a folder."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from fnmatch import fnmatch
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Generic, TypeVar

from datacoolie.core.exceptions import SourceError
from datacoolie.core.models import MODIFIED, FileSettings
from datacoolie.core.models.durations import parse_duration
from datacoolie.core.suggest import listed
from datacoolie.core.types import TimestampType
from datacoolie.engines import FileScan
from datacoolie.engines.places import location_of, storage_of
from datacoolie.sources.arrivals import Arrivals
from datacoolie.sources.base import BaseSource, Window
from datacoolie.sources.columns import FILE_COLUMNS, type_of
from datacoolie.sources.folders import DateFolders
from datacoolie.sources.watermarks import Watermarks
from datacoolie.state.views import live_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.core.types import DataType
    from datacoolie.engines import Observed
    from datacoolie.platforms import FileInfo
    from datacoolie.sources.base import Bound, Reading
    from datacoolie.state import Mark

Frame = TypeVar("Frame")

_TEXT = {"csv": 1, "json": 6, "jsonl": 6}
"""Formats of text, and the bytes of the shortest file that has a column: a shorter one, such as `[]`, is no fault."""

_SUFFIXES = {
    "parquet": (".parquet",),
    "csv": (".csv", ".csv.gz", ".csv.zst"),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson", ".jsonl.gz", ".jsonl.zst", ".ndjson.gz", ".ndjson.zst"),
    "avro": (".avro",),
    "excel": (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
}


class FileSource(BaseSource[Frame], Generic[Frame]):
    """Rows of flat files; the listing is frozen before reading and compared again before the commit.

    With `__file_modification_time` among the watermark columns, files are new or not as a whole, and only new ones are
    read. With other watermark columns all files are scanned but those in date folders that end before the window, rows
    outside of the window pruned by the engine, and an unchanged listing means that nothing is new.
    """

    @property
    def location(self) -> str:
        """The file's or folder's path."""
        return self._location

    @cached_property
    def _location(self) -> str:
        return location_of(self.flow.source, self.connection, self.platform)

    def window(self, mark: Mark | None) -> Window | None:
        """List the files and keep those that can hold new rows."""
        files = self._list(first=mark is None)
        if self.flow.source.by_files:
            return self._arrivals.window(files, mark)
        position = {"fingerprint": _fingerprint(files)}
        known = mark is not None and bool(self.flow.source.watermark_columns)
        if not files or (known and mark and mark.position.get("fingerprint") == position["fingerprint"]):
            return None
        low, high = self._watermarks.low(mark), None
        files = self._reaching(files, low)
        if not files:
            return None
        if self._watermarks.freezes:
            high = self._watermarks.high(self._scan(files), mark)
            if self._watermarks.is_behind(high, mark):
                return None
        return Window(mark=mark, low=low, high=high, files=files, position=position)

    def column_type(self, column: str) -> DataType:
        """Look at the schema of the files."""
        if column == MODIFIED:
            return TimestampType()
        schema = self.engine.frames.schema(self._scan(self._list(first=True)))
        return type_of(column, schema, self.location)

    def span(self, low: Bound, high: Bound, mark: Mark | None) -> Window | None:
        """List the files, and keep those that can hold rows of the span."""
        files = self._list(first=False)
        if MODIFIED in low.values:
            return self._arrivals.span(files, low, high, mark)
        # One file at least, for its columns: a load that replaces the span has to know them.
        files = self._reaching(files, low) or files[-1:]
        return Window(mark=mark, low=low, high=high, replayed=True, files=files) if files else None

    def read(self, window: Window) -> Reading[Frame]:
        """Scan the window's files, and keep the rows that are in its bounds."""
        frame = self._scan(window.files)
        if not self.engine.frames.schema(frame).keys() - FILE_COLUMNS:
            path = window.files[0].path
            message = f"{path}: there is not one column in it. Take the file away, or complete it"
            raise SourceError(message, {"path": path})
        if self._whole_files(window):
            return self._watermarks.read_all(frame)
        return self._watermarks.read(frame, window)

    def parquet_size(self, window: Window) -> int:
        """Return the bytes of the files, a third of those that are plain text."""
        return sum(file.size // (3 if self._is_plain_text(file) else 1) for file in window.files)

    def mark(self, window: Window, observed: Observed) -> Mark:
        """Return the newest modification time, or the largest values seen."""
        if not self.flow.source.by_files:
            return self._watermarks.mark(window, observed)
        newest = self._arrivals.mark(window)
        if window.replayed and window.mark and window.mark.values.get(MODIFIED) == newest:
            return window.mark
        rows = self._watermarks.mark(replace(window, high=None), observed)
        return replace(rows, values={**rows.values, MODIFIED: newest})

    def verify(self, window: Window) -> None:
        """Compare each file with what was listed."""
        for file, now in zip(window.files, self.platform.stat_files(file.path for file in window.files), strict=True):
            if now != file:
                message = (
                    f"{file.path}: the file {'changed' if now else 'went away'} while it was read; nothing was "
                    "written. "
                    "Write files elsewhere and move them here when they are complete, then run again"
                )
                raise SourceError(message, {"path": file.path})

    def _scan(self, files: tuple[FileInfo, ...]) -> Frame:
        return self.engine.files.scan(
            FileScan(
                format=self.connection.format,
                root=self.location,
                files=files,
                options={key: value for key, value in self._options().items() if key != "pathGlobFilter"},
                hive_partitioning=self._settings.use_hive_partitioning,
                file_columns=self._file_columns(),
                storage=storage_of(self.connection, self.platform),
            )
        )

    def _reaching(self, files: tuple[FileInfo, ...], low: Bound | None) -> tuple[FileInfo, ...]:
        """Leave out the files whose date folder ends before the window begins."""
        template = self._settings.date_folder_partitions
        if template is None or low is None:
            return files
        folders = DateFolders(template)
        at_mark = low.inclusive or self.flow.source.settings.watermark.boundary == "inclusive"
        since = replace(low, inclusive=at_mark)
        return tuple(file for file in files if folders.may_hold(self._relative(file), since))

    def _relative(self, file: FileInfo) -> str:
        return file.path.removeprefix(self.location).replace("\\", "/").lstrip("/")

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
        if file.size < _TEXT.get(self.connection.format, 0):
            return False
        name = PurePosixPath(file.path).name
        pattern = self._options().get("pathGlobFilter")
        if pattern is not None:
            return fnmatch(name, str(pattern))
        lock = name.startswith("~$")  # of a workbook that is open in Excel
        return not lock and name.lower().endswith(_SUFFIXES.get(self.connection.format, ()))

    def _is_plain_text(self, file: FileInfo) -> bool:
        return self.connection.format in _TEXT and not file.path.lower().endswith((".gz", ".zst"))

    def _nothing_there(self, everything: Sequence[FileInfo]) -> SourceError:
        what = f"{self.connection.format} file"
        if everything:
            names = listed([PurePosixPath(file.path).name for file in everything[:5]])
            message = (
                f"{self.location}: no {what} among {len(everything)} files ({names}). Files are chosen by their "
                "ending, or by read_options.pathGlobFilter; those of text that are empty don't count"
            )
        elif self.platform.exists(self.location):
            message = f"{self.location}: the folder is empty; there is no {what} to read"
        else:
            message = f"{self.location}: there is no such file or folder"
        return SourceError(message, {"path": self.location})

    def _whole_files(self, window: Window) -> bool:
        return MODIFIED in window.low.values if window.replayed and window.low else self.flow.source.by_files

    @cached_property
    def _watermarks(self) -> Watermarks[Frame]:
        """The watermark columns but for the time of files."""
        source = self.flow.source
        return Watermarks(
            self.engine.frames,
            [name for name in source.watermark_columns if name != MODIFIED],
            source.settings.watermark,
            backward=source.look_back(self.connection),
            where=self.location,
        )

    @property
    def _arrivals(self) -> Arrivals:
        source = self.flow.source
        lag = source.settings.watermark.lag
        return Arrivals(
            root=self.location,
            backward=source.look_back(self.connection),
            lag=parse_duration(lag) if lag else None,
        )

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
