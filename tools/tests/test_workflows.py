"""The workflows of GitHub: looked at by the linters for them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_zizmor_finds_nothing() -> None:
    zizmor = str(Path(sys.executable).with_name("zizmor"))
    command = [zizmor, "--offline", "--no-progress", "--color=never", *map(str, WORKFLOWS)]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (len(WORKFLOWS), answer.returncode) == (2, 0), answer.stdout


def test_actionlint_finds_nothing(actionlint: str) -> None:
    answer = subprocess.run([actionlint, *WORKFLOWS], check=False, capture_output=True, text=True)
    assert (answer.returncode, answer.stdout) == (0, "")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_calls_is_there(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    called = re.findall(r"(?:python -m|bash|pytest) ([\w./]+)", text)
    assert called
    for name in called:
        assert (ROOT / name).exists() or (ROOT / name.replace(".", "/")).is_dir(), name
    assert not re.search(r"uses: [^@]+@(?![0-9a-f]{40} # v)", text)
