from __future__ import annotations

from typing import TYPE_CHECKING

from tools.markdown import CodeBlock, Command, code_blocks, main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TEXT = """\
# Title

```console
$ pip install uv
Successfully installed
$ uv run it \\
    --now   # a remark
```

Words.

```bash
# first
uv run pytest
```
"""


def test_code_blocks() -> None:
    first, second = code_blocks(TEXT)
    assert (first.language, first.line) == ("console", 4)
    assert second == CodeBlock(language="bash", text="# first\nuv run pytest\n", line=13)


def test_commands_without_their_output_and_remarks() -> None:
    first, second = code_blocks(TEXT)
    assert first.commands() == [
        Command(line=4, text="pip install uv", output=("Successfully installed",)),
        Command(line=6, text="uv run it     --now"),
    ]
    assert second.commands() == [Command(line=14, text="uv run pytest")]


def test_a_block_may_be_a_file_and_say_why_it_does_not_run() -> None:
    text = "<!-- not run: needs a cluster -->\n```python\n# jobs/it.py\nprint()\n```\n\n```yaml\n# a remark\n```\n"
    first, second = code_blocks(text)
    assert (first.path, first.not_run, first.line) == ("jobs/it.py", "needs a cluster", 3)
    assert (second.path, second.not_run) == ("", "")


def test_main_prints_a_block(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "README.md"
    path.write_text(TEXT, encoding="utf-8")
    assert main([str(path), "2"]) == 0
    assert capsys.readouterr().out == "uv run pytest\n"
    assert main([str(path), "3"]) == 1
    assert capsys.readouterr().err == f"{path} has 2 code blocks, asked for number 3\n"
