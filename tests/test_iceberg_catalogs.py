"""Iceberg tables through documents, in each kind of catalog, read back with pyiceberg."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from pyiceberg.catalog import load_catalog

import datacoolie
from datacoolie.orchestration.results import RunResult
from tests.projects import Project, Record, append_flow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pyiceberg.catalog import Catalog

    from datacoolie.observability.records import FlowRecord
    from tools.services.model import Running

CATALOGS = ("sqlite", "postgres", "rest")


@pytest.fixture(params=CATALOGS)
def options(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Return `catalog_options` of a catalog without tables of this test's name."""
    match request.param:
        case "sqlite":
            return {"type": "sql", "uri": "sqlite:///catalog.db", "warehouse": "warehouse"}
        case "postgres":
            url = request.getfixturevalue("postgres_server").address["url"]
            uri = url.replace("postgresql://", "postgresql+psycopg://")
            return {"type": "sql", "uri": uri, "warehouse": str(tmp_path / "warehouse")}
        case _:
            return {"type": "rest", "uri": request.getfixturevalue("iceberg_rest").address["url"]}


@pytest.fixture
def schema(tmp_path: Path) -> str:
    """Return a schema that no other test has: servers run for a whole session."""
    return tmp_path.name.replace("[", "_").replace("]", "_")


@pytest.fixture
def lake(options: dict[str, str]) -> Record:
    return {"name": "berg", "format": "iceberg", "configure": {"catalog_options": options}}


@pytest.fixture
def catalog(project: Project, options: dict[str, str]) -> Iterator[Catalog]:
    """Return the catalog as another program opens it."""
    uri = options["uri"].replace("sqlite:///", f"sqlite:///{project.folder}/")
    found = load_catalog("default", **{**options, "uri": uri})
    yield found
    found.close()


def into(schema: str | None, **more: object) -> Record:
    """Return the fields of a destination in a schema of the catalog."""
    return {"connection_name": "berg", "schema_name": schema, **more}


def land(project: Project, name: str, **columns: Sequence[object]) -> None:
    folder = project.landing / "events"
    folder.mkdir(exist_ok=True)
    pl.DataFrame(columns).write_parquet(folder / name)


def rows(catalog: Catalog, schema: str, table: str = "events") -> list[tuple[object, ...]]:
    return sorted(pl.DataFrame(catalog.load_table(f"{schema}.{table}").scan().to_arrow()).rows(), key=repr)


def write(project: Project, lake: Record, *flows: Record) -> None:
    project.write(*flows, connections=[lake])


def run(project: Project) -> list[FlowRecord]:
    """Run in this process, and return the records."""
    result = datacoolie.Project.load(project.folder / "project.yaml").run()
    assert isinstance(result, RunResult)
    return list(result)


def loaded(project: Project) -> list[object]:
    """Run, and return the flows' statuses."""
    return [(record.status, record.error) for record in run(project)]


DONE = ("succeeded", None)


def test_append_and_read_back(project: Project, lake: Record, catalog: Catalog, schema: str) -> None:
    first = append_flow(destination=into(schema))
    out = append_flow(
        name="copy",
        source={"connection_name": "berg", "schema_name": schema, "table": "events"},
        destination=into(schema, table="copied"),
    )
    write(project, lake, first, out)
    land(project, "a.parquet", id=[1, 2], text=["a", None])
    assert loaded(project) == [DONE, DONE]
    land(project, "b.parquet", id=[3], text=["c"])
    assert loaded(project) == [DONE, DONE]
    assert [record.status for record in run(project)] == ["skipped", "skipped"]
    assert rows(catalog, schema) == [(1, "a"), (2, None), (3, "c")]
    assert rows(catalog, schema, "copied") == [(1, "a"), (2, None), (3, "c")]
    assert len(catalog.load_table(f"{schema}.events").snapshots()) == 2


def test_overwrite(project: Project, lake: Record, catalog: Catalog, schema: str) -> None:
    write(project, lake, append_flow(destination=into(schema, load_type="overwrite")))
    land(project, "a.parquet", id=[1, 2])
    assert loaded(project) == [DONE]
    land(project, "b.parquet", id=[3])
    assert loaded(project) == [DONE]
    assert rows(catalog, schema) == [(3,)]


def test_upsert_with_a_new_and_a_wider_column(project: Project, lake: Record, catalog: Catalog, schema: str) -> None:
    destination = into(schema, load_type="merge_upsert", merge_keys=["id"])
    write(project, lake, append_flow(source={"watermark_columns": []}, destination=destination))
    land(project, "a.parquet", id=[1, 2, None], n=[1.5, 2.5, 0.5])
    assert loaded(project) == [DONE]
    land(project, "a.parquet", id=[2, None, 4], n=[20.0, 0.0, 40.0], more=["x", None, "y"])
    (record,) = run(project)
    assert record.commit is not None, record.error
    assert (record.commit.updated, record.commit.schema_changes) == (2, ("new column more: string",))
    assert rows(catalog, schema) == [(1, 1.5, None), (2, 20.0, "x"), (4, 40.0, "y"), (None, 0.0, None)]
    assert len(catalog.load_table(f"{schema}.events").snapshots()) == 2


