"""What a run leaves behind: one JSON record per flow, with a versioned schema."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from datacoolie.core.marks import encode_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from datacoolie.core.exceptions import ErrorClass

RECORD_VERSION = 1
"""Version of the record's schema; raised when a field changes its meaning or goes away."""


class FlowStatus(StrEnum):
    """How a flow of a run ended."""

    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Guarantee(StrEnum):
    """What a flow promises when it is killed and run again."""

    EFFECTIVELY_ONCE = "effectively-once"
    IDEMPOTENT = "idempotent"
    AT_LEAST_ONCE = "at-least-once"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRecord:
    """What a load read.

    Attributes:
        low: where it began, by watermark column: the mark, or what a look-back makes of it; empty on a first load.
        high: where it ended: the mark after this load, by watermark column.
        replayed: a range was replayed, from `low` (inclusive) to `high` (exclusive), in one or more chunks.
        files: files read.
        size: bytes of these files, as the listing says.
        version: version of the table read, when the source is a table.
        null_watermarks: rows without a value in any watermark column.
    """

    low: Mapping[str, object] = field(default_factory=dict)
    high: Mapping[str, object] = field(default_factory=dict)
    replayed: bool = False
    files: int = 0
    size: int = 0
    version: str | None = None
    null_watermarks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRecord:
    """The commit of a load: its token, what it wrote, where the table is now.

    Attributes:
        epoch: epoch of the token.
        seq: number of the load in the token.
        version: version of the destination after the commit.
        rows: rows written from the batch.
        inserted: rows of a merge that were new.
        updated: rows of a merge that matched.
        deleted: rows that a merge removed without another in their place.
        size: bytes written.
        files: files added.
        removed_files: files removed or replaced.
        schema_changes: how the destination's schema changed: `n: int -> bigint`.
    """

    epoch: int
    seq: int
    version: str
    rows: int
    inserted: int | None = None
    updated: int | None = None
    deleted: int | None = None
    size: int
    files: int
    removed_files: int
    schema_changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceRecord:
    """What was done to keep a destination small and fast.

    Attributes:
        destination: what was cared for, readable.
        joined_files: files that were joined or put in order.
        joined_size: their bytes.
        new_files: files that took their place.
        new_size: their bytes.
        removed_files: files that nobody needed, removed.
        removed_size: their bytes, as far as they are known.
        seconds: wall time.
        error: why it failed; empty when it did not.
    """

    destination: str
    joined_files: int = 0
    joined_size: int = 0
    new_files: int = 0
    new_size: int = 0
    removed_files: int = 0
    removed_size: int = 0
    seconds: float = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRecord:
    """Why a flow failed.

    Attributes:
        type: name of the exception.
        error_class: whether trying again can help.
        stage: what the load was doing.
        message: the exception's message.
    """

    type: str
    error_class: ErrorClass
    stage: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRecord:
    """One flow in one run.

    Attributes:
        run_id: the run.
        flow: name of the flow.
        dataflow_id: identity of the flow.
        group: its `stage` label.
        engine: name of the engine.
        load_type: how it loads.
        source: what it reads, readable.
        destination: what it writes, readable.
        status: how it ended.
        reason: why it was skipped or cancelled; empty otherwise.
        guarantee: what it promises.
        guarantee_reason: why it can promise that.
        started_at: UTC.
        ended_at: UTC.
        window: what was read, when something was.
        commit: what was written, when something was.
        durations: seconds by stage of the load.
        attempts: how often the load was planned.
        error: why it failed.
        maintenance: what was done for the destination after the commit, when the flow asks for it.
        schema_version: version of this record's schema.
    """

    run_id: str
    flow: str
    dataflow_id: str
    group: str | None
    engine: str
    load_type: str
    source: str
    destination: str
    status: FlowStatus
    reason: str = ""
    guarantee: Guarantee
    guarantee_reason: str
    started_at: datetime
    ended_at: datetime
    window: WindowRecord | None = None
    commit: CommitRecord | None = None
    durations: Mapping[str, float] = field(default_factory=dict)
    attempts: int = 1
    error: ErrorRecord | None = None
    maintenance: MaintenanceRecord | None = None
    schema_version: int = RECORD_VERSION

    @property
    def seconds(self) -> float:
        """Wall time of the flow."""
        return (self.ended_at - self.started_at).total_seconds()

    def to_json(self) -> dict[str, object]:
        """Return the record as JSON data: times as ISO text, marks by the rules for watermarks."""
        data = _fields(self)
        for name in ("window", "commit", "error", "maintenance"):
            data[name] = None if data[name] is None else _fields(data[name])
        for name in ("started_at", "ended_at"):
            data[name] = getattr(self, name).isoformat()
        if self.window is not None:
            for name in ("low", "high"):
                marks: Mapping[str, object] = getattr(self.window, name)
                data["window"][name] = {key: encode_value(value) for key, value in marks.items()}
        return data


def _fields(record: object) -> dict[str, Any]:
    """Return a record's fields by name; `dataclasses.asdict` would copy every value deeply."""
    return {field.name: getattr(record, field.name) for field in fields(record)}  # type: ignore[arg-type] # records are dataclasses
