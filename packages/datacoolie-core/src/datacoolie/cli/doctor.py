"""`datacoolie doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from datacoolie.cli.app import FAILED
from datacoolie.cli.options import flow_options, json_option, verbose_option
from datacoolie.cli.output import say, say_json, show
from datacoolie.cli.versions import installed
from datacoolie.observability.render import Column, Row, Table, clean
from datacoolie.observability.units import counted
from datacoolie.orchestration.project import Project

if TYPE_CHECKING:
    from datacoolie.orchestration.doctor import Check

_COLUMNS = (
    Column(title="what"),
    Column(title="check"),
    Column(title="result"),
    Column(title="found"),
)
_RESULTS = {True: "ok", False: "finding", None: "not tried"}


@click.command(name="doctor")
@flow_options
@json_option
@verbose_option
def command(path: str, select: tuple[str, ...], *, as_json: bool, **where: str | None) -> int:
    """Try everything that flows need: storage, catalogs, secrets, clocks.

    PATH is a document, a folder of documents, or a project (a folder with datacoolie.yaml). For a moment small files
    are written where flows write and where states are kept. Exit code 1 when something is not as it has to be.
    """
    project = Project.load(path, **where)
    versions = dict(installed())
    diagnosis = project.examine(select)
    if as_json:
        say_json({**diagnosis.to_json(), "versions": versions})
    else:
        remarks = [f"{each.subject}, {each.what}: {each.detail} {each.fix}" for each in diagnosis.findings]
        show(Table(_COLUMNS, tuple(map(_row, diagnosis.checks))), remarks)
        say(f"{counted(len(diagnosis.findings), 'finding')}; {', '.join(map(' '.join, versions.items()))}")
    return FAILED if diagnosis.findings else 0


def _row(check: Check) -> Row:
    found = "see below" if check.ok is False else check.detail
    cells = {"what": check.subject, "check": check.what, "result": _RESULTS[check.ok], "found": found}
    return Row(cells=clean(cells))
