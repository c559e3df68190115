"""How pyiceberg gets at manifests and metadata: as always, and on disk before the catalog shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pyarrow.fs import LocalFileSystem
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO

from datacoolie_engine_polars.durability import force_to_disk

if TYPE_CHECKING:
    from pyiceberg.io import OutputStream


class DurableFileIO(PyArrowFileIO):
    """Files of a warehouse; new ones on a local disk would survive a power cut once they are closed.

    A catalog in a database is on disk when it has committed: the table would be lost that it names an empty file for.
    """

    def new_output(self, location: str) -> PyArrowFile:
        """Return a file to be written."""
        file = super().new_output(location)
        if not isinstance(file._filesystem, LocalFileSystem):  # noqa: SLF001 - there is no other way to it
            return file
        return _DurableFile(location, file._path, file._filesystem, file._buffer_size)  # noqa: SLF001 - as above


class _DurableFile(PyArrowFile):
    def create(self, overwrite: bool = False) -> _Stream:  # noqa: FBT001, FBT002 - pyiceberg's signature
        return _Stream(super().create(overwrite), self._path)


class _Stream:
    """What pyiceberg needs of a stream."""

    def __init__(self, stream: OutputStream, path: str) -> None:
        self._stream, self._path, self._closed = stream, path, False

    def write(self, data: bytes) -> int:
        return self._stream.write(data)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._stream.close()
            force_to_disk([self._path])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
