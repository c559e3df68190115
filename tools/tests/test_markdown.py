from __future__ import annotations

from typing import TYPE_CHECKING

from tools.markdown import CodeBlock, code_blocks, main

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
    assert list(first.commands()) == [(4, "pip install uv"), (6, "uv run it     --now")]
    assert list(second.commands()) == [(14, "uv run pytest")]


def test_main_prints_a_block(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "README.md"
    path.write_text(TEXT, encoding="utf-8")
    assert main([str(path), "2"]) == 0
    assert capsys.readouterr().out == "uv run pytest\n"
    assert main([str(path), "3"]) == 1
    assert capsys.readouterr().err == f"{path} has 2 code blocks, asked for number 3\n"
