"""Options that several commands have."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from datacoolie.cli.paths import existing

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacoolie.cli.app import Session

Function = TypeVar("Function", bound="Callable[..., Any]")  # Any: click passes each command its own arguments


def _be_verbose(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    session: Session = ctx.find_root().obj
    if value:
        session.be_verbose()


verbose_option = click.option(
    "-v", "--verbose", is_flag=True, expose_value=False, callback=_be_verbose, help="Log everything, show tracebacks."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one document per line.")


def _existing(_: click.Context, __: click.Parameter, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """Refuse a path where nothing is; no paths at all mean the current folder."""
    return existing(value) if isinstance(value, str) else tuple(existing(path) for path in value) or (".",)


_PATH = click.argument("path", default=".", metavar="[PATH]", callback=_existing)
_PATHS = click.argument("paths", nargs=-1, metavar="[PATH]...", callback=_existing)
_WHERE = (
    click.option("--engine", metavar="NAME", help="Engine, instead of the project's."),
    click.option("--platform", metavar="NAME", help="Platform, instead of the project's."),
    click.option("--target", metavar="NAME", help="Target whose fields overlay the connections'."),
)
_STATE = click.option("--state", metavar="PATH", help="Path or URI of the state, instead of the project's.")
_SELECT = click.option(
    "-s",
    "--select",
    metavar="SELECTOR",
    multiple=True,
    help="A flow, a stage (stage:NAME), or +NAME with all that it depends on. May be repeated.",
)


_REPLAY = (
    click.option("--start", metavar="VALUE", help="Load a range again: its first value."),
    click.option("--end", metavar="VALUE", help="Where the range ends; this value is not in it."),
    click.option("--chunk-interval", metavar="SPAN", help="Load it in chunks, such as '1 month', '12 hours' or 1000."),
    click.option("--chunk-column", metavar="NAME", help="Column of the range; by default the first watermark column."),
    click.option("--save-watermark", is_flag=True, help="Let the mark move with the chunks."),
    click.option("--restart", is_flag=True, help="Load chunks again that an equal replay has finished."),
)
_REPLAYED = ("start", "end", "chunk_interval", "chunk_column", "save_watermark", "restart")


def where_options(function: Function) -> Function:
    """Add `--engine`, `--platform` and `--target`."""
    return _add(function, _WHERE)


def flow_options(function: Function) -> Function:
    """Add `PATH` and what chooses where and which flows run."""
    return _add(function, (_PATH, *_WHERE, _STATE, _SELECT))


def replay_options(function: Function) -> Function:
    """Add the options of a replay, passed on as one map `replay`; `None` without them."""

    @functools.wraps(function)
    def with_replay(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - click passes each command its own arguments
        given = {name: value for name in _REPLAYED if (value := options.pop(name))}
        if given and not {"start", "end"} <= given.keys():
            message = "a replay needs --start and --end"
            raise click.UsageError(message)
        return function(*args, replay=given or None, **options)

    return _add(cast("Function", with_replay), _REPLAY)


def path_argument(function: Function) -> Function:
    """Add `PATH`."""
    return _add(function, (_PATH,))


def paths_argument(function: Function) -> Function:
    """Add `PATHS`: several, by default the current folder."""
    return _add(function, (_PATHS,))


def _add(function: Function, options: tuple[Callable[[Function], Function], ...]) -> Function:
    for option in reversed(options):
        function = option(function)
    return function
