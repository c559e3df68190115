"""`datacoolie validate`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from datacoolie.cli.app import BAD_INPUT
from datacoolie.cli.options import json_option, paths_argument, verbose_option, where_options
from datacoolie.cli.output import say, say_json
from datacoolie.metadata import DocumentError
from datacoolie.observability.units import counted
from datacoolie.orchestration.project import Project

if TYPE_CHECKING:
    from datacoolie.metadata import Fault


@click.command(name="validate")
@paths_argument
@where_options
@json_option
@verbose_option
def command(
    paths: tuple[str, ...], engine: str | None, platform: str | None, target: str | None, *, as_json: bool
) -> int:
    """Check documents and name every fault.

    PATH is a document, a folder of documents, or a project (a folder with datacoolie.yaml); several are joined. Each
    fault stands on a line of its own as file:line:column: field: what is wrong. A secret that stands in a document is
    a warning. Nothing is read or written.
    """
    try:
        project = Project.load(paths, engine=engine, platform=platform, target=target)
    except DocumentError as error:
        _say_faults(error.faults, as_json=as_json)
        return BAD_INPUT
    counts = {
        "connections": len(project.metadata.connections),
        "dataflows": len(project.metadata.dataflows),
        "schema_hints": len(project.metadata.schema_hints),
    }
    remarks = project.metadata.remarks
    if as_json:
        where = {"engine": project.engine_name, "platform": project.platform_name}
        say_json({"valid": True, **counts, **where, "remarks": [asdict(remark) for remark in remarks]})
    else:
        for remark in remarks:
            say(f"warning: {remark}")
        parts = [counted(number, name.removesuffix("s").replace("_", " ")) for name, number in counts.items() if number]
        say(f"valid: {', '.join(parts)}; engine {project.engine_name}, platform {project.platform_name}")
    return 0


def _say_faults(faults: tuple[Fault, ...], *, as_json: bool) -> None:
    if as_json:
        say_json({"valid": False, "faults": [asdict(fault) for fault in faults]})
        return
    for fault in faults:
        say(str(fault))
    files = len({fault.file for fault in faults})
    say(f"{counted(len(faults), 'fault')} in {counted(files, 'file')}")
