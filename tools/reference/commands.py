"""The page of the command line, from the commands themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from datacoolie.cli.app import COMMANDS, app

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """# The command line

`datacoolie COMMAND --help` says the same. Output is meant for people; `--json`, where a command has it, prints one JSON
document a line.

| exit code | meaning |
| --- | --- |
| 0 | all flows succeeded or had nothing to do |
| 1 | a flow failed, or what was checked is not as it has to be |
| 2 | wrong documents, settings or arguments: nothing was read or written |
| 130, 143 | ended by Ctrl-C, by SIGTERM |
"""


def page() -> str:
    """Return the page as Markdown."""
    root = click.Context(app, info_name="datacoolie")
    return _HEAD + "".join(
        line for name in COMMANDS if (command := app.get_command(root, name)) for line in _lines(name, command, root)
    )


def _lines(name: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join(command.collect_usage_pieces(context))
    depth = context.command_path.count(" ")
    yield f"\n{'#' * (depth + 1)} {context.command_path}\n\n```text\n{context.command_path} {usage}\n```\n"
    yield f"\n{_paragraphs(command.help or '')}\n"
    if options := [
        row
        for option in command.get_params(context)
        if isinstance(option, click.Option) and (row := option.get_help_record(context))
    ]:
        yield "\n| option | meaning |\n| --- | --- |\n"
        yield from (f"| `{_escaped(names)}` | {_escaped(text)} |\n" for names, text in options)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            if (found := command.get_command(context, below)) is not None:
                yield from _lines(below, found, context)


def _paragraphs(text: str) -> str:
    # Newer Pythons strip docstrings, older ones leave their end.
    return "\n".join(line.strip() for line in text.replace("\b\n", "").strip().splitlines())


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
