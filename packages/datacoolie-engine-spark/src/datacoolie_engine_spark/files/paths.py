"""Paths of files: as listings show them, and as Spark does."""

from __future__ import annotations

import re

_ODD = re.compile(r"[\[\]{}*?,\\]")


def to_read(path: str) -> str:
    """Return the pattern for which Spark takes a path that it reads: of this file alone."""
    return _ODD.sub(r"\\\g<0>", path)


def is_odd(path: str) -> bool:
    """Return whether a part of Spark that takes paths for patterns would not find the file."""
    return _ODD.search(path) is not None


def is_hidden(path: str) -> bool:
    """Return whether Spark passes over a file, even where it is named: its name begins with `_` or `.`."""
    name = path.rpartition("/")[2]
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def listed_path(root: str) -> str:
    """Return the SQL of the path of a row's file as a listing of `root` shows it.

    Spark's own column has the path as a URI, percent-encoded, with the scheme of its file system.
    """
    decoded = "url_decode(replace(_metadata.file_path, '+', '%2B'))"
    scheme, found, _ = root.partition("://")
    begin = f"{scheme}://" if found else "/"
    pattern = "^[A-Za-z0-9.+-]+://" if found else "^file:/+"
    return f"regexp_replace({decoded}, '{pattern}', '{begin}')"


def text(value: str) -> str:
    """Return a text as a literal of Spark SQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
