"""What a flow promises, and what it can't, is printed with the plan and kept with each run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest
from click.testing import CliRunner

from datacoolie.cli.app import app
from tests.projects import append_flow

if TYPE_CHECKING:
    from tests.projects import Project, Record

APPENDED = "each commit carries a token, which the next run finds"
REPLACED = "the same rows replace the same rows, in one commit"
OTHERS = "readers other than datacoolie may see"

CASES: list[tuple[Record, Record, str, str]] = [
    ({"load_type": "append"}, {}, "effectively-once", APPENDED),
    ({"load_type": "overwrite"}, {}, "idempotent", REPLACED),
    (
        {"load_type": "merge_upsert", "merge_keys": ["id"]},
        {},
        "idempotent",
        "the same keys get the same values, in one commit",
    ),
    (
        {"load_type": "append", "connection_name": "out_parquet"},
        {},
        "effectively-once",
        f"{APPENDED}; {OTHERS} some of its files before the others",
    ),
    (
        {"load_type": "overwrite", "connection_name": "out_csv"},
        {},
        "idempotent",
        f"{REPLACED}; {OTHERS} old and new files for a moment",
    ),
    (
        {"load_type": "append"},
        {"watermark": {"null_watermark": "load"}},
        "at-least-once",
        "rows without watermark are read each time, and added again",
    ),
]


@pytest.mark.parametrize(("destination", "settings", "guarantee", "reason"), CASES)
def test_a_guarantee_is_printed(
    project: Project, destination: Record, settings: Record, guarantee: str, reason: str
) -> None:
    project.write(append_flow(destination=destination, source={"configure": settings}))
    (project.landing / "events").mkdir()
    pl.DataFrame({"id": [1]}).write_parquet(project.landing / "events" / "a.parquet")
    path = str(project.folder / "project.yaml")
    plan = CliRunner().invoke(app, ["plan", path]).stdout
    assert plan.splitlines()[-1] == f"{guarantee}: {reason}"
    for command in ("plan", "run"):
        found = json.loads(CliRunner().invoke(app, [command, "--json", path]).stdout)
        assert (found["guarantee"], found["guarantee_reason"]) == (guarantee, reason)


ALONE = (
    "this Spark was not set up by DataCoolie: its commits to Delta tables on S3 don't see what others commit in the "
    "same moment, so only one process may write the table at a time"
)


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        ({"name": "spark", "remote": "sc://nowhere:1"}, f"{APPENDED}; {ALONE}"),
        ({"name": "spark"}, APPENDED),
        ({"name": "polars"}, APPENDED),
    ],
)
def test_what_a_spark_of_others_can_not_promise_on_s3_is_printed(project: Project, engine: Record, reason: str) -> None:
    lake: Record = {"name": "s3", "format": "delta", "configure": {"base_path": "s3://bucket/lake"}}
    flow = append_flow(source={"watermark_columns": []}, destination={"connection_name": "s3"})
    project.write(flow, connections=[lake])
    settings = {"metadata": ["project.yaml"], "engine": engine, "platform": "aws"}
    (project.folder / "datacoolie.yaml").write_text(json.dumps(settings))
    found = json.loads(CliRunner().invoke(app, ["plan", "--json", str(project.folder)]).stdout)
    assert found["guarantee_reason"] == reason
