"""Records and plans as people read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from datacoolie.core.exceptions import ErrorClass
from datacoolie.core.redaction import register_secret_values
from datacoolie.observability.records import (
    CommitRecord,
    ErrorRecord,
    FlowStatus,
    Guarantee,
    WindowRecord,
)
from datacoolie.observability.report import failures, record_line, summary
from datacoolie.orchestration.results import Plan, PlannedFlow, RunResult
from tests.records import succeeded

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

APPENDED = succeeded(
    START, seconds=1.234, rows=12345, window=WindowRecord(low={}, high={"order_id": 1010}, files=2, size=500)
)
MERGED = replace(
    APPENDED,
    flow="customers",
    guarantee=Guarantee.IDEMPOTENT,
    window=WindowRecord(low={"id": 4}, high={"id": 5}),
    commit=CommitRecord(epoch=1, seq=2, version="1", rows=5, inserted=2, updated=3, size=900, files=2, removed_files=1),
)
SKIPPED = replace(APPENDED, flow="plain", status=FlowStatus.SKIPPED, reason="nothing new", window=None, commit=None)
FAILED = replace(
    SKIPPED,
    flow="broken",
    status=FlowStatus.FAILED,
    reason="",
    error=ErrorRecord(type="SourceError", error_class=ErrorClass.DATA, stage="write", message="a.csv: 3 fields"),
)
CANCELLED = replace(SKIPPED, flow="after", status=FlowStatus.CANCELLED, reason="broken failed")
ALL = (APPENDED, MERGED, SKIPPED, FAILED, CANCELLED)


def test_lines_for_a_pipe() -> None:
    assert [record_line(record) for record in ALL] == [
        "orders: succeeded, 12,345 rows, 1 file, 3.10 kB, 1.23 s, mark start -> 1010, effectively-once",
        "customers: succeeded, 5 rows (2 new, 3 updated), 2 files, 900 B, 1.23 s, mark 4 -> 5, idempotent",
        "plain: skipped, nothing new, 1.23 s",
        "broken: failed, in write, 1.23 s",
        "after: cancelled, broken failed, 1.23 s",
    ]


def test_a_mark_that_did_not_move_is_said_once() -> None:
    record = replace(APPENDED, window=WindowRecord(low={"id": 4}, high={"id": 4}))
    assert "mark 4, " in record_line(record)


def test_a_flow_without_marks_shows_none() -> None:
    assert "mark" not in record_line(replace(APPENDED, window=WindowRecord()))


def test_summary() -> None:
    assert summary(ALL) == (
        "5 flows: 2 succeeded, 1 skipped, 1 failed, 1 cancelled; 12,350 rows, 4.00 kB written in 1.23 s"
    )
    assert summary([SKIPPED]) == "1 flow: 1 skipped; in 1.23 s"
    assert summary([]) == "0 flows: nothing to run"


def test_failures_say_flow_stage_and_message_without_secrets() -> None:
    register_secret_values("hunter2-report")
    error = ErrorRecord(type="E", error_class=ErrorClass.DATA, stage="commit", message="no right: hunter2-report")
    assert failures([*ALL, replace(FAILED, flow="secret", error=error)]) == [
        "broken failed in write: [SourceError] a.csv: 3 fields",
        "secret failed in commit: [E] no right: ***",
    ]


def test_a_result_prints_as_table_summary_and_errors() -> None:
    assert str(RunResult("r1", ALL)).split("\n") == [
        "flow       status       rows  new  updated  files  written    time  mark           guarantee",
        "orders     succeeded  12,345                    1  3.10 kB  1.23 s  start -> 1010  effectively-once",
        "customers  succeeded       5    2        3      2    900 B  1.23 s  4 -> 5         idempotent",
        "plain      skipped    nothing new",
        "broken     failed     in write after 1.23 s",
        "after      cancelled  broken failed",
        "",
        "5 flows: 2 succeeded, 1 skipped, 1 failed, 1 cancelled; 12,350 rows, 4.00 kB written in 1.23 s",
        "broken failed in write: [SourceError] a.csv: 3 fields",
    ]


def test_a_result_is_html_in_a_notebook() -> None:
    html = RunResult("r1", ALL)._repr_html_()
    assert repr(RunResult("r1", ALL)) == str(RunResult("r1", ALL))
    assert html.count("<tr>") == 6
    assert '<td colspan="8" style="text-align: left">nothing new</td>' in html


def planned(**changes: object) -> PlannedFlow:
    flow = PlannedFlow(
        flow="orders",
        wave=1,
        depends_on=(),
        source="landing.orders",
        destination="lake.orders",
        load_type="append",
        has_work=True,
        low={},
        files=2,
        size=500,
        guarantee=Guarantee.EFFECTIVELY_ONCE,
        guarantee_reason="the commit carries a token",
    )
    return replace(flow, **changes)  # type: ignore[arg-type] # a test's shorthand


def test_a_plan_prints_what_each_flow_would_do() -> None:
    plan = Plan(
        (
            planned(),
            planned(flow="large", depends_on=("orders",), files=0, low={"id": 7}, source="lake.orders"),
            planned(flow="same", has_work=False),
            planned(flow="odd", problem="scd2 is not supported yet"),
        )
    )
    assert not plan.ok
    assert str(plan).split("\n") == [
        "flow    load    reads           since  guarantee         from -> to                     after",
        "orders  append  2 files, 500 B  start  effectively-once  landing.orders -> lake.orders",
        "large   append  a table         7      effectively-once  lake.orders -> lake.orders     orders",
        "same    append  nothing new",
        "odd     append  can't run, see below",
        "",
        "odd can't run: scd2 is not supported yet",
        "effectively-once: the commit carries a token",
    ]


def test_a_plan_is_html_in_a_notebook() -> None:
    assert "landing.orders -&gt; lake.orders" in Plan((planned(),))._repr_html_()
