"""What a session is told so that Spark gets at the files of a connection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from datacoolie.core.redaction import get_logger
from datacoolie.platforms import Dialect

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from datacoolie.platforms.storage import Storage

OURS = "spark.datacoolie.started"
"""Is `true` in sessions of a Spark that this engine started, and set up."""

LOG_STORES = {f"spark.delta.logStore.{scheme}.impl": "datacoolie.spark.S3LogStore" for scheme in ("s3", "s3a")}
"""By which Delta's commits on S3 are made: see ADR 0035."""

_HADOOP = "fs."
_BUCKET = re.compile(r"s3a?://([^/]+)")

# What is said to Java is logged there, at level DEBUG.
get_logger("py4j.clientserver")


def is_ours(session: SparkSession) -> bool:
    """Whether this engine started the Spark; any other one has been told by somebody else how to get at files."""
    return session.conf.get(OURS, None) == "true"


def tell(session: SparkSession, storage: Storage, uri: str) -> None:
    """Set in a session of the engine's own what gets it at `uri`.

    In a Spark that somebody else set up that is only what the connection's `storage_options` say.

    Raises:
        PlatformError: there are no credentials, or the platform has no such paths.
    """
    if "://" not in uri and not storage.overrides:
        return
    options = storage.options(uri, Dialect.HADOOP) if is_ours(session) else storage.overrides
    bucket = _BUCKET.match(uri)
    for name, value in options.items():
        # A bucket has settings of its own: a flow may read from one account, and write to another.
        full = name.replace("fs.s3a.", f"fs.s3a.bucket.{bucket[1]}.") if bucket else name
        if name.startswith(_HADOOP) and session.conf.get(full, None) != value:
            session.conf.set(full, value)
