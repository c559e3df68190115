"""`datacoolie check`."""

from __future__ import annotations

from dataclasses import asdict

import click

from datacoolie.cli.app import FAILED
from datacoolie.cli.options import json_option, path_argument, verbose_option, where_options
from datacoolie.cli.output import complain, say, say_json
from datacoolie.observability.units import counted
from datacoolie.orchestration.project import Project


@click.group(name="check")
def command() -> None:
    """Prove what has to be true of tables."""


@command.command(name="scd2")
@click.argument("table")
@path_argument
@where_options
@json_option
@verbose_option
def scd2(table: str, path: str, *, as_json: bool, **where: str | None) -> int:
    """Prove that a TABLE is a history.

    No two versions of a key overlap, none ends before it begins, one at most holds, and where nothing deletes there is
    no gap. TABLE is the flow of load type scd2 that writes it, or the table of its destination.
    """
    found = Project.load(path, **where).check_history(table)
    if as_json:
        say_json({**asdict(found), "ok": found.ok})
    for fault in [] if as_json else found.faults:
        key = "" if fault.example is None else f" (such as that of key {fault.example})"
        complain(f"{found.table}: {counted(fault.rows, 'version')}{key}: {fault.what}")
    if found.ok and not as_json:
        say(f"{found.table}: a history of {counted(found.rows, 'version')}, of which {found.current:,} hold")
    return 0 if found.ok else FAILED
