"""`datacoolie init` makes a project, and only where nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

from datacoolie.cli.app import app
from datacoolie.metadata import load_project

if TYPE_CHECKING:
    from pathlib import Path

FILES = [
    ".gitignore",
    "README.md",
    "data/landing/customers.csv",
    "data/landing/orders/2026-01.csv",
    "data/landing/orders/2026-02.csv",
    "datacoolie.yaml",
    "metadata/connections.yaml",
    "metadata/dataflows.yaml",
    "schemas/document.json",
    "schemas/project.json",
]


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_it_makes_a_valid_project_and_says_what_comes_next(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "my project"
    result = CliRunner().invoke(app, ["init", str(folder)])
    assert result.exit_code == 0
    assert files_below(folder) == FILES
    assert result.stdout.splitlines()[-1] == f"made 10 files. Next: datacoolie run '{folder}'"
    flows = load_project(folder).metadata.dataflows
    assert [(flow.name, flow.stage) for flow in flows] == [
        ("orders", "bronze"),
        ("customers", "bronze"),
        ("large_orders", "silver"),
    ]


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["init", str(tmp_path)]).exit_code == 0
    assert files_below(tmp_path) == FILES


def test_a_folder_with_content_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d", "e", "f", ".git"):
        (tmp_path / name).touch()
    result = CliRunner().invoke(app, ["init", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: [ConfigurationError] {tmp_path} is not empty: it has .git, a, b, c, d and 2 more. "
        "Name a folder that is new or empty.\n"
    )
    assert files_below(tmp_path) == [".git", "a", "b", "c", "d", "e", "f"]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("keep")
    result = CliRunner().invoke(app, ["init", str(file / "project")])
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: [ConfigurationError] {file}/project can't be a folder: {file} is a file. "
        "Name a folder that is new or empty.\n"
    )
    assert file.read_text() == "keep"
