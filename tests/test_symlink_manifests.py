"""Symlink manifests: an engine that reads the listed files sees the table."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable

import datacoolie
from datacoolie.core.exceptions import ConfigurationError
from tests.projects import append_flow

if TYPE_CHECKING:
    from tests.projects import Project, Record

LAKE: Record = {
    "name": "lake_for_athena",
    "format": "delta",
    "configure": {"base_path": "lake", "generate_manifest": True},
}


def write(project: Project, **destination: object) -> None:
    flow = append_flow(destination={"connection_name": "lake_for_athena", **destination})
    project.write(flow, connections=[LAKE])


def land(project: Project, name: str, **columns: list[object]) -> None:
    folder = project.landing / "events"
    folder.mkdir(exist_ok=True)
    pl.DataFrame(columns).write_parquet(folder / name)


def run(project: Project) -> None:
    result = datacoolie.Project.load(project.folder / "project.yaml").run()
    assert result.ok, result


def manifests(project: Project) -> dict[str, list[str]]:
    root = project.lake / "events/_symlink_format_manifest"
    found = {path.parent.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}
    return {folder: text.splitlines() for folder, text in found.items()}


def listed_rows(project: Project) -> list[int]:
    """Read the files that the manifests list, as they are, and return their ids."""
    files = [Path(line) for lines in manifests(project).values() for line in lines]
    return sorted(one for path in files for one in pl.read_parquet(path, hive_partitioning=False)["id"].to_list())


@pytest.mark.parametrize("load_type", ["append", "overwrite", "merge_upsert"])
def test_the_manifest_lists_the_files_of_the_newest_version(project: Project, load_type: str) -> None:
    write(project, load_type=load_type, merge_keys=["id"])
    land(project, "a.parquet", id=[1, 2])
    run(project)
    land(project, "b.parquet", id=[3])
    run(project)
    assert list(manifests(project)) == ["."]
    assert sorted(manifests(project)["."]) == sorted(DeltaTable(project.lake / "events").file_uris())
    assert listed_rows(project) == ([3] if load_type == "overwrite" else [1, 2, 3])


def test_each_partition_has_a_manifest_until_it_is_gone(project: Project) -> None:
    write(project, load_type="overwrite", partition_columns=["p"])
    land(project, "a.parquet", id=[1, 2, 3], p=["a b", "x/y=1", None])
    run(project)
    assert set(manifests(project)) == {"p=a b", "p=x%2Fy%3D1", "p=__HIVE_DEFAULT_PARTITION__"}
    assert listed_rows(project) == [1, 2, 3]
    land(project, "b.parquet", id=[4], p=["a b"])
    run(project)
    assert set(manifests(project)) == {"p=a b"}
    assert listed_rows(project) == [4]


def test_joined_files_are_in_the_manifest(project: Project) -> None:
    write(project, configure={"maintenance": {"optimize": True, "vacuum": True, "retention_hours": 0}})
    for number in (1, 2):
        land(project, f"{number}.parquet", id=[number])
        run(project)
    assert datacoolie.Project.load(project.folder / "project.yaml").maintain().ok
    assert len(manifests(project)["."]) == 1
    assert listed_rows(project) == [1, 2]


def test_a_run_that_dies_before_the_manifest_leaves_it_to_the_next(project: Project) -> None:
    write(project)
    land(project, "a.parquet", id=[1])
    run(project)
    land(project, "b.parquet", id=[2])
    killed = project.python(
        "import os, signal\nimport datacoolie.destinations.lakehouse as d\n"
        "d.write_manifests = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from datacoolie import Project\nProject.load(path).run()"
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert listed_rows(project) == [1]
    run(project)
    assert listed_rows(project) == [1, 2]
    assert sorted(project.table("events")["id"].to_list()) == [1, 2]


def test_looking_at_the_state_writes_no_manifest(project: Project) -> None:
    write(project)
    land(project, "a.parquet", id=[1])
    run(project)
    manifest = project.lake / "events/_symlink_format_manifest/manifest"
    manifest.unlink()
    opened = datacoolie.Project.load(project.folder / "project.yaml")
    assert opened.states.verify("events").agreement == "same"
    assert not manifest.exists()
    shutil.rmtree(project.states)
    opened.states.set("events", {"id": "1"})
    assert listed_rows(project) == [1]


def test_a_manifest_that_can_not_be_written_fails_the_flow_until_it_can(
    project: Project,
) -> None:
    write(project)
    land(project, "a.parquet", id=[1])
    run(project)
    (project.lake / "events/_symlink_format_manifest/manifest").unlink()
    (project.lake / "events/_symlink_format_manifest/manifest").mkdir()
    land(project, "b.parquet", id=[2])

    failed = datacoolie.Project.load(project.folder / "project.yaml").run()
    assert "_symlink_format_manifest/manifest': Is a directory" in str(failed)
    (project.lake / "events/_symlink_format_manifest/manifest").rmdir()
    run(project)
    assert listed_rows(project) == [1, 2]
    assert sorted(project.table("events")["id"].to_list()) == [1, 2]


def test_only_delta_has_such_manifests(project: Project) -> None:
    options = {"type": "sql", "uri": "sqlite://", "warehouse": "w"}
    iceberg: Record = {
        "name": "ice",
        "format": "iceberg",
        "database": "db",
        "configure": {"catalog_options": options, "generate_manifest": True},
    }
    project.write(append_flow(destination={"connection_name": "ice"}), connections=[iceberg])
    land(project, "a.parquet", id=[1])
    with pytest.raises(ConfigurationError, match="generate_manifest of iceberg tables is not supported yet"):
        run(project)


def test_manifests_of_a_table_by_catalog_name_are_refused(project: Project) -> None:
    named: Record = {"name": "named", "format": "delta", "catalog": "main", "database": "db"}
    project.write(
        append_flow(destination={"connection_name": "named", "configure": {}}),
        connections=[{**named, "configure": {"generate_manifest": True}}],
    )
    land(project, "a.parquet", id=[1])
    with pytest.raises(ConfigurationError, match="generate_manifest of tables by catalog name is not supported yet"):
        run(project)
