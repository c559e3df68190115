"""Power cuts: files are on disk before the commit that refers to them, and that commit before the state."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_FLAGS = os.O_RDWR if sys.platform == "win32" else os.O_RDONLY


def force_to_disk(paths: Iterable[str]) -> None:
    """Wait until local files would survive a power cut; URIs are left alone.

    Their folders are not forced: file systems with a journal write the name of a new file together with the file.

    Raises:
        OSError: the disk failed.
    """
    for path in paths:
        if "://" in path:
            continue
        descriptor = os.open(path, _FLAGS)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
