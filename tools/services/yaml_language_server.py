"""What editors ask about YAML: yaml-language-server, from npm. It has no port: each editor starts its own."""

from __future__ import annotations

from tools.services import npm

YAML_LANGUAGE_SERVER = "1.19.2"

_SERVER = "out/server/src/server.js"


def command() -> list[str]:
    """Return the command that starts it, to talk by standard input and output.

    Raises:
        MissingError: there is no Node or npm, or it can't be installed.
    """
    return ["node", str(npm.installed("yaml-language-server", YAML_LANGUAGE_SERVER) / _SERVER), "--stdio"]
