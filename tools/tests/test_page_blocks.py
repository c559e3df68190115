from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tools.markdown import code_blocks
from tools.pages.blocks import BlockError, run_blocks

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path, *blocks: tuple[str, str], before: str = "") -> None:
    text = "\n".join(f"{before}```{language}\n{content}\n```\n" for language, content in blocks)
    run_blocks(code_blocks(text), folder)


def test_blocks_run_one_after_another_in_one_folder(tmp_path: Path) -> None:
    run(
        tmp_path,
        ("python", "from pathlib import Path\nPath('made.txt').write_text('one\\ntwo 17 ms\\n')"),
        ("console", "$ cat made.txt\ntwo ... ms\n$ cat none.txt || echo no\nno"),
        ("yaml", "# flows.yaml\nconnections: [{name: lake, format: iceberg}]"),
        ("yaml", "destination: {partition_columns: [{column: day, expression: days(at)}]}"),
        ("yaml", "platform: {name: aws, profile: '${PROFILE}'}"),
        (
            "yaml",
            "secrets_ref: {'env:': [storage_options.token]}\nconfigure: {storage_options: {token: T}}\nformat: csv",
        ),
        ("console", "$ datacoolie validate flows.yaml\nvalid: 1 connection; ..."),
        ("console", "$ NAME=one python -c 'import os; print(os.environ[\"NAME\"])'\none\n$ uv pip install nothing"),
        ("python", "# jobs/it.py\nfrom pathlib import Path\nassert Path(__file__).parts[-2:] == ('jobs', 'it.py')"),
        ("text", "anything"),
    )


@pytest.mark.parametrize(
    ("language", "content", "message"),
    [
        ("yaml", "connections: [{name: lake, format: delte}]", "did you mean 'delta'"),
        ("yaml", "destination: {load_typ: append}", "did you mean 'load_type'"),
        ("yaml", "anything: 1", "is no document, project file or part of them: anything"),
        ("yaml", "- 1", "is no map"),
        ("yaml", "a: [", "expected"),
        ("python", "x = 1\nassert x == 2", "AssertionError"),
        ("python", "x = ", "invalid syntax"),
        ("console", "$ echo one\ntwo", "'two' is not in what is printed:\none"),
        ("console", "$ cat none.txt", "ends with 1"),
        ("bash", "A=1 docker build . && ruff check", "nothing is known of the program docker. Say why it"),
        ("toml", "a =", "Invalid value"),
        ("", "output", "nothing is known of blocks in no language"),
        ("dockerfile", "FROM scratch", "nothing is known of blocks in dockerfile"),
        ("python", "# test_it.py\ndef test_it(): assert 1 == 2", "assert 1 == 2"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, language: str, content: str, message: str) -> None:
    with pytest.raises(BlockError, match=rf"(?s)^2: .*{re.escape(message)}"):
        run(tmp_path, (language, content))


def test_what_is_marked_does_not_run_but_is_read(tmp_path: Path) -> None:
    run(
        tmp_path,
        ("python", "raise SystemExit(1)"),
        ("console", "$ cat none.txt"),
        ("dockerfile", "FROM scratch"),
        before="<!-- not run: a reason -->\n",
    )
    with pytest.raises(BlockError, match="invalid syntax"):
        run(tmp_path, ("python", "x = "), before="<!-- not run: a reason -->\n")
