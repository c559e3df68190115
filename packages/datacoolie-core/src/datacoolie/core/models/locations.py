"""Where data is: parts joined into one path or URI."""
# Locations are text, and pathlib takes ten times as long:
# ruff: noqa: PTH100, PTH111, PTH118

from __future__ import annotations

import ntpath
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def is_uri(text: str) -> bool:
    """Return whether `text` begins with a scheme such as `s3://`; a Windows drive is none."""
    return _URI.match(text) is not None


def resolve_location(location: str, folder: str | Path | None = None) -> str:
    """Return `location` as an absolute path without `..`, or as it is when it is a URI.

    Args:
        location: a path, absolute or relative, or a URI.
        folder: what a relative path starts from; by default the current folder.
    """
    if is_uri(location) or (os.name != "nt" and ntpath.splitdrive(location)[0]):
        return location
    # pathlib keeps `..`, for a symbolic link may stand before it; a document means its own folder's parent.
    return os.path.abspath(os.path.join(folder or ".", os.path.expanduser(location)))


def join_location(*parts: str | None) -> str:
    """Join a path or URI and what is below it with `/`; missing and empty parts are skipped."""
    first, *rest = [part for part in parts if part] or [""]
    return "/".join([first.rstrip("/") if rest else first, *(part.strip("/") for part in rest)])


_SQLITE = "sqlite:///"


def resolve_catalog(options: Mapping[str, str], folder: str | Path | None = None) -> dict[str, str]:
    """Return the options of a catalog in a SQL database with absolute paths; those of another catalog as they are.

    Args:
        options: `uri` may be `sqlite:///` and a path, `warehouse` a path or a URI.
        folder: what a relative path starts from; by default the current folder.
    """
    resolved = dict(options)
    uri, warehouse = options.get("uri", ""), options.get("warehouse")
    if options.get("type") == "sql":
        if uri.startswith(_SQLITE):
            resolved["uri"] = _SQLITE + resolve_location(uri.removeprefix(_SQLITE), folder)
        if warehouse is not None:
            resolved["warehouse"] = resolve_location(warehouse, folder)
    return resolved
