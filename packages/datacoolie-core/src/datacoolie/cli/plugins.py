"""`datacoolie plugins`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from datacoolie import plugins
from datacoolie.cli.app import FAILED
from datacoolie.cli.options import json_option, verbose_option
from datacoolie.cli.output import say_json, show
from datacoolie.observability.render import Column, Row, Table, clean

if TYPE_CHECKING:
    from datacoolie.core.registry import PluginInfo, PluginRegistry

_REGISTRIES: dict[str, PluginRegistry[Any]] = {  # Any: each holds plugins of another kind
    "engine": plugins.engine_registry,
    "platform": plugins.platform_registry,
    "source": plugins.source_registry,
    "destination": plugins.destination_registry,
    "transformer": plugins.transformer_registry,
    "resolver": plugins.resolver_registry,
    "metadata": plugins.metadata_registry,
}

_COLUMNS = (
    Column(title="name"),
    Column(title="kind"),
    Column(title="distribution"),
    Column(title="version"),
    Column(title="health"),
    Column(title="class", detail=True),
)


@click.command(name="plugins")
@json_option
@verbose_option
def command(*, as_json: bool) -> int:
    """List the plugins, and whether each can be imported.

    Exit code 1 when one can't.
    """
    found = [(kind, info) for kind, registry in _REGISTRIES.items() for info in registry.describe(load=True)]
    if as_json:
        for kind, info in found:
            say_json({"kind": kind, **asdict(info)})
    else:
        remarks = [f"{kind} {info.name}: {info.error}" for kind, info in found if info.error]
        show(Table(_COLUMNS, tuple(_row(kind, info) for kind, info in found)), remarks)
    return FAILED if any(info.error for _, info in found) else 0


def _row(kind: str, info: PluginInfo) -> Row:
    cells = {
        "name": info.name,
        "kind": kind,
        "distribution": info.distribution or "(by hand)",
        "version": info.version or "",
        "health": "broken" if info.error else "ok",
        "class": info.value,
    }
    return Row(cells=clean(cells))