def test_merge_overwrite_of_keys_and_of_a_window(project: Project, lake: Record, catalog: Catalog, schema: str) -> None:
    destination = into(schema, load_type="merge_overwrite", merge_keys=["id"])
    window = into(schema, table="window", load_type="merge_overwrite", configure={"replace_by_watermark": True})
    source = {"watermark_columns": ["at"], "configure": {"backward_days": 1}}
    write(project, lake, append_flow(source=source, destination=destination),
          append_flow(name="window", source=source, destination=window))  # fmt: skip
    days = [datetime(2024, 1, day) for day in (1, 2, 3)]  # noqa: DTZ001 - a column without zone
    land(project, "a.parquet", id=[1, 1, 2], at=days, n=[1, 2, 3])
    assert loaded(project) == [DONE, DONE]
    land(project, "a.parquet", id=[1, 2, 2], at=[days[0], days[2], days[2]], n=[1, 8, 9])
    assert loaded(project) == [DONE, DONE]
    assert rows(catalog, schema) == [(1, days[0], 1), (1, days[1], 2), (2, days[2], 8), (2, days[2], 9)]
    assert rows(catalog, schema, "window") == [(1, days[0], 1), (2, days[2], 8), (2, days[2], 9)]


def test_a_history(project: Project, lake: Record, catalog: Catalog, schema: str) -> None:
    configure = {"scd2_effective_column": "at"}
    destination = into(schema, load_type="scd2", merge_keys=["id"], configure=configure)
    write(project, lake, append_flow(source={"watermark_columns": []}, destination=destination))
    days = [datetime(2024, 1, day) for day in (1, 2, 3)]  # noqa: DTZ001 - a column without zone
    land(project, "a.parquet", id=[1, 2], at=[days[0], days[1]], n=[1, 5])
    assert loaded(project) == [DONE]
    land(project, "a.parquet", id=[1, 2], at=[days[2], days[0]], n=[2, 4])
    assert loaded(project) == [DONE]
    frame = pl.DataFrame(catalog.load_table(f"{schema}.events").scan().to_arrow())
    found = frame.select("id", "n", "__valid_from", "__valid_to", "__is_current").sort("id", "__valid_from").rows()
    assert found == [
        (1, 1, days[0], days[2], False),
        (1, 2, days[2], None, True),
        (2, 4, days[0], days[1], False),
        (2, 5, days[1], None, True),
    ]


def test_state_is_rebuilt_from_the_catalog(project: Project, lake: Record, catalog: Catalog, schema: str) -> None:
    write(project, lake, append_flow(destination=into(schema)))
    land(project, "a.parquet", id=[1, 2])
    assert loaded(project) == [DONE]
    for state in project.states.glob("*.json"):
        state.unlink()
    (record,) = run(project)
    assert (record.status, record.reason) == ("skipped", "adopted commit 1 of the destination")
    assert rows(catalog, schema) == [(1,), (2,)]


def test_two_processes_append_to_one_table(project: Project, lake: Record, catalog: Catalog, schema: str) -> None:
    names = [f"flow_{number}" for number in range(2)]
    flows = [append_flow(name=name, source={"table": name}, destination=into(schema)) for name in names]
    write(project, lake, *flows)
    for number, name in enumerate(names):
        (project.landing / name).mkdir()
        pl.DataFrame({"id": [number, number + 10]}).write_parquet(project.landing / name / "a.parquet")
    command = project.command("run", str(project.folder / "project.yaml"), "--json", "--select")
    running = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in names]
    ended = [process.communicate(timeout=120)[0] for process in running]
    assert [json.loads(line)["status"] for line in ended] == ["succeeded"] * 2, ended
    assert rows(catalog, schema) == [(n,) for n in (0, 1, 10, 11)]


def test_what_a_connection_lacks_is_said_before_anything_runs(project: Project) -> None:
    lake: Record = {"name": "berg", "format": "iceberg", "configure": {}}
    write(project, lake, append_flow(destination=into("db")))
    done = project.start()
    assert done.returncode == 2
    assert "iceberg without catalog_options" in done.stderr
    lake["configure"] = {"catalog_options": {"type": "sql", "uri": "sqlite:///c.db", "warehouse": "w"}}
    write(project, lake, append_flow(destination=into(None)))
    assert "iceberg without a schema" in project.start().stderr
    lake["configure"] = {"base_path": "lake"}
    write(project, lake, append_flow(destination=into("db")))
    assert "iceberg by base_path" in project.start().stderr


def test_a_table_of_format_version_3_is_refused(project: Project, iceberg_rest: Running, schema: str) -> None:
    options = {"type": "rest", "uri": iceberg_rest.address["url"]}
    catalog = load_catalog("default", **options)
    catalog.create_namespace(schema)
    catalog.create_table(f"{schema}.events", pa.schema([("id", pa.int64())]), properties={"format-version": "3"})
    lake: Record = {"name": "berg", "format": "iceberg", "configure": {"catalog_options": options}}
    write(project, lake, append_flow(destination=into(schema)))
    land(project, "a.parquet", id=[1])
    (record,) = run(project)
    assert record.error is not None
    assert "is of format version 3; up to version 2 is supported" in record.error.message
