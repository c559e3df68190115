"""Starting and stopping services: for as long as a test runs, or until they are stopped by name."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tools.services.azurite import Azurite, AzuriteTls
from tools.services.iceberg_rest import IcebergRest
from tools.services.model import Running, Service
from tools.services.moto import Moto
from tools.services.postgres import Postgres
from tools.services.spark import SparkCluster, SparkConnect
from tools.services.vault import Vault
from tools.services.versitygw import VersityGw

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALL: tuple[Service, ...] = (
    Postgres(),
    IcebergRest(),
    Moto(),
    VersityGw(),
    Azurite(),
    AzuriteTls(),
    Vault(),
    SparkConnect(),
    SparkCluster(),
)
SERVICES: dict[str, Service] = {service.name: service for service in _ALL}
"""All services by name."""

_RECORD = "running.json"


@contextmanager
def started(name: str) -> Iterator[Running]:
    """Run a service, with a folder of its own that is removed afterwards.

    Raises:
        MissingError: it can't be had.
    """
    folder = _folder(name)
    try:
        running = SERVICES[name].start(folder)
        try:
            yield running
        finally:
            SERVICES[name].stop(running)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start(name: str) -> Running:
    """Start a service that runs until `stop`; return the one that runs when there is one.

    Raises:
        MissingError: it can't be had.
    """
    known = status(name)
    if known:
        return known
    folder = _folder(name)
    try:
        running = SERVICES[name].start(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    record = {"folder": str(running.folder), "pid": running.pid, "address": dict(running.address)}
    _record(name).write_text(json.dumps(record), encoding="utf-8")
    return running


def status(name: str) -> Running | None:
    """Return the service that `start` started, if it still runs."""
    try:
        record = json.loads(_record(name).read_text(encoding="utf-8"))
        os.kill(record["pid"], 0)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Running(name=name, folder=Path(record["folder"]), pid=record["pid"], address=record["address"])


def stop(name: str) -> bool:
    """Stop what `start` started, and remove its folder; return whether it ran."""
    running = status(name)
    if running:
        SERVICES[name].stop(running)
        shutil.rmtree(running.folder, ignore_errors=True)
    _record(name).unlink(missing_ok=True)
    return running is not None


def _folder(name: str) -> Path:
    """Return a new folder, which a server that runs as another user can get to."""
    return Path(tempfile.mkdtemp(prefix=f"datacoolie-{name}-"))


def _record(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"datacoolie-services-{os.getuid()}-{name}.json"
