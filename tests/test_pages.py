"""Every code block of every page that users read."""

from __future__ import annotations

import re
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from datacoolie.core.exceptions import DataCoolieError, ErrorClass
from tools.markdown import code_blocks
from tools.pages.blocks import run_blocks

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/*/README.md", "packages/*/README.md")
    for path in ROOT.glob(pattern)
    if code_blocks(path.read_text(encoding="utf-8"))
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if "examples/" in text:
        shutil.copytree(
            ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("lakehouse", ".datacoolie")
        )
    run_blocks(code_blocks(text), tmp_path)


def subclasses(kind: type) -> set[str]:
    """Return the names of those that the framework itself has, below a class."""
    found: list[type] = kind.__subclasses__()
    named = {below.__name__ for below in found if below.__module__.startswith("datacoolie.")}
    return named.union(*map(subclasses, found))


def test_every_error_has_its_class_and_its_reason() -> None:
    for module in ("engines", "metadata", "platforms", "sql", "state"):
        import_module(f"datacoolie.{module}")
    text = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+Error)`", text, re.MULTILINE)) == subclasses(DataCoolieError)
    assert {one.value for one in ErrorClass} == set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_all_code_is_between_fences(page: Path) -> None:
    outside = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    assert not re.findall(r"\n\n    .*", outside)


def test_files_that_pages_name_are_there() -> None:
    for page in ROOT.glob("docs/**/*.md"):
        for name in re.findall(r"`((?:examples|packages|tests|tools)/[\w./-]+)`", page.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{page}: {name}"
