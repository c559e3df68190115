"""Where the files of servers come from: the cache, else a seed folder, else a package registry, once."""

from __future__ import annotations

import fcntl
import lzma
import os
import shutil
import tarfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEED = "DATACOOLIE_SERVICES_SEED"
"""The variable that names a folder of what would otherwise be installed: `NAME-VERSION.tar.*`, or one file as `.xz`."""

CACHE = "DATACOOLIE_SERVICES_CACHE"
"""The variable that names the cache's folder."""


def cache() -> Path:
    """Return the cache's folder; what root installs can be read by the users that servers run as."""
    named = os.environ.get(CACHE)
    if named:
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/cache/datacoolie/services")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "datacoolie/services"


def installed(name: str, install: Callable[[Path], None]) -> Path:
    """Return the cached folder `name`, filled from the seed or by `install` when it isn't there.

    Two processes that ask at the same time install once.
    """
    folder = cache() / name
    with _locked(cache(), name):
        if not folder.is_dir():
            partial = folder.with_name(f"{name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            archive = _seeded(name)
            if archive:
                _unpack(archive, partial, name)
            else:
                install(partial)
            partial.rename(folder)
    return folder


def _seeded(name: str) -> Path | None:
    seed = os.environ.get(SEED)
    found = [*Path(seed).glob(f"{name}.tar*"), *Path(seed).glob(f"{name}.xz")] if seed else []
    return next(iter(found), None)


def _unpack(archive: Path, folder: Path, name: str) -> None:
    """Unpack an archive; what is no archive is one program, called as the first part of its name."""
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        return
    program = folder / name.partition("-")[0]
    with lzma.open(archive) as packed, program.open("wb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)
    program.chmod(0o755)


@contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
