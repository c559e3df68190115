"""`datacoolie plan`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from datacoolie.cli.app import FAILED
from datacoolie.cli.options import flow_options, json_option, verbose_option
from datacoolie.cli.output import say, say_json, show
from datacoolie.core.marks import encode_value
from datacoolie.orchestration.project import Project

if TYPE_CHECKING:
    from datacoolie.orchestration.results import Plan, PlannedFlow


@click.command(name="plan")
@flow_options
@json_option
@verbose_option
def command(path: str, select: tuple[str, ...], *, as_json: bool, **where: str | None) -> int:
    """Show what a run would read and do.

    Shows for each flow what is new, since when, and what it promises when it is killed and run again. Writes nothing,
    and reads no data beyond what finding the window needs. PATH is a document, a folder of documents, or a project (a
    folder with datacoolie.yaml); by default the current folder.
    """
    return show_plan(Project.load(path, **where).plan(select), as_json=as_json)


def show_plan(plan: Plan, *, as_json: bool) -> int:
    """Print a plan and return the exit code: 1 when a flow can't run."""
    if as_json:
        for flow in plan:
            say_json(_as_json(flow))
    elif plan.flows:
        show(plan.table(), plan.remarks())
    else:
        say("no flow is active")
    return 0 if plan.ok else FAILED


def _as_json(flow: PlannedFlow) -> dict[str, object]:
    low = {name: encode_value(value) for name, value in flow.low.items()}
    return {**asdict(flow), "low": low}
