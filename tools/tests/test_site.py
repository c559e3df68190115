"""The site of the documentation: built as strictly as mkdocs can."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (built.returncode, re.findall(r"^WARNING.*", built.stderr, re.MULTILINE)) == (0, [])
    return folder


def test_llms_txt_leads_to_every_page(site: Path) -> None:
    text = (site / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith("# DataCoolie\n\n> Moves data ")
    linked = set(re.findall(r"^- \[[^\n]+?\]\(([^)]+)\)", text, re.MULTILINE))
    assert "- [Five minutes](start.md): You need Python 3.11 or newer.\n" in text
    assert linked == {path.relative_to(site).as_posix() for path in site.rglob("*.md")}
    in_docs = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert linked > in_docs
    assert {"security.md", "packages/datacoolie-platform-aws.md"} <= linked - in_docs
    assert (site / "start.md").read_text(encoding="utf-8").startswith("# Five minutes\n")


def test_the_reference_has_the_docstrings(site: Path) -> None:
    page = (site / "reference" / "python" / "index.html").read_text(encoding="utf-8")
    assert 'id="datacoolie.orchestration.project.Project.run"' in page
    assert "Only <code>transient</code> and <code>conflict</code> are worth another try." in page


def test_nothing_is_asked_of_other_servers(site: Path) -> None:
    page = (site / "start" / "index.html").read_text(encoding="utf-8")
    assert "<title>Five minutes - DataCoolie</title>" in page
    assert not re.findall(r'(?:src|href)="https?://(?!squidfunk)[^"]+"', page)
