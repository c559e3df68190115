"""`datacoolie maintain`."""

from __future__ import annotations

from dataclasses import asdict

import click

from datacoolie.cli.app import FAILED
from datacoolie.cli.options import flow_options, json_option, verbose_option
from datacoolie.cli.output import complain, say, say_json, show
from datacoolie.orchestration.project import Project


@click.command(name="maintain")
@flow_options
@json_option
@verbose_option
def command(path: str, select: tuple[str, ...], *, as_json: bool, **where: str | None) -> int:
    """Join small files and remove those that nobody needs.

    Does for each destination what its configure.maintenance says, or all of it where it says nothing. Loads may go on
    meanwhile. PATH is a document, a folder of documents, or a project (a folder with datacoolie.yaml); by default the
    current folder.
    """
    result = Project.load(path, **where).maintain(select)
    if as_json:
        for record in result:
            say_json(asdict(record))
    elif result.records:
        show(result.table(), [])
    else:
        say("no flow is active")
    for failure in result.failures():
        complain(failure)
    return 0 if result.ok else FAILED
