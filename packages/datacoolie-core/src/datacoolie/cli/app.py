"""The group of commands: finds them when they are used, and turns every error into a message and an exit code."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from importlib import import_module
from logging import Handler, getLogger
from typing import TYPE_CHECKING, Any, NoReturn, cast

import click

from datacoolie.cli.output import complain, say
from datacoolie.cli.warnings import warnings_shown
from datacoolie.core.exceptions import ConfigurationError, DataCoolieError, MetadataError
from datacoolie.core.redaction import redact
from datacoolie.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS = {
    "init": "Make a small project that runs at once, or a package with a plugin.",
    "validate": "Check documents and name every fault.",
    "plan": "Show what a run would read and do.",
    "run": "Load what is new.",
    "state": "Show and change up to where flows have loaded.",
    "maintain": "Join small files and remove those that nobody needs.",
    "check": "Prove what has to be true of tables.",
    "doctor": "Try everything that flows need: storage, catalogs, secrets, clocks.",
    "plugins": "List the plugins, and whether each can be imported.",
    "schema": "Print the JSON Schema of documents or project files.",
}
"""The commands with what `--help` says of them; each is `command` of the module of its name."""

FAILED, BAD_INPUT, INTERRUPTED, TERMINATED = 1, 2, 130, 143
"""Exit codes: a flow failed; bad input or usage; Ctrl-C; SIGTERM. 0 when all succeeded or had nothing to do."""


@dataclass(slots=True)
class Session:
    """What one call of the command line shares.

    Attributes:
        warnings: prints what is logged as a warning.
        verbose: whether tracebacks are shown and everything is logged.
    """

    warnings: Handler
    verbose: bool = False

    def be_verbose(self) -> None:
        """Show tracebacks and log everything."""
        from datacoolie.observability.log import configure_logging  # noqa: PLC0415 - `--help` must not pay for it

        self.verbose = True
        getLogger("datacoolie").removeHandler(self.warnings)
        configure_logging("DEBUG")


class App(click.Group):
    """A group that imports a command only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order in which one uses them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"datacoolie.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name a near one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            message = f"No command is called {name!r}. Commands: {listed(COMMANDS)}.{did_you_mean(name, COMMANDS)}"
            raise click.UsageError(message, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> NoReturn:  # noqa: ANN401, ARG002 - click's signature
        """Run a command and exit with its code, whatever happens."""
        for stream in (sys.stdout, sys.stderr):
            if reconfigure := getattr(stream, "reconfigure", None):
                # A name that the terminal's encoding lacks must not end a run.
                reconfigure(errors="backslashreplace")
        call = cast("Callable[..., object]", super().main)
        with warnings_shown() as warnings:
            session = Session(warnings=warnings)
            code = _exit_code(lambda: call(*args, standalone_mode=False, obj=session, **extra), session)
        sys.exit(code)


def _exit_code(call: Callable[[], object], session: Session) -> int:
    """Return what `call` returns as exit code; report what it raises."""
    try:
        result = call()
    except click.Abort:
        complain("interrupted")
        return INTERRUPTED
    except click.ClickException as error:
        _report_usage(error)
        return BAD_INPUT
    except Exception as error:  # noqa: BLE001 - the user gets one line, not a traceback
        return _report(error, session)
    return result if isinstance(result, int) else 0


def _report_usage(error: click.ClickException) -> None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    complain(error.format_message(), *([f"See: {context.command_path} --help"] if context else []))


def _report(error: Exception, session: Session) -> int:
    """Print an error, the traceback before it when asked for, and return the exit code."""
    if session.verbose:
        click.echo(redact("".join(traceback.format_exception(error))), err=True)
    if isinstance(error, DataCoolieError):
        complain(f"[{type(error).__name__}] {error.message}")
        return BAD_INPUT if isinstance(error, (MetadataError, ConfigurationError)) else FAILED
    bug = not session.verbose and not isinstance(error, OSError)
    hints = ["This is a bug of datacoolie or of a plugin; -v after the command shows where."] if bug else []
    complain(f"{type(error).__name__}: {error}", *hints)
    return FAILED


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    """Print the version of each distribution of this product and of plugins, then exit."""
    if not value or ctx.resilient_parsing:
        return
    from datacoolie.cli.versions import installed  # noqa: PLC0415 - reads the metadata of all distributions

    for name, version in installed():
        say(f"{name} {version}")
    ctx.exit()


@click.group(
    cls=App,
    name="datacoolie",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with: datacoolie init my_project",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show versions and exit.",
)
def app() -> None:
    """Move data as one metadata document says.

    Exit codes: 0 all succeeded or had nothing to do, 1 a flow failed, 2 bad input or usage, 130 interrupted,
    143 terminated.
    """
