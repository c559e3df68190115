"""Paths of volumes: `/Volumes/catalog/schema/volume/...`."""

from __future__ import annotations

from datacoolie.core.exceptions import ErrorClass, PlatformError

ROOT = "/Volumes"
_DBFS = "dbfs:"
_DEPTH = 3
"""Catalog, schema and volume."""


def is_on_volume(path: str) -> bool:
    """Whether a path is one of volumes, with `dbfs:` before it or without."""
    return f"{path.removeprefix(_DBFS)}/".startswith(f"{ROOT}/")


def parse(path: str) -> str:
    """Return a path of a volume without `dbfs:`, double slashes and a slash at its end; nothing in it is escaped.

    Raises:
        PlatformError: it is none, or leads out of its folder by `..`.
    """
    if not is_on_volume(path):
        message = (
            f"{path!r} is not on platform 'databricks', which has volumes. Write "
            f"{ROOT}/catalog/schema/volume/folder{_reason(path)}."
        )
        raise _refused(message, path)
    parts = [part for part in path.removeprefix(_DBFS).split("/") if part]
    if "\0" in path or {".", ".."} & set(parts):
        message = f"{path!r}: a path of a volume has no parts '.' or '..'. Write the folder's own path."
        raise _refused(message, path)
    if len(parts) <= _DEPTH:
        message = f"{path!r} names no volume. Write {ROOT}/catalog/schema/volume/folder."
        raise _refused(message, path)
    return "/" + "/".join(parts)


def parse_file(path: str) -> str:
    """Return the path of a file or folder in a volume.

    Raises:
        PlatformError: it is none, or a whole volume.
    """
    parsed = parse(path)
    if parsed.count("/") == _DEPTH + 1:
        message = f"{path!r} is a whole volume. Write {parsed}/name."
        raise _refused(message, path)
    return parsed


def _reason(path: str) -> str:
    if path.startswith("/Workspace/"):
        return "; files of the workspace are there on a cluster only"
    if path.startswith(_DBFS):
        return "; other folders of DBFS are for Databricks itself"
    return "; external locations need datacoolie-platform-databricks[sdk]" if path.startswith("s3") else ""


def _refused(message: str, path: str) -> PlatformError:
    return PlatformError(message, {"path": path}).classed(ErrorClass.CONFIGURATION)


def refuse_swap(path: str) -> PlatformError:
    """Return the error for a write on a condition, which nothing in front of a volume has."""
    message = (
        f"{path!r} is in a volume, where nothing makes sure that of two writers one wins. Have the state, and folders "
        "of flat files that are written, in an external location: s3://... or abfss://...."
    )
    return _refused(message, path)
