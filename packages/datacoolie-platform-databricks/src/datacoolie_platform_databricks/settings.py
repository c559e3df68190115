"""What a project may set for the storage of the cloud."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from datacoolie.core.models import Model


class StorageSettings(Model):
    """How external locations are reached."""

    region: str | None = None
    """Theirs; by default that of the metastore."""
    storage_endpoint: str | None = None
    """Where their storage answers, when it isn't the cloud's own."""
    attempts: Annotated[int, Field(ge=1)] = 5
    """How often a request to that storage is sent at most when it is busy, or does not answer."""
    http_timeout_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 60
    """Seconds for which a request waits for an answer; databricks-sdk has this setting too."""
