"""What the command line prints: all of it goes through the redactor, colours only where a terminal shows them."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, TextIO

import click

from datacoolie.core.redaction import redact, redacted_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from datacoolie.observability.render import Table


def say(text: str = "") -> None:
    """Print text to standard output."""
    click.echo(_wrapped(redact(text), sys.stdout), color=_has_colour(sys.stdout))


def say_json(data: object) -> None:
    """Print one JSON document as one line to standard output."""
    click.echo(redacted_json(data))


def complain(message: str, *hints: str) -> None:
    """Print an error to standard error, hints last."""
    colour = _has_colour(sys.stderr)
    text = _wrapped(f"error: {redact(message)}", sys.stderr)
    click.echo(click.style("error:", fg="red", bold=True) + text.removeprefix("error:"), err=True, color=colour)
    for hint in hints:
        click.echo(_wrapped(redact(hint), sys.stderr), err=True, color=colour)


def is_terminal() -> bool:
    """Tell whether standard output is a terminal that can move its cursor."""
    return _is_terminal(sys.stdout)


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


def _wrapped(text: str, stream: TextIO) -> str:
    """Break lines between words where a terminal would break them anywhere; leave pipes and long paths alone."""
    if not stream.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return "\n".join(_wrapped_line(line, width) for line in text.split("\n"))


def _wrapped_line(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _has_colour(stream: TextIO) -> bool:
    return _is_terminal(stream) and not os.environ.get("NO_COLOR")


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"
