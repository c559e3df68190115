"""What the tests across packages share: a small project in a folder, run as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

import datacoolie
from datacoolie.orchestration.results import RunResult

if TYPE_CHECKING:
    from pathlib import Path

    from datacoolie.observability.records import FlowRecord

Record = dict[str, object]


@dataclass(frozen=True)
class Project:
    """A project in a folder: files below `landing`, tables below `lake`."""

    folder: Path

    @property
    def landing(self) -> Path:
        """Folder of the files that are read."""
        return self.folder / "landing"

    @property
    def lake(self) -> Path:
        """Folder of the tables."""
        return self.folder / "lake"

    @property
    def states(self) -> Path:
        """Folder of the load states."""
        return self.folder / ".datacoolie" / "flows"

    def write(self, *dataflows: Record, connections: list[Record] | None = None) -> None:
        """Write the document. JSON is YAML too, and needs no quoting rules here."""
        both = [
            {"name": "landing", "format": "parquet", "configure": {"base_path": "landing"}},
            {"name": "landing_csv", "format": "csv", "configure": {"base_path": "landing"}},
            {"name": "lake", "format": "delta", "configure": {"base_path": "lake"}},
            {"name": "out_parquet", "format": "parquet", "configure": {"base_path": "out"}},
            {"name": "out_csv", "format": "csv", "configure": {"base_path": "out"}},
            *(connections or []),
        ]
        (self.folder / "project.yaml").write_text(json.dumps({"connections": both, "dataflows": list(dataflows)}))

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of `datacoolie`."""
        return [sys.executable, "-m", "datacoolie", *arguments]

    def start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `datacoolie run` and return what it printed."""
        return subprocess.run(
            self.command("run", str(self.folder / "project.yaml"), *arguments),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def run(self, *arguments: str) -> list[Record]:
        """Run and return the records, whatever the exit code."""
        done = self.start("--json", *arguments)
        if done.returncode not in {0, 1}:
            raise AssertionError(done.stderr + done.stdout)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def attempt(self, *, engine: str | None = None, **arguments: object) -> FlowRecord:
        """Run the only flow in this process, by the project's engine or another one, and return its record."""
        result = datacoolie.Project.load(self.folder / "project.yaml", engine=engine).run(**arguments)  # type: ignore[arg-type] # passed on
        assert isinstance(result, RunResult)  # noqa: S101 - a test's own assertion
        (record,) = result
        return record

    def load(self, **arguments: object) -> FlowRecord:
        """Run the only flow in this process; it must not fail."""
        record = self.attempt(**arguments)  # type: ignore[arg-type] # passed on
        assert record.error is None, record.error  # noqa: S101 - a test's own assertion
        return record

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run Python code in a process of its own, with the project's path as `path`."""
        prelude = f"path = {str(self.folder / 'project.yaml')!r}\n"
        return subprocess.run(
            [sys.executable, "-c", prelude + code], capture_output=True, text=True, check=False, timeout=120
        )

    def spawn(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        """Start Python code in a process of its own, with the project's path as `path`."""
        prelude = f"path = {str(self.folder / 'project.yaml')!r}\n"
        return subprocess.Popen(
            [sys.executable, "-c", prelude + code, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def table(self, name: str) -> pl.DataFrame:
        """Read a Delta table with Polars."""
        return pl.read_delta(str(self.lake / name))


def append_flow(**changes: object) -> Record:
    """Return a flow that appends the Parquet files of `landing/events` to the table `events`, by `id`."""
    flow: Record = {
        "name": "events",
        "source": {"connection_name": "landing", "table": "events", "watermark_columns": ["id"]},
        "destination": {"connection_name": "lake", "table": "events", "load_type": "append"},
        "transform": {"system_columns": False},
    }
    for key, value in changes.items():
        old = flow.get(key)
        flow[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return flow
