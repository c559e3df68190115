"""The commands and links in Markdown files."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tools.check.workspace import Finding
from tools.markdown import SHELLS, code_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.check.workspace import Workspace

EXTERNAL = frozenset({"bash", "cat", "cd", "cp", "echo", "git", "ls", "mkdir", "pip", "python", "rm", "uv"})
"""Commands that a reader has or is told to get; the other ones come with the development environment."""

MADE = "my_project/"
"""What `datacoolie init` makes in the examples."""

_LINK = re.compile(r"\[[^\]]+\]\((?!\w+:|#)([^)#\s]+)")
_SEPARATORS = frozenset({"&&", "||", ";", "|"})


def check_commands(workspace: Workspace) -> Iterator[Finding]:
    """Look whether the commands, options and paths in shell blocks exist, and whether relative links lead somewhere."""
    for name in workspace.files:
        if name.endswith(".md") and (text := workspace.text(name)) is not None:
            for block in code_blocks(text):
                for command in block.commands() if block.language in SHELLS else ():
                    for message in _faults(command.text, workspace.root):
                        yield Finding(name, command.line, message)
            for match in _LINK.finditer(text):
                if not ((workspace.root / name).parent / match[1]).exists():
                    yield Finding(name, text.count("\n", 0, match.start()) + 1, f"{match[1]} is not there")


def _faults(line: str, root: Path) -> Iterator[str]:
    command: list[str] = []
    for word in [*shlex.split(line), ";"]:
        if word not in _SEPARATORS:
            command.append(word)
        elif command:
            yield from _fault(command, root)
            command = []


def _fault(words: list[str], root: Path) -> Iterator[str]:
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words = words[1:]  # variables of the environment
    if words[:2] == ["uv", "run"]:
        words = _without_options(words[2:])
    if words[:2] == ["python", "-m"]:
        yield from _module(words[2], root)
    elif words[0] == "datacoolie":
        yield from _datacoolie(words[1:])
    elif words[0] not in EXTERNAL and not _installed(words[0]):
        yield f"{words[0]} is not a command of the development environment"
    for word in words[1:]:
        if "/" in word and re.fullmatch(r"[\w./-]+", word) and not (word.startswith(MADE) or (root / word).exists()):
            yield f"{word} is not there"


def _without_options(words: list[str]) -> list[str]:
    """Leave out the options of `uv run`; those with a value are written `--option=value`."""
    first = next((at for at, word in enumerate(words) if not word.startswith("-")), len(words) - 1)
    return words[first:]


def _installed(name: str) -> bool:
    return shutil.which(name, path=str(Path(sys.executable).parent)) is not None


def _module(name: str, root: Path) -> Iterator[str]:
    below_root = root.joinpath(*name.split("."))
    if not (below_root.is_dir() or below_root.with_suffix(".py").is_file() or importlib.util.find_spec(name)):
        yield f"there is no module {name}"


def _datacoolie(words: list[str]) -> Iterator[str]:
    """Ask the command itself what it knows."""
    names = [word for word in words if not word.startswith("-")]
    subcommand = names[: 2 if names[:1] in (["check"], ["state"]) else 1]
    code, said = _help(*subcommand)
    if code != 0:
        yield f"datacoolie {' '.join(subcommand)} fails: {said.strip().splitlines()[-1]}"
        return
    known = re.findall(r"(?<!\S)-[\w-]+", said.replace(",", " "))
    for word in words:
        if word.startswith("-") and word.split("=")[0] not in known:
            yield f"datacoolie {' '.join(subcommand)} has no option {word}"


@cache
def _help(*subcommand: str) -> tuple[int, str]:
    command = [str(Path(sys.executable).with_name("datacoolie")), *subcommand, "--help"]
    answer = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")
    return answer.returncode, answer.stdout + answer.stderr
