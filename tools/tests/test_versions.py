from __future__ import annotations

from typing import TYPE_CHECKING

from tools.versions.__main__ import main

if TYPE_CHECKING:
    import pytest


def test_the_ends_of_the_ranges_are_resolved_and_then_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lowest", "datacoolie-core", "--dry-run", "-x"]) == 0
    pins, _, _, tools, package, tests = capsys.readouterr().out.splitlines()
    assert "--all-extras" in pins
    assert "--resolution=lowest-direct" in pins
    assert "--no-emit-package=datacoolie-core" in pins
    assert pins.endswith(" packages/datacoolie-core/pyproject.toml")
    assert "pins.txt --requirement=" in tools
    assert "--no-deps --editable=" in package
    assert tests.endswith(" -m pytest --quiet packages/datacoolie-core/tests -x")
    assert main(["highest", "datacoolie-core", "--dry-run"]) == 0
    assert "--resolution=highest" in capsys.readouterr().out


def test_an_unknown_package_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["highest", "datacoolie-cor"]) == 1
    assert "'datacoolie-cor' is none of datacoolie (" in capsys.readouterr().err
