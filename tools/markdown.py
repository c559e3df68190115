"""Code blocks of Markdown files. `python -m tools.markdown FILE N` prints the Nth."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

SHELLS = frozenset({"bash", "console", "sh", "shell"})
"""Languages of blocks that hold commands."""

_BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```\s*$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"# (?P<path>[\w./-]+\.\w+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command of a shell block.

    Attributes:
        line: the number of the line in which it begins.
        text: the command, as one line.
        output: the lines that the page shows as its output.
    """

    line: int
    text: str
    output: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeBlock:
    """A fenced block of code.

    Attributes:
        language: what stands after the opening fence, or nothing.
        text: the lines between the fences.
        line: the number of the first of these lines.
        not_run: why tests don't run it, as the comment `<!-- not run: why -->` in the line before says; mostly nothing.
    """

    language: str
    text: str
    line: int
    not_run: str = ""

    @property
    def path(self) -> str:
        """The file that it is, as the comment in its first line says; nothing for most."""
        match = _FILE.fullmatch(self.text.partition("\n")[0])
        return match["path"] if match else ""

    def commands(self) -> list[Command]:
        """Return the commands of a shell block, without comments; in a `$ ` session what follows one is its output."""
        session = any(line.startswith("$ ") for line in self.text.splitlines())
        found: list[Command] = []
        pending, start = "", self.line
        for number, line in enumerate(self.text.splitlines(), self.line):
            if session and not pending and not line.startswith("$ "):
                found[-1:] = [replace(command, output=(*command.output, line)) for command in found[-1:]]
                continue
            start = start if pending else number
            pending += line.removeprefix("$ ").removesuffix("\\")
            if line.endswith("\\"):
                continue
            if (text := pending.split(" #", 1)[0].strip()) and not text.startswith("#"):
                found.append(Command(line=start, text=text))
            pending = ""
        return found


def code_blocks(text: str) -> list[CodeBlock]:
    """Return the fenced code blocks of a Markdown text, in order."""
    return [
        CodeBlock(
            language=match["language"],
            text=match["text"],
            line=text.count("\n", 0, match.start("text")) + 1,
            not_run=match["reason"] or "",
        )
        for match in _BLOCK.finditer(text)
    ]


def main(arguments: list[str]) -> int:
    """Print the commands of a file's Nth code block, one a line."""
    path, number = arguments
    blocks = code_blocks(Path(path).read_text(encoding="utf-8"))
    if not 1 <= int(number) <= len(blocks):
        print(f"{path} has {len(blocks)} code blocks, asked for number {number}", file=sys.stderr)
        return 1
    print("\n".join(command.text for command in blocks[int(number) - 1].commands()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
