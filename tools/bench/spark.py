"""The jobs that Spark does: the same settings on both sides, all processes counted, and the jobs of Spark itself."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tools.bench.jobs import Job, Load, TinyFlows, cpu_ratio, no_more_jobs
from tools.bench.process import Usage, measure
from tools.services import spark

if TYPE_CHECKING:
    from collections.abc import Sequence

BY_HAND = str(Path(__file__).with_name("spark_by_hand.py"))
_STARTS = '{"Event":"SparkListenerJobStart"'
_UNHURRIED = "spark.driver.extraJavaOptions"
"""What makes short tests faster, and long jobs slower."""


class OnSpark(Job):
    """A job of which both sides are done by Spark."""

    engine = "spark"

    def measured(self, command: Sequence[str], work: Path) -> Usage:
        """Run a command and count its Java, and the jobs in the log of its events."""
        events = work / "events"
        before = _jobs(events)
        return replace(measure(command, orphans=True), jobs=_jobs(events) - before)

    def run(self, work: Path, document: str) -> list[str]:
        """Write a project for Spark into `work` and return the command that runs it."""
        command = super().run(work, document)
        conf = _conf(work)
        engine = {"name": "spark", "master": conf.pop("spark.master"), "conf": conf, "jars": str(spark.jars())}
        conf.pop("spark.jars")
        project = json.dumps({"metadata": ["metadata.json"], "engine": engine})
        (work / "project/datacoolie.yaml").write_text(project, encoding="utf-8")
        return command

    def by_hand(self, work: Path, job: str, source: Path, destination: Path, keys: Sequence[str] = ()) -> list[str]:
        """Return the command that does a job of `spark_by_hand.py`."""
        conf = work / "conf.json"
        conf.write_text(json.dumps(_conf(work)), encoding="utf-8")
        return [sys.executable, BY_HAND, job, str(source), str(destination), ",".join(keys), str(conf)]


def _conf(work: Path) -> dict[str, str]:
    """Return the settings of a session whose events are logged below `work`."""
    events = work / "events"
    events.mkdir(exist_ok=True)
    return {
        **{name: value for name, value in spark.SMALL.items() if name != _UNHURRIED},
        "spark.master": "local[2]",
        "spark.jars": ",".join(map(str, sorted(spark.jars().glob("*.jar")))),
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.ui.showConsoleProgress": "false",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.eventLog.rolling.enabled": "false",
    }


def _jobs(events: Path) -> int:
    """Return how many jobs logs of events have."""
    texts = (path.read_text(encoding="utf-8") for path in events.iterdir() if path.is_file())
    return sum(line.startswith(_STARTS) for text in texts for line in text.splitlines())


class SparkLoad(OnSpark, Load):
    """One flow that loads a folder of files by Spark."""


class SparkTinyFlows(OnSpark, TinyFlows):
    """Many flows of few rows, by Spark."""


FLOWS = 50

JOBS: tuple[Job, ...] = (
    SparkLoad(
        name="spark-append",
        title="Parquet to Delta by Spark, by hand PySpark",
        promises=(cpu_ratio(1.05), no_more_jobs()),
        source="parquet",
        table_format="delta",
        load_type="append",
        baseline="append",
    ),
    SparkLoad(
        name="spark-upsert",
        title="Upsert of 10 % into Delta by Spark, by hand MERGE in PySpark",
        promises=(cpu_ratio(1),),
        source="changes",
        table_format="delta",
        load_type="merge_upsert",
        baseline="upsert",
        base="base",
    ),
    SparkTinyFlows(
        name="spark-tiny",
        title=f"{FLOWS} flows of 100 new rows by Spark, by hand PySpark",
        promises=(cpu_ratio(1.2),),
        flows=FLOWS,
        again=True,
    ),
)
"""All jobs of Spark, in the order in which they run."""
