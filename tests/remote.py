"""A project whose files, tables and states are on a platform other than this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

import datacoolie
from datacoolie.orchestration.results import RunResult
from datacoolie.plugins import platform_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from datacoolie.observability.records import FlowRecord
    from datacoolie.platforms import BasePlatform
    from tests.projects import Record

KINDS = ("parquet", "csv", "jsonl", "json", "avro")
"""Formats that `landing` and `out` have connections for."""


@dataclass(kw_only=True)
class RemoteProject:
    """A project below a URI: `landing`, `lake`, `out`, `state`.

    Attributes:
        folder: of the project file and the document.
        root: URI of the project's folder.
        settings: of the platform, `name` among them.
        places: URIs of folders that are elsewhere than below `root`.
    """

    folder: Path
    root: str
    settings: Record
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def platform(self) -> BasePlatform:
        """The platform, to look at what is there."""
        options = dict(self.settings)
        return platform_registry.get(str(options.pop("name")), **options)

    def place(self, folder: str) -> str:
        """Return the URI of a folder."""
        return self.places.get(folder, f"{self.root}/{folder}")

    def write(self, *dataflows: Record, **settings: object) -> None:
        """Write the project file and the document."""
        configure = {name: {"base_path": self.place(name)} for name in ("landing", "lake", "out")}
        connections = [
            {"name": "lake", "format": "delta", "configure": configure["lake"]},
            *(
                {"name": f"{name}_{kind}", "format": kind, "configure": configure[name]}
                for name in ("landing", "out")
                for kind in KINDS
            ),
        ]
        catalog = {"type": "sql", "uri": "sqlite:///catalog.db", "warehouse": self.place("warehouse")}
        iceberg = {"configure": {"catalog_options": catalog}, "catalog": "tests", "database": "db"}
        connections.append({"name": "ice", "format": "iceberg", **iceberg})
        document = {"connections": connections, "dataflows": list(dataflows)}
        (self.folder / "flows.json").write_text(json.dumps(document))
        project = {"metadata": ["flows.json"], "platform": self.settings, "state": self.place("state"), **settings}
        (self.folder / "datacoolie.yaml").write_text(json.dumps(project))

    def land(self, name: str, frame: pl.DataFrame) -> None:
        """Put a file into `landing`, in the format that its name says."""
        path = self.folder / "landed"
        writers: dict[str, Callable[[Path], object]] = {
            "parquet": frame.write_parquet,
            "csv": frame.write_csv,
            "jsonl": frame.write_ndjson,
        }
        writers[name.rpartition(".")[2]](path)
        self.platform.write(f"{self.place('landing')}/{name}", path.read_bytes())

    def attempt(self, **arguments: object) -> FlowRecord:
        """Run the only flow and return its record."""
        result = datacoolie.Project.load(self.folder).run(**arguments)  # type: ignore[arg-type] # passed on
        assert isinstance(result, RunResult)  # noqa: S101 - a test's own assertion
        (record,) = result
        return record

    def load(self, **arguments: object) -> FlowRecord:
        """Run the only flow; it must not fail."""
        record = self.attempt(**arguments)
        assert record.error is None, record.error  # noqa: S101 - a test's own assertion
        return record

    def names(self, folder: str) -> list[str]:
        """Return the names of all files below a folder of the project."""
        place, _, below = folder.partition("/")
        root = f"{self.place(place)}/{below}".rstrip("/")
        return [file.path[len(root) + 1 :] for file in self.platform.list(root)]

    def table(self, name: str) -> pl.DataFrame:
        """Read a Delta table with Polars."""
        uri = f"{self.place('lake')}/{name}"
        return pl.read_delta(uri, storage_options=self.platform.storage_options(uri), credential_provider=None)
