"""Sessions of a Spark Connect server."""

from __future__ import annotations

import socket
import time
import warnings
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from datacoolie.core.exceptions import ConfigurationError, EngineError, ErrorClass
from datacoolie_engine_spark.failures import translated

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PATIENCE = 20.0
"""Seconds for which a server is waited for that does not answer, at the beginning and in the middle of a load."""

_PORT = 15002
_PAUSE = 0.5
_RETRIES = {"max_retries": 6, "initial_backoff": 100, "backoff_multiplier": 2.0, "max_backoff": 10_000}
"""Waits of 0.1, 0.2, ... 3.2 seconds, and what the tries take; Spark's own would go on for ten minutes."""


def connect(url: str) -> SparkSession:
    """Begin a session of its own on a Spark Connect server.

    Args:
        url: `sc://host:port`, with parameters as Spark has them.

    Raises:
        ConfigurationError: the URL is not one of Spark Connect, what a client needs is not installed, or the server is
            another one than Spark's.
        EngineError: nobody answers there within `PATIENCE`.
    """
    host, port = _address(url)
    _wait_for(host, port)
    try:
        from pyspark.sql.connect.session import SparkSession as RemoteSession  # noqa: PLC0415 - needs grpc
    except ImportError as error:
        message = (
            f"Spark Connect needs the package {error.name!r}, which is not installed. Install it: "
            'pip install "datacoolie-engine-spark[local]"'
        )
        raise ConfigurationError(message) from error
    # Both classes have one interface.
    session = patient(cast("SparkSession", RemoteSession(connection=url)))
    _check_spark(session, f"sc://{host}:{port}")
    return session


def _check_spark(session: SparkSession, server: str) -> None:
    """Refuse servers that speak Spark's protocol and are not Spark, such as Sail: see ADR 0034.

    Spark's `version()` is its version and the revision that it was built from; others give their own version.
    """
    with translated():
        told = session.sql("select version()").head()
    if told and " " not in str(told[0]):
        session.stop()
        message = (
            f"The server at {server} is not Spark's own: it calls itself version {told[0]}. Servers such as Sail don't "
            "keep the token of a commit, so that rows could be loaded twice, and know neither DESCRIBE DETAIL nor the "
            "path of a row's file. Name a server of Spark"
        )
        raise ConfigurationError(message, {"server": server})


def patient(session: SparkSession) -> SparkSession:
    """Let a session of ours wait for its server no longer than it should."""
    from pyspark.sql.connect.client.retries import DefaultPolicy  # noqa: PLC0415 - needs grpc

    # What it warns of is raised, too.
    warnings.filterwarnings("ignore", message=r"\[RETRIES_EXCEEDED\]")
    session.client.set_retry_policies([DefaultPolicy(**_RETRIES)])  # type: ignore[operator,arg-type] # typed as a method
    return session


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError:
        parts, port = urlsplit(""), _PORT
    if parts.scheme != "sc" or not parts.hostname:
        shown = url.split(";", maxsplit=1)[0]
        message = f"{shown!r} is no URL of a Spark Connect server; write sc://HOST:PORT, such as sc://localhost:15002"
        raise ConfigurationError(message)
    return parts.hostname, port


def _wait_for(host: str, port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with socket.create_connection((host, port), timeout=max(deadline - time.monotonic(), _PAUSE)):
                return
        except OSError as error:
            if isinstance(error, socket.gaierror) or time.monotonic() + _PAUSE > deadline:
                message = (
                    f"No Spark Connect server answers at sc://{host}:{port} ({error.strerror or error}); it was waited "
                    f"for {PATIENCE:.0f} seconds. Start it, or correct the address"
                )
                raise EngineError(message, {"host": host, "port": port}).classed(ErrorClass.TRANSIENT) from error
        time.sleep(_PAUSE)
