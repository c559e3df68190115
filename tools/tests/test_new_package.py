"""A new package in a clone of this repository."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tools.check.__main__ import CHECKS
from tools.new_package.__main__ import main

if TYPE_CHECKING:
    from tools.tests.clones import Clone

NAME = "datacoolie-resolver-acme"


def found(clone: Clone, *checks: str) -> list[str]:
    return [str(finding) for check in checks for finding in CHECKS[check](clone.fresh())]


def test_a_new_package_is_registered_everywhere(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    before = clone.text("pyproject.toml") or ""
    assert main(["resolver", "acme", "--root", str(clone.root)]) == 0
    monkeypatch.syspath_prepend(str(clone.root / "packages" / NAME / "src"))
    assert found(clone, "code", "entry-points", "fragments", "layout", "ranges", "registered") == []
    for command in (["ruff", "check", "--quiet", "packages"], ["ruff", "format", "--quiet", "--check", "packages"]):
        subprocess.run([sys.executable, "-m", *command], check=True, cwd=clone.root)
    assert f'name = "{NAME}"' in (clone.text("uv.lock") or "")
    # What is beside the new lines stays, comments too.
    after = clone.text("pyproject.toml") or ""
    lost = set(before.splitlines()) - set(after.splitlines())
    assert {line.split(" = ")[0].strip() for line in lost} <= {"source_pkgs", "root_packages", "forbidden_modules"}


@pytest.mark.parametrize(
    ("file", "line", "missing"),
    [
        ("pyproject.toml", f"{NAME} = {{workspace = true}}\n", f"pyproject.toml:1: [tool.uv.sources] lacks {NAME}"),
        ("packages/datacoolie/README.md", f"| `datacoolie[acme]` | and `{NAME}` |\n", "README.md:1: does not tell of"),
        ("packages/datacoolie/pyproject.toml", f'acme = ["{NAME}>=0.1,<0.2"]\n', f"no extra brings {NAME}"),
    ],
)
def test_what_was_forgotten_is_named(clone: Clone, file: str, line: str, missing: str) -> None:
    main(["resolver", "acme", "--root", str(clone.root)])
    text = clone.text(file) or ""
    assert line in text
    clone.write(file, text.replace(line, "").replace('"datacoolie[acme]",', ""))
    (finding,) = found(clone, "registered")
    assert missing in finding


@pytest.mark.parametrize("name", ["Acme", "acme_2", "-acme"])
def test_names_that_are_none(clone: Clone, name: str) -> None:
    with pytest.raises(SystemExit):
        main(["resolver", "--root", str(clone.root), "--", name])
    assert clone.git("status", "--porcelain") == ""
