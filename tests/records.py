"""Run records for tests that show or store them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from datacoolie.observability.records import CommitRecord, FlowRecord, FlowStatus, Guarantee, WindowRecord

if TYPE_CHECKING:
    from datetime import datetime


def succeeded(started: datetime, *, seconds: float, rows: int, window: WindowRecord) -> FlowRecord:
    """Return the record of a flow called `orders` that appended `rows` in one file of 3.1 kB."""
    return FlowRecord(
        run_id="r1",
        flow="orders",
        dataflow_id="1",
        group=None,
        engine="polars",
        load_type="append",
        source="landing.orders",
        destination="lake.orders",
        status=FlowStatus.SUCCEEDED,
        guarantee=Guarantee.EFFECTIVELY_ONCE,
        guarantee_reason="the commit carries a token",
        started_at=started,
        ended_at=started + timedelta(seconds=seconds),
        window=window,
        commit=CommitRecord(epoch=1, seq=1, version="0", rows=rows, size=3100, files=1, removed_files=0),
    )
