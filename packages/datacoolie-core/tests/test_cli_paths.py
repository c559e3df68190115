"""A path where nothing is gets an error that names what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from datacoolie.cli.app import app
from datacoolie.cli.paths import existing
from datacoolie.core.exceptions import MetadataError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "project" / "metadata").mkdir(parents=True)
    (tmp_path / "project" / "metadata" / "flows.yaml").touch()
    (tmp_path / "project" / ".hidden").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", ["project", "project/metadata/flows.yaml", "."])
def test_a_path_that_exists_is_returned(here: Path, path: str) -> None:
    assert existing(path) == path
    assert existing(str(here)) == str(here)


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("projct", ". In the current folder: project. Did you mean 'project'?"),
        ("project/metadat/flows.yaml", ". In project: metadata. Did you mean 'metadata'?"),
        ("project/metadata/flow.yml", ". In project/metadata: flows.yaml. Did you mean 'flows.yaml'?"),
        ("project/metadata/flows.yaml/x", ": project/metadata/flows.yaml is a file."),
    ],
)
@pytest.mark.usefixtures("here")
def test_the_part_that_is_missing_is_named(path: str, rest: str) -> None:
    with pytest.raises(MetadataError) as caught:
        existing(path)
    assert caught.value.message == f"{path}: there is no such file or folder{rest}"


@pytest.mark.parametrize("command", ["validate", "plan", "run"])
@pytest.mark.usefixtures("here")
def test_commands_end_with_2(command: str) -> None:
    result = CliRunner().invoke(app, [command, "projct"])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: [MetadataError] projct: there is no such file or folder.")


def test_many_names_are_cut_short(here: Path) -> None:
    for number in range(12):
        (here / f"f{number:02}").touch()
    with pytest.raises(
        MetadataError, match=r"In the current folder: f00, f01, f02, f03, f04, f05, f06, f07, \.\.\.\.$"
    ):
        existing("zzzzzz")
