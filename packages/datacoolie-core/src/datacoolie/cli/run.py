"""`datacoolie run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from datacoolie.cli.app import FAILED, INTERRUPTED, TERMINATED
from datacoolie.cli.options import flow_options, json_option, replay_options, verbose_option
from datacoolie.cli.output import complain, is_terminal, make_console, say, show
from datacoolie.cli.progress import JsonProgress, LineProgress, Progress
from datacoolie.cli.signals import Terminated, termination_interrupts
from datacoolie.observability.records import FlowStatus
from datacoolie.observability.report import failures, record_table, summary
from datacoolie.observability.units import counted
from datacoolie.orchestration.project import Project
from datacoolie.orchestration.results import Plan

if TYPE_CHECKING:
    from datacoolie.cli.app import Session


@click.command(name="run")
@flow_options
@click.option("-w", "--workers", type=click.IntRange(min=1), metavar="N", help="Flows at a time.")
@click.option("--dry-run", is_flag=True, help="Only plan.")
@replay_options
@json_option
@verbose_option
@click.pass_obj
def command(  # noqa: PLR0913 - click passes each option by name
    session: Session,
    /,
    path: str,
    select: tuple[str, ...],
    workers: int | None,
    *,
    dry_run: bool,
    replay: dict[str, object] | None,
    as_json: bool,
    **where: str | None,
) -> int:
    """Load what is new.

    Each flow reads what is new, transforms it, and commits it once; flows that do not wait for each other run side by
    side. With --start and --end each flow loads that range of its source again instead, chunk by chunk; a replay that
    was stopped goes on where it was. With --json the run prints a record per flow as it ends. PATH is a document, a
    folder of documents, or a project (a folder with datacoolie.yaml); by default the current folder.
    """
    project = Project.load(path, **where)
    progress = _progress(session, as_json=as_json)
    try:
        with termination_interrupts():
            result = project.run(select, workers=workers, dry_run=dry_run, replay=replay, listener=progress)
    except KeyboardInterrupt as interrupt:
        _report(progress, as_json=as_json)
        done = sum(record.status in {FlowStatus.SUCCEEDED, FlowStatus.SKIPPED} for record in progress.records)
        of_all = f"{done} of {counted(len(progress.flows), 'flow')} had finished"
        terminated = isinstance(interrupt, Terminated)
        how = "terminated" if terminated else "interrupted"
        complain(f"{how}; {of_all}.", "What was committed stays; run again to load the rest.")
        return TERMINATED if terminated else INTERRUPTED
    if isinstance(result, Plan):
        from datacoolie.cli.plan import show_plan  # noqa: PLC0415 - loads must not pay for it

        return show_plan(result, as_json=as_json)
    progress.check()
    _report(progress, as_json=as_json)
    return 0 if result.ok else FAILED


def _progress(session: Session, *, as_json: bool) -> Progress:
    if as_json:
        return JsonProgress()
    if not is_terminal():
        return LineProgress()
    from datacoolie.cli.live import LiveProgress  # noqa: PLC0415 - a pipe must not pay for rich

    # What is logged would tear a display that is drawn again and again.
    return LineProgress() if session.verbose else LiveProgress(make_console())


def _report(progress: Progress, *, as_json: bool) -> None:
    """Print the table, the run in one line, and the errors in full."""
    records = progress.in_order()
    if not as_json and is_terminal() and records:
        show(record_table(records), [summary(records)])
    elif not as_json:
        say(summary(records))
    for failure in failures(records):
        complain(failure)
