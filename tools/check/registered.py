"""Everything that has to know of each package."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement

from tools.check.workspace import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tools.check.workspace import Package, Workspace

CORE, USERS = "datacoolie-core", "datacoolie"


def check_registered(workspace: Workspace) -> Iterator[Finding]:
    """Look whether the tools' settings, and the extras of `datacoolie`, name every package."""
    tool = tomllib.loads((workspace.root / "pyproject.toml").read_text(encoding="utf-8")).get("tool", {})
    users = next((package for package in workspace.packages if package.name == USERS), None)
    for package in workspace.packages:
        for place in _missing(package, tool):
            yield Finding("pyproject.toml", 1, f"{place} lacks {package.name}; new packages: tools.new_package")
    if users:
        yield from _extras(workspace, users)


def _missing(package: Package, tool: Mapping[str, Any]) -> Iterator[str]:  # Any: TOML
    """Yield the settings that don't name a package."""
    linter = tool.get("importlinter", {})
    if package.name not in tool.get("uv", {}).get("sources", {}):
        yield "[tool.uv.sources]"
    for module in (path.name for path in package.modules):
        if module not in tool.get("coverage", {}).get("run", {}).get("source_pkgs", []):
            yield "source_pkgs of [tool.coverage.run]"
        if module not in linter.get("root_packages", []):
            yield "root_packages of [tool.importlinter]"
        of_core = (each for each in linter.get("contracts", []) if each.get("source_modules") == ["datacoolie"])
        if package.name != CORE and not any(module in each["forbidden_modules"] for each in of_core):
            yield "forbidden_modules of the contract about core"


def _extras(workspace: Workspace, users: Package) -> Iterator[Finding]:
    """Compare the extras of `datacoolie` with the packages, with `all`, and with its README."""
    extras = {
        str(extra): [Requirement(str(text)) for text in texts]
        for extra, texts in users.table("optional-dependencies").items()
        if isinstance(texts, list)
    }
    everything = {name for each in extras.get("all", []) if each.name == USERS for name in each.extras}
    direct = {each.name for each in extras.get("all", [])}
    for package in workspace.packages:
        named = {extra for extra, required in extras.items() if package.name in {each.name for each in required}}
        if package.name not in {CORE, USERS} and not named - {"all"}:
            yield users.found("optional-dependencies", f"no extra brings {package.name}")
        elif package.name not in {CORE, USERS, *direct} and not named & everything:
            yield users.found("all =", f"the extra all does not bring {package.name}")
    readme = (users.folder / "README.md").read_text(encoding="utf-8")
    for extra in extras:
        if f"`datacoolie[{extra}]`" not in readme:
            yield Finding(users.relative("README.md"), 1, f"does not tell of datacoolie[{extra}]")
