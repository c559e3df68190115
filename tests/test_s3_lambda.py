"""Loads in a function of AWS Lambda: the handler of the documentation, where hardly anything can be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.projects import append_flow
from tests.s3 import make_bucket, s3_project
from tools.markdown import code_blocks

if TYPE_CHECKING:
    from tools.services.model import Running

PAGE = Path(__file__).parents[1] / "docs/how-to/aws.md"
UNWRITABLE = "/proc"

CALL = """
import json, threading
from handler import handler
rows = [handler({"flows": ["events"]}, None)["rows"] for _ in range(2)]
print(json.dumps({"rows": rows, "threads": [thread.name for thread in threading.enumerate()]}))
try:
    handler({"flows": ["broken"]}, None)
except RuntimeError as error:
    print("broken" in str(error))
"""


@pytest.mark.skipif(not Path(UNWRITABLE).is_dir(), reason="a folder that not even root can write into is needed")
def test_the_handler_of_the_documentation(
    tmp_path: Path, moto_server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    make_bucket(moto_server.address["url"])
    folder = tmp_path / "project"
    folder.mkdir()
    project = s3_project(folder, moto_server.address["url"])
    flows = [
        append_flow(
            name=name,
            source={"connection_name": "landing_parquet", "table": name},
            destination={"table": name},
        )
        for name in ("events", "broken")
    ]
    project.write(*flows)
    project.land("events/1.parquet", pl.DataFrame({"id": [1, 2]}))
    project.platform.write(f"{project.root}/landing/broken/1.parquet", b"no Parquet")
    (handler,) = [block for block in code_blocks(PAGE.read_text(encoding="utf-8")) if block.path == "handler.py"]
    (tmp_path / "handler.py").write_text(handler.text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "HOME": UNWRITABLE, "USERPROFILE": UNWRITABLE}
    called = subprocess.run(
        [sys.executable, "-c", CALL],
        cwd=UNWRITABLE,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (called.returncode, called.stderr) == (0, "")
    first, second = called.stdout.splitlines()
    assert json.loads(first) == {"rows": [2, 0], "threads": ["MainThread"]}
    assert second == "True"
    assert sorted(project.table("events")["id"]) == [1, 2]
