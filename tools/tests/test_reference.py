from __future__ import annotations

from typing import TYPE_CHECKING

from tools.check.reference import check_reference
from tools.reference import __main__ as reference
from tools.reference.pages import PAGES

if TYPE_CHECKING:
    from pathlib import Path

    from tools.check.workspace import Workspace


def test_the_page_names_functions_with_aliases_and_escapes_bars() -> None:
    text = PAGES["functions.md"]()
    assert "| `coalesce(" in text
    assert "`nvl" in text
    assert "`a || b`" not in text


def test_fields_have_values_defaults_and_meanings() -> None:
    lines = PAGES["dataflows.md"]().splitlines()
    assert "| `destination` | [Destination](#destination) | required | What it writes. |" in lines
    assert (
        "| `lag` | text |  | How far the high bound stays behind the newest value, so that late commits are"
        in "\n".join(lines)
    )
    assert any(line.startswith('| `on_empty` | `keep`, `clear`, `fail` | `"keep"` | ') for line in lines)


def test_commands_below_commands_have_their_options() -> None:
    text = PAGES["commands.md"]()
    assert "\n### datacoolie state set\n" in text
    assert "| `--mark COLUMN=VALUE` |" in text


def test_pages_that_are_out_of_date_are_found_and_made_again(workspace: Workspace) -> None:
    assert not list(check_reference(workspace))
    folder: Path = workspace.root / "docs" / "reference"
    folder.mkdir(parents=True)
    assert {finding.path.rpartition("/")[2] for finding in check_reference(workspace)} == set(PAGES)
    reference.main(workspace.root)
    assert not list(check_reference(workspace))
    (folder / "commands.md").write_text("# The command line\n", encoding="utf-8")
    assert [str(finding) for finding in check_reference(workspace)] == [
        "docs/reference/commands.md:1: is out of date; run `uv run python -m tools.reference`"
    ]


def test_the_matrix_shows_what_is_tested() -> None:
    lines = PAGES["matrix.md"]().splitlines()
    assert "| polars | aws | iceberg | yes | yes | yes | yes | yes | yes | yes |" in lines
    assert "| spark | local | csv | yes | yes |  |  |  |  |  |" in lines
