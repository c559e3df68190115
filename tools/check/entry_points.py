"""The entry points of the packages."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

from datacoolie import plugins
from datacoolie.core.registry import PluginRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.check.workspace import Finding, Package, Workspace


CORE = "datacoolie-core"


def check_entry_points(workspace: Workspace) -> Iterator[Finding]:
    """Load each entry point; a plugin fulfils its group's contract and says which version, a script can be called."""
    for package in workspace.packages:
        for point in _points(package):
            if fault := _fault(point, beside_core=package.name != CORE):
                yield package.found(point.value, f"entry point {point.name} {fault}")


def _fault(point: EntryPoint, *, beside_core: bool) -> str | None:
    try:
        loaded = point.load()
    except (ImportError, AttributeError) as error:
        return f"does not load: {error}"
    if point.group == "scripts":
        return None if callable(loaded) else "can't be called"
    contracts = _contracts()
    if point.group not in contracts:
        return f"is in {point.group}, which no registry reads"
    contract = contracts[point.group]
    if not (isinstance(loaded, type) and issubclass(loaded, contract)):
        return f"is not a {contract.__name__}"
    stated = any("contract_version" in vars(cls) for cls in loaded.__mro__[: loaded.__mro__.index(contract)])
    return "does not state its contract_version" if beside_core and not stated else None


def _contracts() -> dict[str, type]:
    registries = [value for value in vars(plugins).values() if isinstance(value, PluginRegistry)]
    return {registry._group: registry._base_class for registry in registries}  # noqa: SLF001 - have no public name


def _points(package: Package) -> Iterator[EntryPoint]:
    groups = {"scripts": package.table("scripts"), **package.table("entry-points")}
    for group, points in groups.items():
        if isinstance(points, dict):
            yield from (EntryPoint(name, value, group) for name, value in points.items())
