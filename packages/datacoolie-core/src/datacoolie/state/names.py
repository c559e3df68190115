"""Names of files that stand for dataflows."""

from __future__ import annotations

import hashlib
import re

_LONGEST = 150


def file_name(dataflow_id: str) -> str:
    """Return a name for a file or folder that differs for different ids, on any file system and in any URI.

    Lower-case letters, digits, `-` and `_` stay; other characters become `~` and the hexadecimal bytes of their UTF-8:
    upper case too, because some file systems ignore case. Very long names end in a hash instead.
    """
    name = re.sub(r"[^a-z0-9_-]", lambda match: f"~{match[0].encode().hex()}", dataflow_id)
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST // 2]}~~{hashlib.blake2b(dataflow_id.encode(), digest_size=16).hexdigest()}"
