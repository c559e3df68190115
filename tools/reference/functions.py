"""The page of functions and operators, from the catalogue."""

from __future__ import annotations

from datacoolie.sql import CATALOGUE

_HEAD = """# Functions and operators

Everything that an expression may use, with Spark 4's meaning in ANSI mode and UTC. Anything else is refused at
validation, with its position. `python -m tools.reference` makes this page from the catalogue.

| how it is written | what it gives |
| --- | --- |
"""


def page() -> str:
    """Return the page as Markdown."""
    rows = [
        f"| `{_escaped(function.signature.usage(function.name))}`{_also(function.aliases)} | {_escaped(function.doc)} |"
        for function in sorted(CATALOGUE, key=lambda one: one.name)
    ]
    return _HEAD + "\n".join(rows) + "\n"


def _also(aliases: tuple[str, ...]) -> str:
    return "".join(f", `{_escaped(alias)}`" for alias in aliases)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
