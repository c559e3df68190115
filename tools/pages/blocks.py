"""Runs the code blocks of a page, one after another, in one folder.

- `yaml`: has to be a valid document or project file, or a part of one (`parts`).
- `python`: runs; a file of tests runs by pytest.
- `console`, `bash`: commands of `datacoolie` run, and those that only look at files. Those of `NOT_RUN` are looked at
  by `python -m tools.check commands` alone; any other program is an error. Of the output that a session shows each line
  has to be there, in any order, where `...` stands for anything.
- `toml`, `json`: can be read.
- `text`: is for people.

Blocks in other languages say why they are not run.

A block that begins with a comment such as `# flows.yaml` is written to that file first.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from yaml import YAMLError

from datacoolie.core.suggest import listed
from tools.markdown import SHELLS
from tools.pages.parts import check_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tools.markdown import CodeBlock
    from tools.pages.parts import Map

NOT_RUN = {
    "bash": "`.ci/run` is what runs these tests",
    "lint-imports": "a step of CI",
    "mkdocs": "a step of CI",
    "mypy": "a step of CI",
    "pip": "the environment has the packages; tests of wheels install them",
    "pytest": "these are its tests",
    "python -m tools": "has tests of its own, or is a step of CI",
    "ruff": "a step of CI",
    "uv": "as pip",
}
"""Programs that commands in pages name, and why they are not run."""

_RUN = frozenset({"cat", "cp", "datacoolie", "echo", "ls", "mkdir", "python", "rm"})
_SEPARATORS = frozenset({"&&", "||", ";", "|"})
_UV_RUN = re.compile(r"\buv run (?:--?[\w=-]+ )*")
_SECONDS = 300
"""After these a block that does not end is killed: far more than any takes on a busy machine."""


class BlockError(Exception):
    """A code block does not do what it has to."""


def run_blocks(blocks: Iterable[CodeBlock], folder: Path) -> None:
    """Run blocks in a folder.

    Raises:
        BlockError: a block fails; begins with its line.
    """
    connections: dict[str, Map] = {}
    for block in blocks:
        try:
            _run_block(block, folder, connections)
        except (BlockError, ValueError, SyntaxError, YAMLError) as error:
            message = f"{block.line}: {error}"
            raise BlockError(message) from error


def _run_block(block: CodeBlock, folder: Path, connections: dict[str, Map]) -> None:
    if block.path:
        (folder / block.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / block.path).write_text(block.text, encoding="utf-8")
    match block.language:
        case "yaml":
            check_yaml(block.text, folder, connections)
        case "python":
            _run_python(block, folder)
        case "toml":
            tomllib.loads(block.text)
        case "json":
            json.loads(block.text)
        case _ if block.language in SHELLS:
            _run_commands(block, folder)
        case _ if block.language == "text" or block.not_run:
            pass
        case _:
            message = f"nothing is known of blocks in {block.language or 'no language'}; output is `text`"
            raise BlockError(message)


def _run_python(block: CodeBlock, folder: Path) -> None:
    compile(block.text, block.path or "block", "exec")
    if block.not_run:
        return
    if Path(block.path).name.startswith("test_"):
        arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", block.path]
    else:
        arguments = [block.path] if block.path else ["-c", block.text]
    _run([sys.executable, *arguments], folder)


def _run_commands(block: CodeBlock, folder: Path) -> None:
    """Run commands of a block, and compare what they print with what the block shows."""
    for command in () if block.not_run else block.commands():
        text = _UV_RUN.sub("", command.text)
        programs = _programs(text)
        if unknown := programs - _RUN - NOT_RUN.keys():
            message = (
                f"nothing is known of the program {listed(sorted(unknown))}. Say why it is not run, in the line before "
                "the block: <!-- not run: why -->, or for all pages in NOT_RUN"
            )
            raise BlockError(message)
        if programs <= _RUN:
            _compare(command.output, _run(["bash", "-euo", "pipefail", "-c", text], folder))


def _programs(command: str) -> set[str]:
    """Return the programs of a command; variables of the environment stand before a program."""
    words = [word for word in shlex.split(command) if not re.match(r"\w+=", word)]
    found = {word for before, word in pairwise([";", *words]) if before in _SEPARATORS}
    return found | ({"python -m tools"} if any(word.startswith("tools.") for word in words) else set())


def _run(command: Sequence[str], folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "200"}
    ran = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=_SECONDS,
    )
    if ran.returncode:
        message = f"ends with {ran.returncode}:\n{ran.stdout}"
        raise BlockError(message)
    return ran.stdout


def _compare(shown: Sequence[str], output: str) -> None:
    printed = output.splitlines()
    for line in filter(None, shown):
        pattern = ".*".join(map(re.escape, line.rstrip().split("...")))
        if line != "..." and not any(re.fullmatch(pattern, one.rstrip()) for one in printed):
            message = f"{line!r} is not in what is printed:\n{output}"
            raise BlockError(message)
