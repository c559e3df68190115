from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from click.testing import CliRunner

from datacoolie.cli.app import app
from tools.pages.picture import ROOT, picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def lines(svg: str) -> Iterator[str]:
    rows: dict[float, str] = {}
    for text in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):  # noqa: S314 - our own picture
        rows[float(text.attrib["y"])] = rows.get(float(text.attrib["y"]), "") + (text.text or "")
    for row in rows.values():
        yield row.replace("\xa0", " ").rstrip()


def test_the_picture_shows_two_runs(tmp_path: Path) -> None:
    project = tmp_path / "my_project"
    assert CliRunner().invoke(app, ["init", str(project)]).exit_code == 0
    svg = picture(project)
    shown = list(lines(svg))
    assert shown.count("$ datacoolie run my_project") == 2
    assert "3 flows: 3 skipped; in" in "\n".join(shown)
    assert re.search(r"orders +succeeded +10 ", "\n".join(shown))
    assert "http" not in svg.replace("http://www.w3.org", "").replace("https://www.textualize.io", "")
    assert not (project / "lakehouse").exists()


def test_the_picture_of_the_readme_shows_the_example() -> None:
    shown = "\n".join(lines((ROOT / "docs/run.svg").read_text(encoding="utf-8")))
    assert re.search(r"flights +succeeded +336,776", shown)
    for page in ("README.md", "docs/index.md"):
        assert "run.svg)" in (ROOT / page).read_text(encoding="utf-8")
