"""Iceberg catalogs behind servers, used by Spark and Polars in turn; kinds of catalogs that Spark does not get."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import polars as pl
import pytest
from pyiceberg.catalog import load_catalog

import datacoolie
from datacoolie.core.exceptions import EngineError, ErrorClass
from datacoolie.engines import TableRef
from datacoolie.orchestration.results import RunResult
from tests.projects import append_flow

if TYPE_CHECKING:
    from datacoolie_engine_spark import SparkEngine
    from tests.projects import Project, Record


TOKEN = "each commit carries a token, which the next run finds"
TWICE = (
    "Iceberg takes any append by Spark: of a run that slept before its commit until another one took its lease, and "
    "loaded, the rows are there twice"
)


@pytest.fixture(params=["postgres", "rest"])
def options(request: pytest.FixtureRequest, project: Project) -> dict[str, str]:
    """Return the `catalog_options` of a catalog behind a server."""
    if request.param == "rest":
        return {"type": "rest", "uri": request.getfixturevalue("iceberg_rest").address["url"]}
    url: str = request.getfixturevalue("postgres_server").address["url"]
    uri = url.replace("postgresql://", "postgresql+psycopg://")
    return {"type": "sql", "uri": uri, "warehouse": f"{project.folder}/warehouse"}


def test_engines_take_turns(project: Project, options: dict[str, str], spark_engine: SparkEngine) -> None:
    assert spark_engine.session.version  # the session that the project finds
    schema = "turns_of_spark"
    lake: Record = {"name": "berg", "format": "iceberg", "configure": {"catalog_options": options}}
    source = {"watermark_columns": ["__file_modification_time"]}
    place: Record = {"connection_name": "berg", "schema_name": schema}
    merge: Record = {**place, "table": "merged", "load_type": "merge_upsert", "merge_keys": ["id"]}
    project.write(
        append_flow(source=source, destination=place),
        append_flow(name="merged", source=source, destination=merge),
        connections=[lake],
    )
    (project.landing / "events").mkdir()
    for number, engine in enumerate(("spark", "polars", "spark")):
        path = project.landing / f"events/{number}.parquet"
        pl.DataFrame({"id": [number, number + 1], "by": engine}).write_parquet(path)
        os.utime(path, (1_700_000_000 + number,) * 2)
        result = datacoolie.Project.load(project.folder / "project.yaml", engine=engine).run()
        assert isinstance(result, RunResult)
        assert [record.error for record in result] == [None, None]
        assert [record.commit and record.commit.seq for record in result] == [number + 1] * 2
        promised = [record.guarantee_reason for record in result if record.flow == "events"]
        assert promised == [f"{TOKEN}; {TWICE}" if engine == "spark" else TOKEN]
    with load_catalog("default", **options) as catalog:
        rows = {name: catalog.load_table(f"{schema}.{name}").scan().to_arrow() for name in ("events", "merged")}
    assert sorted(pl.DataFrame(rows["events"]).rows()) == [
        (0, "spark"), (1, "polars"), (1, "spark"), (2, "polars"), (2, "spark"), (3, "spark"),
    ]  # fmt: skip
    assert sorted(pl.DataFrame(rows["merged"]).rows()) == [(0, "spark"), (1, "polars"), (2, "spark"), (3, "spark")]


def test_other_kinds_of_catalogs_are_refused_by_name(spark_engine: SparkEngine) -> None:
    for kind in ("glue", "hive", ""):
        ref = TableRef(format="iceberg", name="db.t", catalog="lake", catalog_options={"type": kind, "warehouse": "w"})
        with pytest.raises(EngineError, match=rf"can't make the catalog 'lake' .*type is '{kind}'\..*polars") as caught:
            spark_engine.table(ref)
        assert caught.value.error_class is ErrorClass.CONFIGURATION


def test_of_first_loads_at_once_each_makes_its_table(project: Project, spark_engine: SparkEngine) -> None:
    assert spark_engine.session.version  # the session that the project finds
    options = {"type": "sql", "uri": "sqlite:///catalog.db", "warehouse": "warehouse"}
    lake: Record = {"name": "berg", "format": "iceberg", "configure": {"catalog_options": options}}
    names = [f"flow_{number}" for number in range(6)]
    place: Record = {"connection_name": "berg", "schema_name": "new"}
    project.write(*(append_flow(name=name, destination={**place, "table": name}) for name in names), connections=[lake])
    (project.landing / "events").mkdir()
    pl.DataFrame({"id": [1]}).write_parquet(project.landing / "events/1.parquet")
    result = datacoolie.Project.load(project.folder / "project.yaml", engine="spark").run(workers=len(names))
    assert isinstance(result, RunResult)
    assert [record.error for record in result] == [None] * len(names)
