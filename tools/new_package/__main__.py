"""`python -m tools.new_package KIND NAME`: write a package and register it everywhere."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import tomlkit
from packaging.version import Version

from tools.check.workspace import Workspace
from tools.new_package.files import CONTRACTS, package_files, write

Document = Any  # tomlkit types what it finds as unions of everything that TOML has


def main(arguments: list[str] | None = None) -> int:
    """Write `packages/datacoolie-KIND-NAME` and everything that names it."""
    parser = argparse.ArgumentParser(prog="python -m tools.new_package", description=__doc__)
    parser.add_argument("kind", choices=sorted(CONTRACTS))
    parser.add_argument("name", help="what documents will call it, in small letters")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[2], help="the repository")
    options = parser.parse_args(arguments)
    workspace, name = Workspace(options.root.resolve()), f"datacoolie-{options.kind}-{options.name}"
    folder = workspace.root / "packages" / name
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", options.name):
        parser.error(f"{options.name!r} is no name: small letters, digits and single hyphens make one")
    if folder.exists():
        parser.error(f"{folder} is there already")
    (core,) = (package for package in workspace.packages if package.name == "datacoolie-core")
    licence = (workspace.root / "LICENSE").read_text(encoding="utf-8")
    version = Version(str(core.project["version"]))
    write(folder, package_files(options.kind, options.name, core=version, licence=licence))
    _register(workspace.root, name, options.name)
    subprocess.run(["uv", "lock", "--quiet"], check=True, cwd=workspace.root)
    print(f"{folder}: write the plugin, its tests and README.md; then `uv sync` and `python -m tools.check`")
    return 0


def _register(root: Path, distribution: str, extra: str) -> None:
    """Name the package in the workspace's tools, and as an extra of `datacoolie`."""
    module = distribution.replace("-", "_")
    document = _read(root / "pyproject.toml")
    document["tool"]["uv"]["sources"][distribution] = _inline({"workspace": True})
    document["tool"]["coverage"]["run"]["source_pkgs"].append(module)
    document["tool"]["importlinter"]["root_packages"].append(module)
    for contract in document["tool"]["importlinter"]["contracts"]:
        if contract.get("source_modules") == ["datacoolie"]:
            contract["forbidden_modules"].append(module)
    _write(root / "pyproject.toml", document)
    users = root / "packages" / "datacoolie"
    document = _read(users / "pyproject.toml")
    extras = document["project"]["optional-dependencies"]
    (core,) = (text for text in document["project"]["dependencies"] if text.startswith("datacoolie-core"))
    extras[extra] = [f"{distribution}>={core.partition('>=')[2]}"]
    extras["all"].append(f"datacoolie[{extra}]")
    _write(users / "pyproject.toml", document)
    readme = (users / "README.md").read_text(encoding="utf-8")
    row = f"| `datacoolie[{extra}]` | and `{distribution}` |\n"
    everything = "| `datacoolie[all]`"
    (users / "README.md").write_text(readme.replace(everything, row + everything), encoding="utf-8")
    fragment = users / "changes" / f"+{extra}.added.md"
    fragment.write_text(f"The extra `{extra}`: `{distribution}`.\n", encoding="utf-8")


def _inline(values: dict[str, object]) -> object:
    table = tomlkit.inline_table()
    table.update(values)
    return table


def _read(path: Path) -> Document:
    return tomlkit.parse(path.read_text(encoding="utf-8"))


def _write(path: Path, document: Document) -> None:
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
