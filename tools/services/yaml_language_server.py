"""What editors ask about YAML: yaml-language-server, from npm. It has no port: each editor starts its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.services import process, store

if TYPE_CHECKING:
    from pathlib import Path

YAML_LANGUAGE_SERVER = "1.19.2"

_SERVER = "node_modules/yaml-language-server/out/server/src/server.js"


def command() -> list[str]:
    """Return the command that starts it, to talk by standard input and output.

    Raises:
        MissingError: there is no Node or npm, or it can't be installed.
    """
    process.run(["node", "--version"], "yaml-language-server")
    folder = store.installed(f"yaml-language-server-{YAML_LANGUAGE_SERVER}", _install)
    return ["node", str(folder / _SERVER), "--stdio"]


def _install(folder: Path) -> None:
    package = f"yaml-language-server@{YAML_LANGUAGE_SERVER}"
    options = ["--prefix", str(folder), "--no-audit", "--no-fund", "--silent"]
    process.run(["npm", "install", *options, package], "yaml-language-server")
