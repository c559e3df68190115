"""The container of Avro files: a header, then blocks of rows, each closed by the file's marker.

Polars reads and writes whole files in memory. A header with a few blocks is a file too, and so they are handed to it a
part at a time. The format is that of the Avro specification, "Object Container Files".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

AvroType: TypeAlias = "str | list[AvroType] | dict[str, Any]"  # Any: JSON that nobody has checked
"""A type of a schema as JSON data: a name, a union, or a description."""

MARKER_BYTES = 16

_MAGIC = b"Obj\x01"
_LONG_BYTES = 10
_MORE = 0x80
"""The bit of a number's byte after which another one follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What stands before the blocks.

    Attributes:
        schema: the writer's schema, as JSON data.
        codec: how blocks are compressed: `null`, `deflate`, `snappy`, ...
        marker: 16 bytes that close each block.
    """

    schema: AvroType
    codec: str
    marker: bytes

    def encoded(self) -> bytes:
        """Return the header as it stands in a file."""
        entries = {"avro.schema": json.dumps(self.schema, separators=(",", ":")), "avro.codec": self.codec}
        pairs = b"".join(_text(name) + _text(value) for name, value in entries.items())
        return _MAGIC + encode_long(len(entries)) + pairs + b"\x00" + self.marker


def malformed(what: str) -> pl.exceptions.ComputeError:
    """Return the error for a file that is not as Avro files are; Polars' own, as readers raise it."""
    return pl.exceptions.ComputeError(f"avro: {what}")


def encode_long(value: int) -> bytes:
    """Return a whole number as Avro writes it: zigzag, seven bits a byte, lowest first."""
    value = (value << 1) ^ (value >> 63)
    encoded = bytearray()
    while value >= _MORE:
        encoded.append(value % _MORE | _MORE)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


class Container:
    """An Avro file that is read from its beginning to its end.

    Args:
        file: opened to read bytes, at its beginning.
        size: how many there are.

    Raises:
        polars.exceptions.ComputeError: it is no Avro file.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        """Read the header."""
        self._file = file
        self._size = size
        if file.read(len(_MAGIC)) != _MAGIC:
            message = "the file does not begin as Avro files do"
            raise malformed(message)
        entries = self._entries()
        try:
            schema = json.loads(entries.get("avro.schema", b""))
        except ValueError as error:
            message = f"the file's schema is not JSON: {error}"
            raise malformed(message) from error
        codec = entries.get("avro.codec", b"null").decode("utf-8", "replace")
        self.header = Header(schema=schema, codec=codec, marker=self._bytes(MARKER_BYTES))

    def blocks(self) -> Iterator[bytes]:
        """Yield the blocks, each as it stands in the file.

        Raises:
            polars.exceptions.ComputeError: a block is cut off, or not closed by the marker.
        """
        while self._file.tell() < self._size:
            rows, size = self._long(), self._long()
            data = self._bytes(size + MARKER_BYTES)
            if not data.endswith(self.header.marker):
                message = "a block does not end where it says"
                raise malformed(message)
            yield encode_long(rows) + encode_long(size) + data

    def _entries(self) -> dict[str, bytes]:
        entries: dict[str, bytes] = {}
        while count := self._long():
            if count < 0:
                self._long()  # the bytes of the entries, for readers that skip them
            for _ in range(abs(count)):
                name = self._bytes(self._long()).decode("utf-8", "replace")
                entries[name] = self._bytes(self._long())
        return entries

    def _long(self) -> int:
        value = 0
        for at in range(_LONG_BYTES):
            (byte,) = self._bytes(1)
            value |= byte % _MORE << (7 * at)
            if byte < _MORE:
                return (value >> 1) ^ -(value & 1)
        message = "a number is longer than numbers can be"
        raise malformed(message)

    def _bytes(self, size: int) -> bytes:
        """Read so many bytes; never ask for what the file does not have, for memory would be reserved for it."""
        if 0 <= size <= self._size - self._file.tell():
            return self._file.read(size)
        message = "the file ends in the middle of a block"
        raise malformed(message)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return encode_long(len(encoded)) + encoded
