"""The benchmarks of Spark: both sides leave the same rows, and all that they use is counted."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import datacoolie
from datacoolie.orchestration.results import RunResult
from tools.bench import compare, data, spark_by_hand
from tools.bench.spark import JOBS, SparkTinyFlows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tools.bench.jobs import Job

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench") / "generated"
    data.make("generated", 1000, folder)
    return folder


def small(job: Job) -> Job:
    return replace(job, flows=2, again=False) if isinstance(job, SparkTinyFlows) else job


@pytest.mark.parametrize("job", list(map(small, JOBS)), ids=lambda job: job.name)
def test_each_job_does_what_its_baseline_does(
    job: Job, made: Path, tmp_path: Path, spark_session: SparkSession
) -> None:
    for name in ("datacoolie", "baseline"):
        (tmp_path / name).mkdir()
    *_, project = job.command("datacoolie", made, tmp_path / "datacoolie")
    result = datacoolie.Project.load(Path(project) / "metadata.json", engine="spark").run()
    assert isinstance(result, RunResult)
    assert [record.error for record in result] == [None] * len(list(result))
    name, source, destination, keys, _ = job.command("baseline", made, tmp_path / "baseline")[2:]
    spark_by_hand.JOBS[name](spark_session, Path(source), Path(destination), keys.split(","))
    results = job.results(tmp_path)
    assert results is not None
    assert compare.differences(*results) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt what others leave behind")
def test_processes_that_a_command_leaves_behind_are_counted() -> None:
    leaves = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'sum(range(30_000_000))'])"
    measuring = (
        "import sys; from tools.bench.process import measure; "
        f"print(measure([sys.executable, '-c', {leaves!r}], orphans=True).cpu)"
    )
    printed = subprocess.run([sys.executable, "-c", measuring], check=True, capture_output=True, text=True, cwd=ROOT)
    alone = [sys.executable, "-c", "import time; sum(range(30_000_000)); print(time.process_time())"]
    used = subprocess.run(alone, check=True, capture_output=True, text=True)
    assert float(printed.stdout) > 0.2 * float(used.stdout)
