from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.check.words import check_words

if TYPE_CHECKING:
    from tools.check.workspace import Workspace


@pytest.mark.parametrize(
    ("text", "word", "what"),
    [
        ("x = 1  # TODO later", "TODO", "an unfinished thing"),
        ("FIXME", "FIXME", "an unfinished thing"),
        ("see https://pypi.org/project/x", "pypi.org", "the host of a registry"),
        ("https://files.pythonhosted.org/x", "pythonhosted.org", "the host of a registry"),
        ('path = "/work/main/x"', "/work/", "a path of one machine"),
        ("in /root/x", "/root/", "a path of one machine"),
        ("/home/ann/project", "/home/ann/", "a path of one machine"),
        ("/tmp/bash_jobs/1", "/tmp/bash_jobs/", "a path of one machine"),
        ("~/.pyenv/versions", ".pyenv", "a path of one machine"),
        ("<<<<<<< ours", "<<<<<<<", "an unresolved conflict"),
    ],
)
def test_forbidden_words(workspace: Workspace, text: str, word: str, what: str) -> None:
    (workspace.root / "notes.md").write_text(f"first line\n{text}\n", encoding="utf-8")
    assert [str(finding) for finding in check_words(workspace)] == [f"notes.md:2: {word!r} is {what}"]


@pytest.mark.parametrize("text", ["their/work/here", "s3://bucket/root/x", "${HOME}/work/x", "a TODOS list", "/tmp/x/"])
def test_words_that_are_allowed(workspace: Workspace, text: str) -> None:
    (workspace.root / "notes.md").write_text(text, encoding="utf-8")
    assert list(check_words(workspace)) == []


def test_the_lock_file_names_its_registry_by_nature(workspace: Workspace) -> None:
    (workspace.root / "uv.lock").write_text("https://pypi.org/simple", encoding="utf-8")
    assert list(check_words(workspace)) == []


def test_files_that_are_not_text_and_ignored_files_are_left_out(workspace: Workspace) -> None:
    (workspace.root / "data.bin").write_bytes(b"\xffTODO ")
    (workspace.root / ".gitignore").write_text("cache/\n", encoding="utf-8")
    (workspace.root / "cache").mkdir()
    (workspace.root / "cache/note.md").write_text("TODO", encoding="utf-8")
    assert list(check_words(workspace)) == []
