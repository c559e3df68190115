"""What a load did, as the run record says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.observability.records import CommitRecord, WindowRecord
from datacoolie.sources.watermarks import NULL_ROWS
from datacoolie.state import Mark

if TYPE_CHECKING:
    from datacoolie.core.marks import Json
    from datacoolie.engines import Observed, WriteResult
    from datacoolie.sources.base import Bound, Window
    from datacoolie.state import LoadState


def bound_values(bound: Bound | None) -> Json:
    """Return the values of a bound as JSON data; none without a bound."""
    return Mark(values=bound.values).to_json()["values"] if bound else {}


def window_record(window: Window, mark: Mark, observed: Observed) -> WindowRecord:
    """Return what was read, and the mark after it."""
    return WindowRecord(
        low=window.low.values if window.low else {},
        high=window.high.values if window.replayed and window.high else mark.values,
        replayed=window.replayed,
        files=len(window.files),
        size=window.size,
        version=window.version,
        null_watermarks=int(str(observed.get(NULL_ROWS, 0))),
    )


def commit_record(state: LoadState, result: WriteResult) -> CommitRecord:
    """Return what a commit did; `state` is the state after it."""
    return CommitRecord(
        epoch=state.epoch,
        seq=state.seq,
        version=result.version,
        rows=result.rows,
        inserted=result.inserted,
        updated=result.updated,
        deleted=result.deleted,
        size=result.size,
        files=result.files,
        removed_files=result.removed_files,
        schema_changes=result.schema_changes,
    )
