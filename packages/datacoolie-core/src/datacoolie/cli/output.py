"""What the command line prints: all of it goes through the redactor, colours only where a terminal shows them."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

from datacoolie.core.redaction import redact, redact_data

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from datacoolie.observability.render import Table


def say(text: str = "") -> None:
    """Print text to standard output."""
    click.echo(redact(text), color=_has_colour(sys.stdout))


def say_json(data: object) -> None:
    """Print one JSON document as one line to standard output."""
    click.echo(json.dumps(redact_data(data), default=str))


def complain(message: str, *hints: str) -> None:
    """Print an error to standard error, hints last."""
    colour = _has_colour(sys.stderr)
    head = click.style("error:", fg="red", bold=True)
    click.echo(f"{head} {redact(message)}", err=True, color=colour)
    for hint in hints:
        click.echo(redact(hint), err=True, color=colour)


def is_terminal() -> bool:
    """Tell whether standard output is a terminal that can move its cursor."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def make_console() -> Console:
    """Return a console on standard output that prints text as it is."""
    from rich.console import Console  # noqa: PLC0415 - a pipe must not pay for rich

    return Console(highlight=False, markup=False, emoji=False)


def show(table: Table, remarks: Iterable[str]) -> None:
    """Print a table and what is to be said below it, in colours and within the width of a terminal."""
    if is_terminal():
        from rich.text import Text  # noqa: PLC0415 - a pipe must not pay for rich

        console = make_console()
        for line in table.lines(console.width):
            console.print(Text.assemble(*line), soft_wrap=True)
    else:
        say(table.text())
    for at, remark in enumerate(remarks):
        say(f"\n{remark}" if at == 0 else remark)


def _has_colour(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR")
