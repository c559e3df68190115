from __future__ import annotations

from typing import TYPE_CHECKING

from tools.versions.__main__ import main

if TYPE_CHECKING:
    import pytest

    from tools.check.workspace import Workspace


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


def test_what_a_package_needs_is_the_oldest_release_that_it_takes(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace.root
    with (root / "pyproject.toml").open("a") as file:
        file.write('[dependency-groups]\ndev = ["pytest"]\n')

    def installed(which: str) -> list[str]:
        assert main([which, "one", "--dry-run", f"--root={root}"]) == 0
        _, _, _, _, ours, _ = capsys.readouterr().out.replace("'", "").splitlines()
        return ours.partition("--no-deps ")[2].split(" --")

    one, core = f"--editable={root}/packages/one", f"editable={root}/packages/datacoolie-core"
    assert installed("lowest") == [one, core]
    for version in ("0.2.9", "0.3.1", "0.3.0", "0.4.0"):
        workspace.git("tag", f"datacoolie-core-v{version}")
    release = f"git+file://{root}@datacoolie-core-v0.3.0#subdirectory=packages/datacoolie-core"
    assert installed("lowest") == [f"{one} datacoolie-core @ {release}"]
    assert installed("highest") == [one, core]


def test_an_unknown_package_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["highest", "datacoolie-cor"]) == 1
    assert "'datacoolie-cor' is none of datacoolie (" in capsys.readouterr().err
