"""A project in a folder for one case: files land, a table fills, and what is in it can be read at any moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from sqlalchemy.exc import OperationalError

from datacoolie.platforms.local import LocalPlatform
from datacoolie.state.folders import live_files
from tools.crash.cases import COLUMNS, Batch, Case, Row, batch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FLOW = "events"

_TABLES = {"delta", "iceberg"}

_READERS: dict[str, Callable[[list[str]], pl.DataFrame]] = {
    "parquet": pl.read_parquet,
    "csv": lambda paths: pl.scan_csv(paths, try_parse_dates=True).collect(),
    "jsonl": lambda paths: pl.scan_ndjson(paths).collect(),
    "avro": lambda paths: pl.concat([pl.read_avro(path) for path in paths]),
    "json": lambda paths: pl.concat([pl.read_json(path) for path in paths]),
}


class Arena:
    """A project with one flow that loads Parquet files that land into one table.

    Args:
        folder: an empty folder.
        case: the flow's load type and format.
        rows: rows per batch.
        engine: as in a project file; the default one when it is not given.

    Attributes:
        document: path of the document, or of the project.
        batches: what has landed.
    """

    def __init__(self, folder: Path, case: Case, *, rows: int = 10, engine: Mapping[str, object] | None = None) -> None:
        """Write the document; nothing has landed."""
        self.folder = folder
        self.case = case
        document = folder / "project.yaml"
        self.document = folder if engine else document
        self.batches: list[Batch] = []
        self._rows = rows
        self._landing = folder / "landing" / FLOW
        self._landing.mkdir(parents=True)
        self.table = folder / "lake" / FLOW
        document.write_text(json.dumps(_document(case)))
        if engine:
            (folder / "datacoolie.yaml").write_text(json.dumps({"metadata": [document.name], "engine": engine}))

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
            paths = [file.path for file in live_files(LocalPlatform(), str(self.table))]
            try:
                return self._read_files(paths)
            except OSError:  # an overwrite took a file away that was listed
                if all(Path(path).exists() for path in paths):
                    raise

    def read_as_others(self) -> list[Row]:
        """Return the rows that a reader sees who only knows that hidden names are no data, sorted."""
        if self.case.format in _TABLES:
            return self.read()
        found = (path for path in self.table.rglob(f"*.{self.case.format}") if path.is_file())
        return self._read_files(sorted(str(path) for path in found if not _is_hidden(path.relative_to(self.table))))

    def leftovers(self) -> list[str]:
        """Return staged files of flat files that are part of no commit, by their paths."""
        return [str(path) for path in self.table.rglob("*") if path.is_file() and "staged" in path.parts]

    def _read_delta(self) -> pl.DataFrame | None:
        try:
            return pl.read_delta(DeltaTable(self.table))
        except TableNotFoundError:
            return None

    def _read_iceberg(self) -> pl.DataFrame | None:
        if not (self.folder / "catalog.db").exists():
            return None
        uri = f"sqlite:///{self.folder}/catalog.db"
        catalog = SqlCatalog("default", uri=uri, init_catalog_tables="false")
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
        return self._compared(_READERS[self.case.format](paths) if paths else None)

    def _compared(self, frame: pl.DataFrame | None) -> list[Row]:
        """Return rows that can be compared with those of a case, whatever the format makes of datetimes."""
        if frame is None:
            return []
        frame = frame.select(self.case.columns)
        texts = [name for name in ("at",) if frame.schema.get(name) == pl.String]
        return _sorted(frame.with_columns(pl.col(texts).str.to_datetime(time_unit="us")).rows())


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=repr)


def _is_hidden(relative: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in relative.parts)


def _lake(case: Case) -> dict[str, object]:
    if case.format == "iceberg":
        return {"catalog_options": {"type": "sql", "uri": "sqlite:///catalog.db", "warehouse": "lake"}}
    return {"base_path": "lake"}


def _document(case: Case) -> dict[str, object]:
    return {
        "connections": [
            {"name": "landing", "format": "parquet", "configure": {"base_path": "landing"}},
            {"name": "lake", "format": case.format, "configure": _lake(case)},
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
