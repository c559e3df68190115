"""`datacoolie schema`."""

from __future__ import annotations

import json

import click

from datacoolie.cli.options import verbose_option
from datacoolie.cli.output import say
from datacoolie.metadata.schema import document_schema, project_schema


@click.command(name="schema")
@click.argument("what", type=click.Choice(["document", "project"]), default="document")
@verbose_option
def command(what: str) -> None:
    """Print the JSON Schema of documents or project files.

    Editors complete and check by it, where the first line of a document names it:
    # yaml-language-server: $schema=../schemas/document.json
    """
    say(json.dumps(document_schema() if what == "document" else project_schema(), indent=2))
