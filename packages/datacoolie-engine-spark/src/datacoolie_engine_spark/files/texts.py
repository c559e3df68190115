"""Text files as this process sees them: to know their header, and to say what is wrong with them."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datacoolie.platforms import BasePlatform

_GZIP = 16 + zlib.MAX_WBITS
"""What tells zlib that there is the header of gzip."""


def text_of(platform: BasePlatform, path: str) -> io.StringIO:
    """Return all text of a file, gzip'd or not, as far as it can be read; what is no UTF-8 is replaced."""
    return io.StringIO(bytes_of(platform, path).decode("utf-8", "replace"), newline="")


def bytes_of(platform: BasePlatform, path: str) -> bytes:
    """Return all bytes of a text file, gzip'd or not, as far as they can be read."""
    data = platform.read(path).data
    return _inflated(data) if path.endswith(".gz") else data


def beginning_of(platform: BasePlatform, path: str, size: int) -> bytes:
    """Return the text that the first bytes of a file hold, gzip'd or not.

    Raises:
        zlib.error: it is no gzip file.
    """
    data = platform.read_range(path, 0, size)
    return _inflated(data) if path.endswith(".gz") else data


def _inflated(data: bytes) -> bytes:
    return zlib.decompressobj(_GZIP).decompress(data)
