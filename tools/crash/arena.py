"""A project in a folder for one case: files land, a table fills, and what is in it can be read at any moment."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import fastavro
import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from sqlalchemy.exc import OperationalError

from datacoolie.platforms import Dialect
from datacoolie.state.views import live_files
from tools.crash.cases import COLUMNS, Batch, Case, Row, batch
from tools.crash.places import HERE, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FLOW = "events"

_TABLES = {"delta", "iceberg"}

_READERS: dict[str, Callable[[BytesIO], pl.DataFrame]] = {
    "parquet": pl.read_parquet,
    "csv": lambda data: pl.read_csv(data, try_parse_dates=True),
    "jsonl": pl.read_ndjson,
    "avro": lambda data: pl.DataFrame(list(fastavro.reader(data))),  # that of Polars panics without rows
    "json": pl.read_json,
}


class Arena:
    """A project with one flow that loads Parquet files that land into one table.

    Args:
        folder: an empty folder.
        case: the flow's load type and format.
        rows: rows per batch.
        engine: as in a project file; the default one when it is not given.
        place: where the table and the states are.

    Attributes:
        document: path of the document, or of the project.
        location: path or URI of the table.
        batches: what has landed.
    """

    def __init__(
        self,
        folder: Path,
        case: Case,
        *,
        rows: int = 10,
        engine: Mapping[str, object] | None = None,
        place: Place = HERE,
    ) -> None:
        """Write the document; nothing has landed."""
        self.folder = folder
        self.case = case
        self.place = place
        self.batches: list[Batch] = []
        self._rows = rows
        self._platform = place.platform
        self._landing = folder / "landing" / FLOW
        self._landing.mkdir(parents=True)
        root = place.of(folder)
        self.location = f"{root}/lake/{FLOW}"
        document = folder / "project.yaml"
        document.write_text(json.dumps(_document(case, f"{root}/lake")))
        project: dict[str, object] = {"metadata": [document.name]}
        if engine:
            project["engine"] = engine
        if place is not HERE:
            project |= {"platform": place.settings, "state": f"{root}/state"}
        self.document = folder if len(project) > 1 else document
        (folder / "datacoolie.yaml").write_text(json.dumps(project))

    @property
    def table(self) -> Path:
        """Folder of the table, on this machine."""
        return Path(self.location)

    @property
    def states(self) -> Path:
        """Folder of the load states."""
        return self.folder / ".datacoolie" / "flows"

    def land(self) -> None:
        """Let one more batch land."""
        rows = batch(len(self.batches), self._rows, self.case.repeats)
        path = self._landing / f"{len(self.batches):05}.parquet"
        pl.DataFrame(rows, schema=list(COLUMNS), orient="row").write_parquet(path)
        self.batches.append(rows)

    def expected(self, loaded: int | None = None) -> list[Row]:
        """Return what the table holds when so many batches (all that landed) were loaded, sorted."""
        return _sorted(self.case.expected(self.batches[:loaded]))

    def loaded(self) -> int | None:
        """Return how many batches the table holds, all but the last or all; `None` when it holds anything else."""
        found = self.read()
        whole = (len(self.batches), len(self.batches) - 1)
        return next((count for count in whole if found == self.expected(count)), None)

    def read(self) -> list[Row]:
        """Return the rows that a reader sees now, sorted."""
        if self.case.format in _TABLES:
            return self._compared(self._read_delta() if self.case.format == "delta" else self._read_iceberg())
        while True:
            paths = [file.path for file in live_files(self._platform, self.location)]
            try:
                return self._read_files(paths)
            except OSError:  # an overwrite took a file away that was listed
                if all(self._platform.stat(path) for path in paths):
                    raise

    def read_as_others(self) -> list[Row]:
        """Return the rows that a reader sees who only knows that hidden names are no data, sorted."""
        if self.case.format in _TABLES:
            return self.read()
        return self._read_files([path for path in self._paths() if not _is_hidden(path[len(self.location) + 1 :])])

    def leftovers(self) -> list[str]:
        """Return staged files of flat files that are part of no commit, by their paths."""
        return [path for path in self._paths() if "/staged/" in path[len(self.location) :]]

    def _paths(self) -> list[str]:
        return [file.path for file in self._platform.list(self.location)]

    def _read_delta(self) -> pl.DataFrame | None:
        try:
            options = self._platform.storage_options(self.location)
            return pl.read_delta(DeltaTable(self.location, storage_options=options))
        except TableNotFoundError:
            return None

    def _read_iceberg(self) -> pl.DataFrame | None:
        if not (self.folder / "catalog.db").exists():
            return None
        uri = f"sqlite:///{self.folder}/catalog.db"
        options = self._platform.storage_options(self.location, Dialect.ICEBERG)
        catalog = SqlCatalog("default", uri=uri, init_catalog_tables="false", **options)
        try:
            return pl.DataFrame(catalog.load_table(f"db.{FLOW}").scan().to_arrow())
        except NoSuchTableError:
            return None
        except OperationalError as error:
            if "no such table" in str(error):  # the catalog is being made
                return None
            raise
        finally:
            catalog.close()

    def _read_files(self, paths: list[str]) -> list[Row]:
        read = _READERS[self.case.format]
        contents = (self._platform.read(path).data for path in paths)
        # Spark writes a file without rows for a part of the data that has none; text says nothing of types then.
        frames = [frame for frame in (read(BytesIO(data)) for data in contents if data) if not frame.is_empty()]
        return self._compared(pl.concat(frames) if frames else None)

    def _compared(self, frame: pl.DataFrame | None) -> list[Row]:
        """Return rows that can be compared with those of a case, whatever the format makes of datetimes."""
        if frame is None:
            return []
        frame = frame.select(self.case.columns)
        texts = [name for name in ("at",) if frame.schema.get(name) == pl.String]
        return _sorted(frame.with_columns(pl.col(texts).str.to_datetime(time_unit="us")).rows())


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=repr)


def _is_hidden(relative: str) -> bool:
    return any(part.startswith(("_", ".")) for part in relative.split("/"))


def _lake(case: Case, lake: str) -> dict[str, object]:
    if case.format == "iceberg":
        return {"catalog_options": {"type": "sql", "uri": "sqlite:///catalog.db", "warehouse": lake}}
    return {"base_path": lake}


def _document(case: Case, lake: str) -> dict[str, object]:
    return {
        "connections": [
            {"name": "landing", "format": "parquet", "configure": {"base_path": "landing"}},
            {"name": "lake", "format": case.format, "configure": _lake(case, lake)},
        ],
        "dataflows": [
            {
                "name": FLOW,
                "source": {"connection_name": "landing", "table": FLOW, "watermark_columns": ["id"]},
                "destination": {
                    "connection_name": "lake",
                    "table": FLOW,
                    "schema_name": "db" if case.format == "iceberg" else None,
                    "load_type": case.load_type,
                    **case.destination,
                },
                "transform": {"system_columns": False},
            }
        ],
    }
