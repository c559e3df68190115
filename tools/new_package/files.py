"""The files of a package whose plugin is still to be written."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

from tools.check.ranges import internal_range, range_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from packaging.version import Version

CONTRACTS = {
    "engine": "datacoolie.engines:BaseEngine",
    "platform": "datacoolie.platforms:BasePlatform",
    "resolver": "datacoolie.core.secret_resolver:BaseSecretResolver",
}
"""The base class of each kind of plugin that has packages of its own."""

_PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "$distribution"
version = "0.1.0"
description = "The $kind `$name` of DataCoolie."
readme = "README.md"
license = "Apache-2.0"
license-files = ["LICENSE"]
requires-python = ">=3.11"
authors = [{ name = "The DataCoolie authors" }]
keywords = ["data engineering", "dataflow", "datacoolie", "$name"]
classifiers = [
    "Development Status :: 3 - Alpha",
    "Intended Audience :: Developers",
    "Operating System :: OS Independent",
    "Programming Language :: Python :: 3 :: Only",
    "Programming Language :: Python :: 3.11",
    "Programming Language :: Python :: 3.12",
    "Programming Language :: Python :: 3.13",
    "Programming Language :: Python :: 3.14",
    "Topic :: Database",
    "Typing :: Typed",
]
dependencies = ["datacoolie-core$range"]

[project.entry-points."datacoolie.${kind}s"]
$name = "$module:$cls"

[tool.hatch.build.targets.wheel]
packages = ["src/$module"]
"""

_MODULE = '''\
"""The $kind `$name` of DataCoolie."""

from __future__ import annotations

from typing import $typing

from $base_module import $base

__all__ = ["$cls"]


class $cls($base$of):
    """What it is, and what it needs."""

    contract_version: ClassVar[int] = 1
'''


def package_files(kind: str, name: str, *, core: Version, licence: str) -> Mapping[str, str]:
    """Return the files of `datacoolie-<kind>-<name>` by their path in its folder.

    Args:
        kind: one of `CONTRACTS`.
        name: what documents call the plugin.
        core: the version of datacoolie-core that it goes with.
        licence: the text of the licence.
    """
    base_module, _, base = CONTRACTS[kind].partition(":")
    values = {
        "kind": kind,
        "name": name,
        "distribution": f"datacoolie-{kind}-{name}",
        "module": f"datacoolie_{kind}_{name}".replace("-", "_"),
        "cls": "".join(part.capitalize() for part in name.split("-")) + kind.capitalize(),
        "base_module": base_module,
        "base": base,
        "of": "[Any]" if kind == "engine" else "",
        "typing": "Any, ClassVar" if kind == "engine" else "ClassVar",
        "range": range_text(internal_range(core)),
    }
    texts = {
        "pyproject.toml": _PYPROJECT,
        "README.md": "# $distribution\n\nThe $kind `$name` of DataCoolie. Install it as `datacoolie[$name]`.\n",
        "CHANGELOG.md": (
            "# Changelog of $distribution\n\nWhat is not released yet stands in `changes/`, one file per change.\n\n"
            "<!-- towncrier release notes start -->\n"
        ),
        "changes/+first-release.added.md": "The $kind `$name`.\n",
        "src/$module/__init__.py": _MODULE,
        "src/$module/py.typed": "",
    }
    filled = {Template(path).substitute(values): Template(text).substitute(values) for path, text in texts.items()}
    return {**filled, "LICENSE": licence}


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files below `folder`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
