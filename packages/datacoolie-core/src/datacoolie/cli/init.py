"""`datacoolie init`: a project, or the package of a plugin."""

from __future__ import annotations

import json
import shlex
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datacoolie.cli.options import verbose_option
from datacoolie.cli.output import say
from datacoolie.cli.plugin_init import KINDS, plugin_files
from datacoolie.core.exceptions import ConfigurationError, PlatformError
from datacoolie.core.suggest import listed
from datacoolie.metadata.schema import document_schema, project_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

_SHOWN = 5


@click.command(name="init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--plugin", "kind", type=click.Choice(KINDS), help="Make the package of a plugin, called as DIR.")
@verbose_option
def command(folder: Path, kind: str | None) -> None:
    """Make a small project that runs at once, or a package with a plugin.

    DIR must not exist or be empty. The project has documents, data, and three flows: an append by watermark, an upsert,
    and one that reads the table of another; and JSON Schemas, by which editors complete and check. The package has one
    plugin that works, and its test.
    """
    _refuse_content(folder)
    if kind:
        made = list(_write(plugin_files(kind, folder)))
        todo = f"cd {shlex.quote(str(folder))} && pip install -e '.[test]' && pytest"
    else:
        made = [*_copy(files("datacoolie.cli") / "template", folder), *_write(_schemas(folder))]
        todo = f"datacoolie run {shlex.quote(str(folder))}"
    for path in made:
        say(f"  {path}")
    say(f"made {len(made)} files. Next: {todo}")


def _refuse_content(folder: Path) -> None:
    try:
        names = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        file = next(path for path in (folder, *folder.parents) if path.is_file())
        message = f"{folder} can't be a folder: {file} is a file. Name a folder that is new or empty."
        raise ConfigurationError(message, {"path": str(folder)}) from error
    except OSError as error:
        raise _cannot(error, folder, "read") from error
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        message = f"{folder} is not empty: it has {listed(names[:_SHOWN])}{more}. Name a folder that is new or empty."
        raise ConfigurationError(message, {"path": str(folder)})


def _copy(source: Traversable, target: Path) -> Iterator[Path]:
    """Copy a folder and yield the files made."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        for item in sorted(source.iterdir(), key=lambda item: item.name):
            if item.is_dir():
                yield from _copy(item, target / item.name)
            else:
                (target / item.name).write_bytes(item.read_bytes())
                yield target / item.name
    except OSError as error:
        raise _cannot(error, target, "write") from error


def _schemas(folder: Path) -> dict[Path, str]:
    """Return the JSON Schemas that the first lines of the project's files name, for editors."""
    schemas = {"document": document_schema(), "project": project_schema()}
    return {folder / "schemas" / f"{name}.json": json.dumps(schema) + "\n" for name, schema in schemas.items()}


def _write(texts: Mapping[Path, str]) -> Iterator[Path]:
    """Write files and yield them."""
    for path, text in sorted(texts.items()):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise _cannot(error, path, "write") from error
        yield path


def _cannot(error: OSError, path: Path, verb: str) -> PlatformError:
    message = f"{error.filename or path}: can't {verb}: {error.strerror or error}"
    return PlatformError(message, {"path": str(path)})
