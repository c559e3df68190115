"""Every code block of every page that users read."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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


def subclasses(kind: type[DataCoolieError]) -> dict[str, ErrorClass]:
    """Return the classes of error of those that the distributions have, below one."""
    found = kind.__subclasses__()
    named = {below.__name__: below.default_class for below in found if below.__module__.startswith("datacoolie")}
    return named | {name: at for below in found for name, at in subclasses(below).items()}


def test_every_error_has_its_class_its_reason_and_its_page() -> None:
    parts = ("engines", "metadata", "platforms", "sql", "state")
    plugins = (
        "datacoolie_platform_fabric.key_vault",
        "datacoolie_platform_databricks.scopes",
        "datacoolie_resolver_vault",
    )
    for module in (*(f"datacoolie.{part}" for part in parts), *plugins):
        import_module(module)
    text = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[`(\w+)`\]\(errors/\1\.md\) [^|]*\| (\w+) \|", text, re.MULTILINE)
    expected = {name: at.value for name, at in subclasses(DataCoolieError).items()}
    assert dict(listed) == expected
    assert {one.value for one in ErrorClass} == set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE))
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs/reference/errors").iterdir()}
    told = {
        name: found[2]
        for name, page in pages.items()
        if (
            found := re.search(
                r"^error: [^\n]*?\[(\w+)\].*^Usually of the class \[`(\w+)`\]", page, re.MULTILINE | re.DOTALL
            )
        )
        and found[1] == name
    }
    assert told == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_all_code_is_between_fences(page: Path) -> None:
    outside = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    assert not re.findall(r"\n\n    .*", outside)


def test_the_line_for_cron_and_the_container_file_run_what_they_say(tmp_path: Path) -> None:
    """As cron and a container run them, but for where the project and the programs are."""
    text = (ROOT / "docs/how-to/schedule.md").read_text(encoding="utf-8")
    blocks = {block.language: block.text for block in code_blocks(text)}
    here = Path(sys.executable).parent
    run_blocks(code_blocks("```console\n$ datacoolie init my_project\n```\n"), tmp_path)
    *times, line = blocks["cron"].split(maxsplit=5)
    assert (len(times), "%" in line) == (5, False)  # which cron takes for the end of the line
    placed = line.replace("/srv/venv/bin", str(here)).replace("/srv", str(tmp_path)).strip()
    nothing = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    subprocess.run(["/bin/sh", "-c", placed], check=True, cwd="/", env=nothing)
    records = map(json.loads, (tmp_path / "my_project.log").read_text().splitlines())
    assert {record["flow"]: record["status"] for record in records} == dict.fromkeys(
        ("customers", "orders", "large_orders"), "succeeded"
    )

    said = dict(each.split(" ", 1) for each in blocks["dockerfile"].splitlines())
    asked = Requirement(shlex.split(said["RUN"])[-1])
    project = tomllib.loads((ROOT / "packages/datacoolie/pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (asked.name, asked.extras - project["optional-dependencies"].keys()) == ("datacoolie", set())
    copied, place = said["COPY"].split()
    command = " ".join([*json.loads(said["ENTRYPOINT"]), *json.loads(said["CMD"])]).replace(place, copied)
    done = subprocess.run(
        [here / command.split()[0], *command.split()[1:]],
        check=True,
        cwd=tmp_path,
        env=nothing,
        capture_output=True,
        text=True,
    )
    assert "3 flows: 3 skipped" in done.stdout


def test_files_that_pages_name_are_there() -> None:
    for page in ROOT.glob("docs/**/*.md"):
        for name in re.findall(r"`((?:examples|packages|tests|tools)/[\w./-]+)`", page.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{page}: {name}"
