"""Releases in clones of this repository: real packages, real git, real builds."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tools.check.__main__ import CHECKS

if TYPE_CHECKING:
    from tools.tests.clones import Clone

CORE, POLARS = "packages/datacoolie-core", "packages/datacoolie-engine-polars"


def test_plan_names_what_is_due_and_what_follows(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    clone.tagged(*(f"{package.name}-v0.1.0" for package in clone.packages))
    assert clone.planned(capsys) == ["nothing is due: no package has fragments"]
    clone.write(f"{POLARS}/changes/+one.fixed.md", "A fault.\n")
    clone.write(f"{POLARS}/changes/2.security.md", "A hole.\n")
    (line,) = clone.planned(capsys)
    assert line.startswith("datacoolie-engine-polars 0.1.1: 1 fixed, 1 security; needed by datacoolie")
    clone.write(f"{CORE}/changes/+new.added.md", "A thing.\n")
    lines = clone.planned(capsys)
    assert lines[0].startswith("datacoolie-core 0.2.0: 1 added; needed by datacoolie, datacoolie-engine-polars")
    (polars,) = (line for line in lines if line.startswith("datacoolie-engine-polars "))
    assert polars.startswith("datacoolie-engine-polars 0.2.0: 1 fixed, 1 security, follows datacoolie-core; needed by")
    assert lines[-1].startswith("datacoolie 0.2.0: follows datacoolie-core, follows datacoolie-engine-polars")


@pytest.mark.parametrize(
    ("tag", "kind", "version"),
    [
        ("0.4.2", "fixed", "0.4.3"),
        ("0.4.2", "breaking", "0.5.0"),
        ("1.4.2", "security", "1.4.3"),
        ("1.4.2", "deprecated", "1.5.0"),
        ("1.4.2", "removed", "2.0.0"),
    ],
)
def test_versions_follow_from_the_kinds(
    clone: Clone, capsys: pytest.CaptureFixture[str], tag: str, kind: str, version: str
) -> None:
    clone.tagged("datacoolie-core-v0.1.0", f"datacoolie-core-v{tag}", "datacoolie-core-extra-v9.0.0")
    clone.write(f"{CORE}/changes/+it.{kind}.md", "It.\n")
    assert clone.planned(capsys)[0].startswith(f"datacoolie-core {version}: 1 {kind};")


def test_a_minor_version_moves_the_ranges_of_dependants(clone: Clone) -> None:
    clone.tagged(*(f"{package.name}-v0.1.0" for package in clone.packages))
    clone.write(f"{CORE}/changes/+new.added.md", "A thing that was not there.\n")
    clone.commit()
    assert clone.release("prepare", "datacoolie-core", "--dry-run") == 0
    assert clone.git("status", "--porcelain") == ""
    assert clone.release("prepare", "datacoolie-core") == 0
    after = clone.fresh()
    assert {package.name: package.project["version"] for package in after.packages}["datacoolie-core"] == "0.2.0"
    assert "### Added\n\n- A thing that was not there.\n" in (after.text(f"{CORE}/CHANGELOG.md") or "")
    assert not list((clone.root / CORE / "changes").glob("*.md"))
    assert '"datacoolie-core>=0.2,<0.3"' in (after.text(f"{POLARS}/pyproject.toml") or "")
    assert '"datacoolie-core[excel]>=0.2,<0.3"' in (after.text("packages/datacoolie/pyproject.toml") or "")
    note = after.text(f"{POLARS}/changes/+datacoolie-core-0-2.changed.md")
    assert note == "It needs datacoolie-core >=0.2,<0.3.\n"
    assert [*CHECKS["ranges"](after), *CHECKS["fragments"](after)] == []
    subprocess.run(["uv", "lock", "--quiet", "--check"], check=True, cwd=clone.root)


def test_what_is_built_is_the_same_twice_and_listed(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("one", "two"):
        assert clone.release("build", "datacoolie-engine-polars-v0.1.0", f"--out={folder}") == 0
    name = "datacoolie-engine-polars-0.1.0"
    files = sorted(path.name for path in (clone.root / "one" / name).glob("*.*"))
    assert files == [
        ".gitignore",
        "datacoolie_engine_polars-0.1.0-py3-none-any.whl",
        "datacoolie_engine_polars-0.1.0.tar.gz",
    ]
    for file in files:
        assert (clone.root / "one" / name / file).read_bytes() == (clone.root / "two" / name / file).read_bytes()
    subprocess.run(["sha256sum", "--quiet", "--check", f"{name}.sha256"], check=True, cwd=clone.root / "one")
    bill = json.loads((clone.root / "one" / f"{name}.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert {"datacoolie-core", "polars", "pyarrow", "pyiceberg"} <= {each["name"] for each in bill["components"]}
    assert "pytest" not in {each["name"] for each in bill["components"]}
    assert clone.release("build", "datacoolie-core", "--out=none", "--dry-run") == 0
    assert not (clone.root / "none").exists()
    capsys.readouterr()
    assert clone.release("build", "datacoolie-core-v0.0.9") == 1
    assert "error: 'datacoolie-core-v0.0.9' is none of " in (refusal := capsys.readouterr().err)
    assert "datacoolie-core (datacoolie-core-v0.1.0)" in refusal


TEST = """
import datacoolie


def test_modules_are_from_the_wheel():
    assert "site-packages" in datacoolie.__file__
"""


def test_a_release_is_checked_and_tagged(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert clone.release("tag", "datacoolie-core") == 1
    assert " fragments wait: run `python -m tools.release prepare datacoolie-core`" in capsys.readouterr().err
    assert clone.release("prepare", "datacoolie-core") == 0
    assert clone.release("tag", "datacoolie-core") == 1
    assert capsys.readouterr().err == "error: The tree is not clean: commit or remove what `git status` names\n"
    for path in clone.root.glob("packages/*/tests/test_*.py"):
        path.unlink()
    clone.write(f"{CORE}/tests/test_wheel.py", TEST)
    clone.commit()
    assert clone.release("check", "datacoolie-core", "-p", "no:cacheprovider") == 0
    assert clone.release("tag", "datacoolie-core") == 0
    assert clone.git("tag").split() == ["datacoolie-core-v0.1.0"]
    assert clone.release("check", "datacoolie-core", "--dry-run") == 0
    clone.git("tag", "datacoolie-core-v0.1.1")
    capsys.readouterr()
    assert clone.release("check", "datacoolie-core") == 1
    assert "pyproject.toml makes it datacoolie-core-v0.1.0" in capsys.readouterr().err


def test_a_release_whose_licence_is_another_is_refused(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert clone.release("prepare", "datacoolie") == 0
    clone.write("packages/datacoolie/LICENSE", "Another.\n")
    clone.commit()
    assert clone.release("check", "datacoolie") == 1
    assert "expected are {'Name': 'datacoolie', 'Version': '0.1.0'" in capsys.readouterr().err
