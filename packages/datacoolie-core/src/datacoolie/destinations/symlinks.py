"""Symlink manifests: which files are a table now, for engines that read lists of Parquet files but not Delta's log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.platforms import BasePlatform

FOLDER = "_symlink_format_manifest"
"""The folder of the manifests inside a table's folder; Delta's own name."""


def write_manifests(platform: BasePlatform, table: str, files: Mapping[str, Sequence[str]]) -> None:
    """Write one manifest for each partition, then remove those of partitions that are gone.

    Args:
        platform: where the table is.
        table: the table's folder.
        files: paths or URIs of data files by the folder of their partition (`a=1/b=2`), which is empty for a table
            without partitions: such a table has its manifest even when it has no file.

    Raises:
        PlatformError: the platform failed; manifests that were not reached are as before.
    """
    root = f"{table}/{FOLDER}"
    texts = {f"{root}/{folder}/manifest" if folder else f"{root}/manifest": paths for folder, paths in files.items()}
    for path, paths in texts.items():
        platform.write(path, "".join(f"{one}\n" for one in paths).encode())
    for file in platform.list(root):
        if file.path not in texts:
            platform.delete(file.path)
