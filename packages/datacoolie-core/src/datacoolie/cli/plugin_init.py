"""What `datacoolie init --plugin` writes: a package with one small plugin that works, and its test."""

from __future__ import annotations

import re
from importlib.metadata import version
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KINDS = ("resolver", "source", "transformer")
"""The kinds of plugins that there are templates of."""

_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "$kind.py": "src/$module/__init__.py",
    "${kind}_test.py": "tests/test_$module.py",
}
"""The files by template; both are templates themselves."""


def plugin_files(kind: str, folder: Path) -> dict[Path, str]:
    """Return the files of a package below `folder`, whose name becomes the name of the package.

    Raises:
        ConfigurationError: the name of the folder can't be that of a package.
    """
    values = _values(kind, folder.resolve().name)
    templates = files("datacoolie.cli") / "plugin_template"
    filled = {folder / "src" / values["module"] / "py.typed": ""}
    for template, target in _FILES.items():
        text = (templates / f"{Template(template).substitute(values)}.tmpl").read_text(encoding="utf-8")
        filled[folder / Template(target).substitute(values)] = Template(text).substitute(values)
    return filled


def _values(kind: str, distribution: str) -> Mapping[str, str]:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", distribution):
        message = (
            f"{distribution!r} can't be the name of a package. Name the folder in small letters, digits and single "
            "hyphens, such as datacoolie-acme."
        )
        raise ConfigurationError(message, {"name": distribution})
    name = distribution.removeprefix("datacoolie-").replace("-", "_")
    return {
        "kind": kind,
        "distribution": distribution,
        "module": distribution.replace("-", "_"),
        "name": name,
        "cls": "".join(part.capitalize() for part in name.removesuffix(f"_{kind}").split("_")) + kind.capitalize(),
        "range": _range(version("datacoolie-core")),
    }


def _range(core: str) -> str:
    """Return the versions of datacoolie-core that go with this one."""
    major, minor = (int(part) for part in core.split(".")[:2])
    return f">=0.{minor},<0.{minor + 1}" if major == 0 else f">={major}.{minor},<{major + 1}"
