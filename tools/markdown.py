"""Code blocks of Markdown files. `python -m tools.markdown FILE N` prints the Nth."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SHELLS = frozenset({"bash", "console", "sh", "shell"})
"""Languages of blocks that hold commands."""

_BLOCK = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```\s*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeBlock:
    """A fenced block of code.

    Attributes:
        language: what stands after the opening fence, or nothing.
        text: the lines between the fences.
        line: the number of the first of these lines.
    """

    language: str
    text: str
    line: int

    def commands(self) -> Iterator[tuple[int, str]]:
        """Yield each command of a shell block with its line; output of a `$ ` session and comments are left out."""
        session = any(line.startswith("$ ") for line in self.text.splitlines())
        pending, start = "", self.line
        for number, line in enumerate(self.text.splitlines(), self.line):
            if session and not pending and not line.startswith("$ "):
                continue
            start = start if pending else number
            pending += line.removeprefix("$ ").removesuffix("\\")
            if line.endswith("\\"):
                continue
            if (command := pending.split(" #", 1)[0].strip()) and not command.startswith("#"):
                yield start, command
            pending = ""


def code_blocks(text: str) -> list[CodeBlock]:
    """Return the fenced code blocks of a Markdown text, in order."""
    return [
        CodeBlock(language=match["language"], text=match["text"], line=text.count("\n", 0, match.start("text")) + 1)
        for match in _BLOCK.finditer(text)
    ]


def main(arguments: list[str]) -> int:
    """Print the commands of a file's Nth code block, one a line."""
    path, number = arguments
    blocks = code_blocks(Path(path).read_text(encoding="utf-8"))
    if not 1 <= int(number) <= len(blocks):
        print(f"{path} has {len(blocks)} code blocks, asked for number {number}", file=sys.stderr)
        return 1
    print("\n".join(command for _, command in blocks[int(number) - 1].commands()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
